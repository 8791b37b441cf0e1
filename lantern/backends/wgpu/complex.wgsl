// Complex numbers: a vec2<f32> of the real and the imaginary part. Errors are relative to the size of the result, as
// the two parts may differ in size by any amount. No intermediate value overflows where the result does not.

fn c64_from_f32(x: f32) -> vec2<f32> { return vec2<f32>(x, 0.0); }

fn bool_from_c64(z: vec2<f32>) -> bool { return (magnitude(z.x) | magnitude(z.y)) != 0u; }

fn is_infinite(x: f32) -> bool { return magnitude(x) == 0x7f800000u; }

fn isnan_c64(z: vec2<f32>) -> bool { return is_nan(z.x) || is_nan(z.y); }

fn isfinite_c64(z: vec2<f32>) -> bool { return is_finite(z.x) && is_finite(z.y); }

fn eq_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return eq_f32(a.x, b.x) && eq_f32(a.y, b.y); }

fn ne_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return ne_f32(a.x, b.x) || ne_f32(a.y, b.y); }

fn neg_c64(z: vec2<f32>) -> vec2<f32> { return vec2<f32>(neg_f32(z.x), neg_f32(z.y)); }

fn conj_c64(z: vec2<f32>) -> vec2<f32> { return vec2<f32>(z.x, neg_f32(z.y)); }

fn mul_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// Four numbers times i.
fn turned_c64(b: mat4x2<f32>) -> mat4x2<f32> {
  return mat4x2<f32>(-b[0].y, b[0].x, -b[1].y, b[1].x, -b[2].y, b[2].x, -b[3].y, b[3].x);
}

// R. L. Smith, "Algorithm 116: Complex division", 1962: through the ratio of the divisor's parts, the smaller by the
// larger, so that no square is taken.
fn div_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (magnitude(b.x) == 0u && magnitude(b.y) == 0u) {
    return vec2<f32>(div_f32(a.x, abs(b.x)), div_f32(a.y, abs(b.x)));
  }
  if (abs(b.x) >= abs(b.y)) {
    let r = div_f32(b.y, b.x);
    let d = b.x + b.y * r;
    return vec2<f32>(div_f32(a.x + a.y * r, d), div_f32(a.y - a.x * r, d));
  }
  let r = div_f32(b.x, b.y);
  let d = b.y + b.x * r;
  return vec2<f32>(div_f32(a.x * r + a.y, d), div_f32(a.y * r - a.x, d));
}

// Division by a real number that is a complex one: an infinite part makes the other one NaN, as multiplication by the
// zero does.
fn div_real_c64(z: vec2<f32>, s: f32) -> vec2<f32> {
  if (magnitude(s) == 0u) { return vec2<f32>(div_f32(z.x, abs(s)), div_f32(z.y, abs(s))); }
  return vec2<f32>(div_f32(z.x + mul_zero(z.y, 0.0), s), div_f32(z.y - mul_zero(z.x, 0.0), s));
}

// A power of two (2**100, 1 or 2**-66) that makes the squares of both parts normal numbers.
fn scale_c64(z: vec2<f32>) -> f32 {
  let big = max(abs(z.x), abs(z.y));
  return select(select(1.0, 1.2676506e30, big < 9.094947e-13), 1.3552527e-20, big > 4.611686e18);
}

// |z|, 4 ulp.
fn abs_c64(z: vec2<f32>) -> f32 {
  let s = scale_c64(z);
  let w = z * s;
  let r = sqrt(w.x * w.x + w.y * w.y) / s;
  let end = select(r, bits_f32(0x7fc00000u), isnan_c64(z));
  return select(end, bits_f32(0x7f800000u), is_infinite(z.x) || is_infinite(z.y));
}

// z / |z|, and 0 for 0.
fn sign_c64(z: vec2<f32>) -> vec2<f32> {
  let w = z * scale_c64(z);
  let m = abs_c64(w);
  if (m == 0.0) { return vec2<f32>(); }
  return vec2<f32>(div_f32(w.x, m), div_f32(w.y, m));
}

// By the half angle: the larger part as a root, the other one by division.
fn sqrt_c64(z: vec2<f32>) -> vec2<f32> {
  if (is_infinite(z.y)) { return vec2<f32>(abs(z.y), z.y); }
  let s = scale_c64(z);
  let back = select(select(1.0, 8.8817842e-16, s > 1.0), 8589934592.0, s < 1.0);      // 1 / sqrt(s)
  let w = z * s;
  let t = sqrt_f32(0.5 * (abs(w.x) + abs_c64(w)));
  if (t == 0.0) { return vec2<f32>(0.0, z.y); }
  let u = div_f32(w.y, 2.0 * t);
  return back * select(vec2<f32>(t, u), vec2<f32>(abs(u), with_sign(t, z.y)), z.x < 0.0);
}

fn rsqrt_c64(z: vec2<f32>) -> vec2<f32> { return div_c64(c64_from_f32(1.0), sqrt_c64(z)); }

