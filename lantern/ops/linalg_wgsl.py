"""Factorisations as kernels in WGSL: a workgroup of 256 invocations a matrix (or a block of right-hand sides).

All run in blocks of 16 columns: a small block in workgroup memory, then everything to its right or below at once, so
that there are few barriers (J. Dongarra et al., "A set of level 3 basic linear algebra subprograms", 1990).
"""
from __future__ import annotations

from lantern.lower.routine import Written
from lantern.ops import linalg_small as small

THREADS = 256
WIDEST = 32768      # workgroups along x; a device has 65535 along each axis


def _spread(jobs: int) -> tuple[tuple[int, int, int], tuple[tuple[str, int], ...]]:
    """A grid of at least that many workgroups, and the constants that number them."""
    across = max(1, min(jobs, WIDEST))
    return (across, -(-jobs // across), 1), (("across", across), ("jobs", jobs))


# Division by zero gives an infinity, or NaN for 0 / 0, also where a driver assumes that there are none.
QUOTIENT = """
fn quotient(x: f32, y: f32) -> f32 {
  let infinite = with_sign(bits_f32(0x7f800000u), bitcast<f32>(bitcast<u32>(x) ^ bitcast<u32>(y)));
  let bad = select(infinite, bits_f32(0x7fc00000u), (magnitude(x) == 0u) | is_nan(x));
  return select(div_f32(x, y), bad, magnitude(y) == 0u);
}
"""

# The reflection 1 - tau v v^T that takes (alpha, x), |x| = scale * sqrt(squares), to (beta, 0): tau, what x is
# multiplied by for v, and beta. As LAPACK's slarfg.
REFLECTION = """
fn reflection(alpha: f32, scale: f32, squares: f32) -> vec3<f32> {
  let large = max_f32(scale, abs(alpha));
  let safe = select(large, 1.0, large == 0.0);
  let p = div_f32(scale, safe);
  let q = div_f32(alpha, safe);
  let beta = with_sign(large * sqrt(p * p * squares + q * q), neg_f32(alpha));
  let found = vec3<f32>(div_f32(beta - alpha, beta), div_f32(1.0, alpha - beta), beta);
  return select(found, vec3<f32>(0.0, 0.0, alpha), scale == 0.0);
}
"""

_CHOLESKY = """
var<workgroup> tile: array<f32, 256>;
var<workgroup> failed: u32;

fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let job = group.y * across + group.x;
  if (job >= jobs) { return; }
  if (job + thread == 0u) { next[0] = block[0]; }
  let base = job * n * n;
  if (thread == 0u) { failed = 0u; }
  for (var e = thread; e < n * n; e += 256u) { l[base + e] = select(0.0, a[base + e], e % n <= e / n); }
  storageBarrier();
  let i = thread / 16u;
  let j = thread % 16u;
  for (var start = 0u; start < n; start += 16u) {
    let width = min(16u, n - start);
    let own = (i < width) & (j <= i);
    let here = base + (start + min(i, width - 1u)) * n + start + min(j, width - 1u);
    if (own) { tile[thread] = l[here]; }
    workgroupBarrier();
    for (var c = 0u; c < width; c++) {
      if (thread == c * 17u) {
        let pivot = tile[thread];
        if ((pivot <= 0.0) | is_nan(pivot)) { failed = 1u; }
        tile[thread] = sqrt_f32(pivot);
      }
      workgroupBarrier();
      if (own & (j == c) & (i > c)) { tile[thread] = div_f32(tile[thread], tile[c * 17u]); }
      workgroupBarrier();
      if (own & (j > c)) { tile[thread] = tile[thread] - tile[i * 16u + c] * tile[j * 16u + c]; }
      workgroupBarrier();
    }
    if (own) { l[here] = tile[thread]; }
    for (var row = start + width + thread; row < n; row += 256u) {
      let place = base + row * n + start;
      for (var c = 0u; c < width; c++) {
        var s = l[place + c];
        for (var t = 0u; t < c; t++) { s = s - l[place + t] * tile[c * 16u + t]; }
        l[place + c] = div_f32(s, tile[c * 17u]);
      }
    }
    storageBarrier();
    update(base, start, width, thread);
    storageBarrier();
    workgroupBarrier();
  }
  if (failed != 0u) {
    for (var e = thread; e < n * n; e += 256u) { if (e % n <= e / n) { l[base + e] = bits_f32(0x7fc00000u); } }
  }
}

// What lies below and right of the block loses the product of the panel with itself, 4 x 4 elements at a time.
fn update(base: u32, start: u32, width: u32, thread: u32) {
  let first = start + width;
  let side = (n - first + 3u) / 4u;
  for (var e = thread; e < side * side; e += 256u) {
    let row = first + e / side * 4u;
    let column = first + e % side * 4u;
    if (column <= row) {
      let rows = base + min(vec4<u32>(row, row + 1u, row + 2u, row + 3u), vec4<u32>(n - 1u)) * n + start;
      let columns = base + min(vec4<u32>(column, column + 1u, column + 2u, column + 3u), vec4<u32>(n - 1u)) * n + start;
      var s0 = vec4<f32>(); var s1 = vec4<f32>(); var s2 = vec4<f32>(); var s3 = vec4<f32>();
      for (var t = 0u; t < width; t++) {
        let v = vec4<f32>(l[columns.x + t], l[columns.y + t], l[columns.z + t], l[columns.w + t]);
        s0 += l[rows.x + t] * v;
        s1 += l[rows.y + t] * v;
        s2 += l[rows.z + t] * v;
        s3 += l[rows.w + t] * v;
      }
      subtract(base, row, column, s0);
      subtract(base, row + 1u, column, s1);
      subtract(base, row + 2u, column, s2);
      subtract(base, row + 3u, column, s3);
    }
  }
}

fn subtract(base: u32, row: u32, column: u32, s: vec4<f32>) {
  if (row >= n) { return; }
  let place = base + row * n + column;
  if (column <= row) { l[place] -= s.x; }
  if (column + 1u <= row) { l[place + 1u] -= s.y; }
  if (column + 2u <= row) { l[place + 2u] -= s.z; }
  if (column + 3u <= row) { l[place + 3u] -= s.w; }
}
"""


def cholesky(count: int, n: int) -> Written:
    """l with l l^T = a, from the lower triangles of `count` matrices of n rows."""
    if small.is_small(count, n, n):
        return small.cholesky(count, n)
    grid, numbers = _spread(count)
    return Written(("a", "block"), ("l", "next"), _CHOLESKY, constants=(*numbers, ("n", n)),
                   workgroup_size=(THREADS, 1, 1), grid=grid)


_SUBSTITUTION = """
var<workgroup> tile: array<f32, 256>;
var<workgroup> part: array<vec4<f32>, 64>;

fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let job = group.y * across + group.x;
  if (job >= jobs) { return; }
  let blocks = (m + 4u * wide - 1u) / (4u * wide);
  let c = thread % wide;
  let r = thread / wide;
  let column = (job % blocks * wide + c) * 4u;
  let right = job / blocks * n * m + column;
  // Element (row, column) of the triangle in the order of elimination: an upper one is a lower one read from the end.
  let first = job / blocks * n * n + select(0u, n * n - 1u, backwards);
  let sign = select(1u, 0xffffffffu, backwards);
  let down = select(n, 1u, transposed) * sign;
  let along = select(1u, n, transposed) * sign;
  for (var row = r; row < n; row += high) { put(right, row, column, given(right, row, column)); }
  storageBarrier();
  for (var start = 0u; start < n; start += 16u) {
    let width = min(16u, n - start);
    let i = thread / 16u;
    let j = thread % 16u;
    if ((i < width) & (j <= i)) { tile[thread] = a[first + (start + i) * down + (start + j) * along]; }
    for (var row = r; row < width; row += high) { part[row * wide + c] = found(right, turned(start + row), column); }
    workgroupBarrier();
    if (r == 0u) {
      for (var row = 0u; row < width; row++) {
        var s = part[row * wide + c];
        for (var t = 0u; t < row; t++) { s -= tile[row * 16u + t] * part[t * wide + c]; }
        if (!unit) {
          let d = tile[row * 17u];
          s = vec4<f32>(quotient(s.x, d), quotient(s.y, d), quotient(s.z, d), quotient(s.w, d));
        }
        part[row * wide + c] = s;
      }
    }
    workgroupBarrier();
    for (var row = r; row < width; row += high) { put(right, turned(start + row), column, part[row * wide + c]); }
    for (var row = start + width + r; row < n; row += high) {
      var s = vec4<f32>();
      let place = first + row * down + start * along;
      if (width == 16u) {
        SUMS
      } else {
        for (var t = 0u; t < width; t++) { s += a[place + t * along] * part[t * wide + c]; }
      }
      put(right, turned(row), column, found(right, turned(row), column) - s);
    }
    storageBarrier();
    workgroupBarrier();
  }
}

// Four columns of a row; those past the last are zeros, and not written.
fn found(right: u32, row: u32, column: u32) -> vec4<f32> {
  let p = right + row * m;
  var s = vec4<f32>();
  if (column < m) { s.x = x[p]; }
  if (column + 1u < m) { s.y = x[p + 1u]; }
  if (column + 2u < m) { s.z = x[p + 2u]; }
  if (column + 3u < m) { s.w = x[p + 3u]; }
  return s;
}

fn given(right: u32, row: u32, column: u32) -> vec4<f32> {
  let p = right + row * m;
  var s = vec4<f32>();
  if (column < m) { s.x = b[p]; }
  if (column + 1u < m) { s.y = b[p + 1u]; }
  if (column + 2u < m) { s.z = b[p + 2u]; }
  if (column + 3u < m) { s.w = b[p + 3u]; }
  return s;
}

fn put(right: u32, row: u32, column: u32, s: vec4<f32>) {
  let p = right + row * m;
  if (column < m) { x[p] = s.x; }
  if (column + 1u < m) { x[p + 1u] = s.y; }
  if (column + 2u < m) { x[p + 2u] = s.z; }
  if (column + 3u < m) { x[p + 3u] = s.w; }
}

fn turned(row: u32) -> u32 { return select(row, n - 1u - row, backwards); }
""".replace("SUMS", "\n        ".join([f"s += a[place + {t}u * along] * part[{t}u * wide + c];" for t in range(16)]))


def substitution(count: int, n: int, m: int, lower: bool, transpose: bool, unit: bool) -> Written:
    """x with t x = b, for triangles t of `count` matrices a (or their transposes) and m right-hand sides."""
    if small.is_small(count * m, n, n):
        return small.substitution(count, n, m, lower, transpose, unit, QUOTIENT)
    wide = 1 if m <= 4 else 2 if m <= 8 else 4      # times four columns
    grid, numbers = _spread(count * -(-m // (4 * wide)))
    constants = (*numbers, ("n", n), ("m", m), ("wide", wide), ("high", THREADS // wide), ("unit", unit),
                 ("backwards", lower == transpose), ("transposed", transpose))
    return Written(("a", "b"), ("x",), _SUBSTITUTION, QUOTIENT, constants, workgroup_size=(THREADS, 1, 1), grid=grid)


_HOUSEHOLDER = """
var<workgroup> part: array<f32, 256>;
var<workgroup> factor: f32;
var<workgroup> share: f32;

fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let job = group.y * across + group.x;
  if (job >= jobs) { return; }
  if (job + thread == 0u) { next[0] = block[0]; }
  let base = job * m * n;
  for (var e = thread; e < m * n; e += 256u) { h[base + e] = a[base + e]; }
  storageBarrier();
  let c = thread % wide;
  let r = thread / wide;
  for (var k = 0u; k < min(m, n); k++) {
    var largest = 0.0;
    for (var row = k + 1u + thread; row < m; row += 256u) { largest = max_f32(largest, abs(h[base + row * n + k])); }
    part[thread] = largest;
    for (var span = 128u; span > 0u; span /= 2u) {
      workgroupBarrier();
      if (thread < span) { part[thread] = max_f32(part[thread], part[thread + span]); }
    }
    workgroupBarrier();
    let scale = part[0];
    workgroupBarrier();
    var squares = 0.0;
    for (var row = k + 1u + thread; row < m; row += 256u) {
      let x = div_f32(h[base + row * n + k], select(scale, 1.0, scale == 0.0));
      squares += x * x;
    }
    part[thread] = squares;
    for (var span = 128u; span > 0u; span /= 2u) {
      workgroupBarrier();
      if (thread < span) { part[thread] += part[thread + span]; }
    }
    workgroupBarrier();
    if (thread == 0u) {
      let found = reflection(h[base + k * n + k], scale, part[0]);
      tau[job * min(m, n) + k] = found.x;
      factor = found.x;
      share = found.y;
      h[base + k * n + k] = found.z;
    }
    workgroupBarrier();
    let times = factor;
    for (var row = k + 1u + thread; row < m; row += 256u) { h[base + row * n + k] *= share; }
    storageBarrier();
    for (var first = k + 1u; first < n; first += wide) {
      let column = first + c;
      var s = 0.0;
      if (column < n) {
        for (var row = k + r; row < m; row += high) {
          s += select(h[base + row * n + k], 1.0, row == k) * h[base + row * n + column];
        }
      }
      part[thread] = s;
      workgroupBarrier();
      if (column < n) {
        var total = 0.0;
        for (var t = 0u; t < high; t++) { total += part[t * wide + c]; }
        for (var row = k + r; row < m; row += high) {
          h[base + row * n + column] -= times * total * select(h[base + row * n + k], 1.0, row == k);
        }
      }
      workgroupBarrier();
    }
    storageBarrier();
    workgroupBarrier();
  }
}

"""


def householder(count: int, m: int, n: int) -> Written:
    """R and the vectors of the reflections below it, and their factors, for `count` matrices of m x n."""
    if small.is_small(count, m, n):
        return small.householder(count, m, n, REFLECTION)
    wide = min(64, 1 << max(0, (n - 1).bit_length()))
    grid, numbers = _spread(count)
    constants = (*numbers, ("m", m), ("n", n), ("wide", wide), ("high", THREADS // wide))
    return Written(("a", "factors", "block"), ("h", "tau", "next"), _HOUSEHOLDER, REFLECTION, constants,
                   workgroup_size=(THREADS, 1, 1), grid=grid)
