"""Factorisations of small matrices as kernels in WGSL: one invocation a matrix (or a right-hand side), no barriers.

A workgroup would be wasted on a matrix of 3 x 3, and `vmap` makes thousands of them.
"""
from __future__ import annotations

from lantern.lower.routine import Written

FEW, MANY = 8, 256


def is_small(count: int, rows: int, columns: int) -> bool:
    """Whether one invocation does a matrix: very small ones, and small ones if there are many."""
    return max(rows, columns) <= (2 * FEW if count >= MANY else FEW)


_CHOLESKY = """
if (i == 0u) { next[0] = block[0]; }
let base = i * n * n;
var failed = false;
for (var e = 0u; e < n * n; e++) { l[base + e] = select(0.0, a[base + e], e % n <= e / n); }
for (var c = 0u; c < n; c++) {
  let pivot = l[base + c * n + c];
  failed = failed | (pivot <= 0.0) | is_nan(pivot);
  let d = sqrt_f32(pivot);
  l[base + c * n + c] = d;
  for (var row = c + 1u; row < n; row++) {
    let x = div_f32(l[base + row * n + c], d);
    l[base + row * n + c] = x;
    for (var t = c + 1u; t <= row; t++) { l[base + row * n + t] -= x * l[base + t * n + c]; }
  }
}
if (failed) {
  for (var e = 0u; e < n * n; e++) { if (e % n <= e / n) { l[base + e] = bits_f32(0x7fc00000u); } }
}
"""


def cholesky(count: int, n: int) -> Written:
    """As `linalg_wgsl.cholesky`."""
    return Written(("a", "block"), ("l", "next"), _CHOLESKY, constants=(("n", n),), threads=count)


_SUBSTITUTION = """
let first = i / m * n * n;
let right = i / m * n * m + i % m;
for (var k = 0u; k < n; k++) {
  let row = select(k, n - 1u - k, backwards);
  var s = b[right + row * m];
  for (var t = 0u; t < k; t++) {
    let column = select(t, n - 1u - t, backwards);
    s -= a[first + select(row * n + column, column * n + row, transposed)] * x[right + column * m];
  }
  if (!unit) { s = quotient(s, a[first + row * n + row]); }
  x[right + row * m] = s;
}
"""


def substitution(count: int, n: int, m: int, lower: bool, transpose: bool, unit: bool, header: str) -> Written:
    """As `linalg_wgsl.substitution`."""
    constants = (("n", n), ("m", m), ("unit", unit), ("backwards", lower == transpose), ("transposed", transpose))
    return Written(("a", "b"), ("x",), _SUBSTITUTION, header, constants, threads=count * m)


_HOUSEHOLDER = """
if (i == 0u) { next[0] = block[0]; }
let base = i * m * n;
for (var e = 0u; e < m * n; e++) { h[base + e] = a[base + e]; }
for (var k = 0u; k < min(m, n); k++) {
  let place = base + k * n + k;
  var scale = 0.0;
  for (var row = k + 1u; row < m; row++) { scale = max_f32(scale, abs(h[base + row * n + k])); }
  var squares = 0.0;
  for (var row = k + 1u; row < m; row++) {
    let x = div_f32(h[base + row * n + k], select(scale, 1.0, scale == 0.0));
    squares += x * x;
  }
  let found = reflection(h[place], scale, squares);
  tau[i * min(m, n) + k] = found.x;
  h[place] = found.z;
  for (var row = k + 1u; row < m; row++) { h[base + row * n + k] *= found.y; }
  for (var column = k + 1u; column < n; column++) {
    var s = h[base + k * n + column];
    for (var row = k + 1u; row < m; row++) { s += h[base + row * n + k] * h[base + row * n + column]; }
    s *= found.x;
    h[base + k * n + column] -= s;
    for (var row = k + 1u; row < m; row++) { h[base + row * n + column] -= s * h[base + row * n + k]; }
  }
}
"""


def householder(count: int, m: int, n: int, header: str) -> Written:
    """As `linalg_wgsl.householder`."""
    return Written(("a", "factors", "block"), ("h", "tau", "next"), _HOUSEHOLDER, header, (("m", m), ("n", n)),
                   threads=count)