// Above 88 in two factors, since cos and sin bring what exp(x) exceeds back into range.
fn exp_c64(z: vec2<f32>) -> vec2<f32> {
  let above = z.x > 88.0 && is_finite(z.x);
  let e = exp_f32(select(z.x, z.x - 64.0, above));
  let s = select(1.0, 6.2351491e27, above);
  return vec2<f32>(e * cos_f32(z.y) * s, select(e * sin_f32(z.y) * s, z.y, z.y == 0.0));
}

// exp(x) cos(y) - 1 without cancellation: expm1(x) cos(y) - 2 sin(y / 2)**2.
fn expm1_c64(z: vec2<f32>) -> vec2<f32> {
  let h = sin_f32(0.5 * z.y);
  let imaginary = select(exp_f32(z.x) * sin_f32(z.y), z.y, z.y == 0.0);
  return vec2<f32>(expm1_f32(z.x) * cos_f32(z.y) - 2.0 * h * h, imaginary);
}

// log|z| near the unit circle by log1p(|z|**2 - 1) / 2, else from the larger part and the ratio to it.
fn log_c64(z: vec2<f32>) -> vec2<f32> {
  let big = max(abs(z.x), abs(z.y));
  let small = min(abs(z.x), abs(z.y));
  var r = log_f32(big);
  if (big > 0.5 && big < 2.0) {
    r = 0.5 * log1p_f32((big - 1.0) * (big + 1.0) + small * small);
  } else if (big > 0.0 && is_finite(big)) {
    let q = div_f32(small, big);
    r = r + 0.5 * log1p_f32(q * q);
  }
  r = select(r, bits_f32(0x7fc00000u), isnan_c64(z));
  r = select(r, bits_f32(0x7f800000u), is_infinite(z.x) || is_infinite(z.y));
  return vec2<f32>(r, atan2_f32(z.y, z.x));
}

fn log1p_c64(z: vec2<f32>) -> vec2<f32> {
  if (abs(z.x) < 0.5 && abs(z.y) < 0.5) {
    return vec2<f32>(0.5 * log1p_f32(z.x * (2.0 + z.x) + z.y * z.y), atan2_f32(z.y, 1.0 + z.x));
  }
  return log_c64(vec2<f32>(1.0 + z.x, z.y));
}

// (sinh(x), cosh(x)), 4 ulp.
fn sinh_cosh(x: f32) -> vec2<f32> {
  let a = abs(x);
  if (a > 20.0) {
    let h = exp_f32(0.5 * a);
    let y = 0.5 * h * h;
    return vec2<f32>(with_sign(y, x), y);
  }
  let t = expm1_f32(a);
  let q = t / (t + 1.0);
  return vec2<f32>(with_sign(0.5 * (t + q), x), 1.0 + 0.5 * t * q);
}

fn sin_c64(z: vec2<f32>) -> vec2<f32> {
  let h = sinh_cosh(z.y);
  return vec2<f32>(select(sin_f32(z.x) * h.y, z.x, z.x == 0.0), cos_f32(z.x) * h.x);
}

fn cos_c64(z: vec2<f32>) -> vec2<f32> {
  let h = sinh_cosh(z.y);
  let product = select(sin_f32(z.x) * h.x, z.x * with_sign(1.0, z.y), z.x == 0.0);
  return vec2<f32>(cos_f32(z.x) * h.y, neg_f32(product));
}

// W. Kahan, "Branch cuts for complex elementary functions", 1987.
fn tanh_c64(z: vec2<f32>) -> vec2<f32> {
  if (abs(z.x) >= 11.0) {
    let e = exp_f32(-abs(z.x));
    return vec2<f32>(with_sign(1.0, z.x), 4.0 * sin_f32(z.y) * cos_f32(z.y) * e * e);
  }
  let t = tan_f32(z.y);
  let beta = 1.0 + t * t;
  let h = sinh_cosh(z.x);
  let d = 1.0 + beta * h.x * h.x;
  return vec2<f32>(beta * h.y * h.x / d, t / d);
}

fn tan_c64(z: vec2<f32>) -> vec2<f32> {
  let w = tanh_c64(vec2<f32>(neg_f32(z.y), z.x));
  return vec2<f32>(w.y, neg_f32(w.x));
}

// exp(b log a), its modulus as |a| ** Re(b), which is more exact. A power of 0 is 1, 0 or NaN, as in NumPy.
fn pow_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (b.x == 0.0 && b.y == 0.0) { return c64_from_f32(1.0); }
  if (a.x == 0.0 && a.y == 0.0) {
    let v = select(bits_f32(0x7fc00000u), 0.0, b.x > 0.0 && b.y == 0.0);
    return vec2<f32>(v, v);
  }
  let r = abs_c64(a);
  let angle = atan2_f32(a.y, a.x);
  var size = pow_f32(r, b.x);
  var turned = b.x * angle;
  if (b.y != 0.0) {
    size = size * exp_f32(-b.y * angle);
    turned = turned + b.y * log_f32(r);
  }
  return size * vec2<f32>(cos_f32(turned), sin_f32(turned));
}
