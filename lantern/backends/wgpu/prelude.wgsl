// Functions that rendered shaders may call, one per block; `prelude.py` copies those that a shader needs.
// Drivers disagree about NaN, infinities, precision and range, so nothing here relies on a builtin where they differ:
// NaN is found by its bits (x != x is folded to false), and leading parts are cut off by masking bits, since sums like
// (a + b) - a may be simplified. Accuracies were measured against float64 and are asserted by tests/device.

// A number by its bits. Not a constant expression, so NaN and infinities may be written and nothing is folded.
var<private> zero_bits: u32 = 0u;
fn bits_f32(bits: u32) -> f32 { return bitcast<f32>(bits ^ zero_bits); }

fn opaque_i32(bits: u32) -> i32 { return bitcast<i32>(bits ^ u32(bits_f32(0u))); }

fn opaque_u32(bits: u32) -> u32 { return bits ^ u32(bits_f32(0u)); }

fn magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }

fn is_nan(x: f32) -> bool { return magnitude(x) > 0x7f800000u; }

fn is_finite(x: f32) -> bool { return magnitude(x) < 0x7f800000u; }

// |x| with the sign of s. Masks would do, but Mesa 22's llvmpipe miscompiles them beside a test for NaN.
fn with_sign(x: f32, s: f32) -> f32 { return select(abs(x), -abs(x), bitcast<u32>(s) >= 0x80000000u); }

// Negation by the sign bit: NaN and zeros keep their other bits.
fn neg_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }

fn eq_f32(a: f32, b: f32) -> bool { return (a == b) & !is_nan(a) & !is_nan(b); }

fn ne_f32(a: f32, b: f32) -> bool { return (a != b) | is_nan(a) | is_nan(b); }

// The operands of a comparison that is negated: !(a < b) must not become a >= b.
fn ordered(a: f32, b: f32) -> bool { return !is_nan(a) & !is_nan(b); }

// NaN in either operand comes out. It is looked for in both: beside a number known to be none, NVIDIA's compiler takes
// the selection alone for its own minimum, which drops NaN.
fn max_f32(a: f32, b: f32) -> f32 {
  return select(select(b, a, a > b), bits_f32(0x7fc00000u), is_nan(a) | is_nan(b));
}

fn min_f32(a: f32, b: f32) -> f32 {
  return select(select(b, a, a < b), bits_f32(0x7fc00000u), is_nan(a) | is_nan(b));
}

fn sign_f32(x: f32) -> f32 { return select(select(0.0, with_sign(1.0, x), x != 0.0), x, is_nan(x)); }

// Multiplication by a literal zero, which drivers fold to zero even for NaN and infinities.
fn mul_zero(x: f32, zero: f32) -> f32 {
  let y = bitcast<f32>((bitcast<u32>(x) ^ bitcast<u32>(zero)) & 0x80000000u);
  return select(bits_f32(0x7fc00000u), y, is_finite(x));
}

// The same for x + 0.0, which drivers take for x even where x is -0.0.
fn add_zero(x: f32, zero: f32) -> f32 {
  return select(x, bitcast<f32>(bitcast<u32>(x) & bitcast<u32>(zero)), magnitude(x) == 0u);
}

// The same for x - x.
fn sub_self(x: f32) -> f32 { return select(bits_f32(0x7fc00000u), 0.0, is_finite(x)); }

// The same for x / x, which drivers fold to 1.
fn div_self(x: f32) -> f32 {
  return select(bits_f32(0x7fc00000u), 1.0, is_finite(x) & (magnitude(x) != 0u));
}

// The same for 0.0 / x.
fn div_zero(zero: f32, x: f32) -> f32 {
  let y = bitcast<f32>((bitcast<u32>(x) ^ bitcast<u32>(zero)) & 0x80000000u);
  return select(y, bits_f32(0x7fc00000u), (magnitude(x) == 0u) | is_nan(x));
}

// Division may be x times the inverse of y, and the inverse of a large number is a denormal, which may become zero.
fn div_f32(x: f32, y: f32) -> f32 {
  let s = select(1.0, 0.25, magnitude(y) >= 0x7e800000u);
  return (x * s) / (y * s);
}

// The builtins may be off by several ulp, and wrong for negative numbers.
fn rsqrt_f32(x: f32) -> f32 {
  let r = 1.0 / sqrt(x);
  return select(r, bits_f32(0x7fc00000u), (x < 0.0) | is_nan(x));
}

fn sqrt_f32(x: f32) -> f32 { return select(sqrt(x), bits_f32(0x7fc00000u), (x < 0.0) | is_nan(x)); }

// 1.2 ulp. x = k ln 2 + r, with ln 2 in two parts; 2**k in two factors, so that results may be denormal.
fn exp_f32(x: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let k = round(c * 1.44269504);
  let r = (c - k * 0.693359375) - k * -2.12194440e-4;
  var p = 1.3981999507e-3 + r * 1.9875691500e-4;
  p = 4.1665795894e-2 + r * (8.3334519073e-3 + r * p);
  p = 1.0 + r + r * r * (0.5 + r * (1.6666665459e-1 + r * p));
  let k1 = i32(k) >> 1u;
  let k2 = i32(k) - k1;
  let y = p * bitcast<f32>(u32(k1 + 127) << 23u) * bitcast<f32>(u32(k2 + 127) << 23u);
  return select(select(y, bits_f32(0x7f800000u), x > 88.72284), x, is_nan(x));
}

// exp(r) - 1 for |r| <= ln 2 / 2.
fn expm1_core(r: f32) -> f32 {
  var p = 1.3981999507e-3 + r * 1.9875691500e-4;
  p = 4.1665795894e-2 + r * (8.3334519073e-3 + r * p);
  return r + r * r * (0.5 + r * (1.6666665459e-1 + r * p));
}

// 2 ulp. As exp, with 2**k (exp(r) - 1) + (2**k - 1), where nothing cancels.
fn expm1_f32(x: f32) -> f32 {
  let c = clamp(x, -18.0, 89.0);
  let k = round(c * 1.44269504);
  let r = (c - k * 0.693359375) - k * -2.12194440e-4;
  let k1 = i32(k) >> 1u;
  let s1 = bitcast<f32>(u32(k1 + 127) << 23u);
  let s2 = bitcast<f32>(u32(i32(k) - k1 + 127) << 23u);
  let s = s1 * s2;
  let e = expm1_core(r);
  let large = select((1.0 + e) * s1 * s2, bits_f32(0x7f800000u), x > 88.72284);      // where s may be infinite
  let y = select(s * e + (s - 1.0), large, x > 80.0);
  return select(y, x, (abs(x) < 1e-7) | is_nan(x));
}

// log(1 + f) for 1 + f between sqrt(1/2) and sqrt(2), plus k ln 2: fdlibm's form, f - (f*f/2 - s*(f*f/2 + R(s*s))).
fn log_core(f: f32, k: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  let r = z * (0.66666662693 + z * (0.40000972152 + z * (0.28498786688 + z * 0.24279078841)));
  let h = 0.5 * f * f;
  return k * 0.69313812256 - ((h - (s * (h + r) + k * 9.0580006145e-6)) - f);
}

// 1 ulp; denormals where the device keeps them.
fn log_f32(x: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let bits = bitcast<u32>(select(x, x * 8388608.0, tiny));
  let k = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(k) << 23u));
  let y = log_core(m - 1.0, f32(k - select(0, 23, tiny)));
  let end = select(select(y, x, !is_finite(x)), bits_f32(0xff800000u), x == 0.0);
  return select(end, bits_f32(0x7fc00000u), (x < 0.0) | is_nan(x));
}

// 2 ulp.
fn log1p_f32(x: f32) -> f32 {
  let near = select(log_core(x, 0.0), x, abs(x) < 1e-7);
  return select(log_f32(1.0 + x), near, abs(x) < 0.29);
}

// 2 ulp. t / (t + 2) with t = exp(2|x|) - 1; the builtin overflows.
fn tanh_f32(x: f32) -> f32 {
  let c = min(2.0 * abs(x), 20.0);
  let k = round(c * 1.44269504);
  let r = (c - k * 0.693359375) - k * -2.12194440e-4;
  let s = bitcast<f32>(u32(i32(k) + 127) << 23u);
  let t = s * expm1_core(r) + (s - 1.0);
  return select(with_sign(t / (t + 2.0), x), x, is_nan(x));
}

// 2/pi in words of 32 bits, most significant first.
fn two_over_pi(i: u32) -> u32 {
  let low = select(select(0x9391054au, 0x28be60dbu, i == 1u), 0u, i == 0u);
  let high = select(select(0x36d8a566u, 0x4f10e410u, i == 6u), 0u, i > 6u);
  let middle = select(0x7f09d5f4u, 0x7d4d3770u, i == 4u);
  return select(select(middle, high, i > 4u), low, i < 3u);
}

// The 64-bit product of two words: (low, high).
fn wide_mul(a: u32, b: u32) -> vec2<u32> {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  let mid2 = al * bh + (mid & 0xffffu);
  return vec2<u32>(a * b, ah * bh + (mid >> 16u) + (mid2 >> 16u));
}

// The leading word of (high, low) << n, for n below 32.
fn shifted_word(high: u32, low: u32, n: u32) -> u32 {
  return select((high << n) | (low >> (32u - max(n, 1u))), high, n == 0u);
}

// x = quadrant * pi/2 + rest, |rest| <= pi/4, for |x| > 1: as many bits of 2/pi as the exponent asks for (Payne and Hanek).
// Without branches: each costs some compilers more than what it saves.
struct Angle { rest: f32, quadrant: i32 }
fn reduce_large_angle(x: f32) -> Angle {
  let exponent = (magnitude(x) >> 23u) - 126u;
  let m = (bitcast<u32>(x) << 8u) | 0x80000000u;
  let word = exponent >> 5u;
  let shift = exponent & 31u;
  let b1 = two_over_pi(word + 1u);
  let c1 = two_over_pi(word + 2u);
  let a = shifted_word(two_over_pi(word), b1, shift);
  let b = shifted_word(b1, c1, shift);
  let c = shifted_word(c1, two_over_pi(word + 3u), shift);
  // The product's bits below 2**2, as a fixed-point number: two bits of quadrant, 62 of fraction.
  let p0 = wide_mul(m, c).y;
  let p1 = wide_mul(m, b);
  let low = p1.x + p0;
  let sum = m * a + p1.y + select(0u, 1u, low < p0);
  let high = sum & 0x3fffffffu;
  let above = high >= 0x20000000u;    // past one half: nearer to the next quadrant
  let quadrant = i32(sum >> 30u) + select(0, 1, above);
  let low1 = select(low, ~low + 1u, above);
  let high1 = select(high, (0x40000000u - high) - select(1u, 0u, low == 0u), above);
  let short = high1 == 0u;
  let high2 = select(high1, low1, short);
  let low2 = select(low1, 0u, short);
  let scale = 1.4629181e-9 * select(1.0, 2.3283064e-10, short);       // pi/2 * 2**-30: the last bit of the leading word
  let zeros = countLeadingZeros(high2);
  let rest = f32(shifted_word(high2, low2, zeros & 31u)) * scale * bitcast<f32>((127u - zeros) << 23u);
  return Angle(select(rest, -rest, above != (x < 0.0)), select(quadrant, -quadrant, x < 0.0));
}

// x = quadrant * pi/2 + rest, |rest| <= pi/4. Up to 8192 by pi/2 in three parts (Cody and Waite): good for every
// finite x.
fn reduce_angle(x: f32) -> Angle {
  let k = round(x * 0.636619772);
  let rest = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
  var angle = Angle(select(rest, x, abs(x) < 0.5), i32(clamp(k, -8192.0, 8192.0)));     // x itself keeps -0.0
  if (abs(x) > 8192.0) { angle = reduce_large_angle(x); }
  return angle;
}

fn sin_core(r: f32) -> f32 {
  let z = r * r;
  return select(r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4)), r, abs(r) < 1e-4);
}

fn cos_core(r: f32) -> f32 {
  let z = r * r;
  return 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
}

// 3 ulp for every finite x.
fn sin_f32(x: f32) -> f32 {
  let a = reduce_angle(x);
  let y = select(sin_core(a.rest), cos_core(a.rest), (a.quadrant & 1) == 1);
  return select(bits_f32(0x7fc00000u), select(y, -y, (a.quadrant & 2) == 2), is_finite(x));
}

fn cos_f32(x: f32) -> f32 {
  let a = reduce_angle(x);
  let y = select(cos_core(a.rest), sin_core(a.rest), (a.quadrant & 1) == 1);
  return select(bits_f32(0x7fc00000u), select(y, -y, ((a.quadrant + 1) & 2) == 2), is_finite(x));
}

fn tan_f32(x: f32) -> f32 {
  let a = reduce_angle(x);
  let s = sin_core(a.rest);
  let c = cos_core(a.rest);
  return select(bits_f32(0x7fc00000u), select(s / c, -c / s, (a.quadrant & 1) == 1), is_finite(x));
}

// 3 ulp. The quotient of the smaller by the larger, about 0 or about 1.
fn atan2_f32(y: f32, x: f32) -> f32 {
  var big = max(abs(x), abs(y));
  var small = min(abs(x), abs(y));
  let scale = select(select(1.0, 0.25, big > 1e37), 1.8446744e19, big < 1e-20);
  big = big * scale;
  small = small * scale;
  let near = small > 0.41421356 * big;
  var t = select(small / big, (small - big) / (small + big), near);
  t = select(t, 0.0, (big == 0.0) | (!is_finite(x) & !is_finite(y)));
  t = select(t, 0.0, is_finite(x) != is_finite(y));
  let z = t * t;
  var p = 1.99777106478e-1 + z * (-1.38776856032e-1 + z * 8.05374449538e-2);
  p = t + t * z * (-3.33329491539e-1 + z * p);
  let one = near | (!is_finite(x) & !is_finite(y));
  var a = select(p, 0.78539816 + p, one);
  a = select(a, 1.5707964 - a, abs(y) > abs(x));
  a = select(a, 3.1415927 - a, (bitcast<u32>(x) & 0x80000000u) != 0u);
  return select(with_sign(a, y), bits_f32(0x7fc00000u), is_nan(x) | is_nan(y));
}

// The leading 12 bits of a number.
fn leading(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }

// |x| ** y, 2 ulp: log2(x) in two parts (2 atanh(s), s = s1 + s2), times y in two parts.
fn pow_core(x: f32, y: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let bits = bitcast<u32>(select(x, x * 8388608.0, tiny));
  let k = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(k) << 23u));
  let f = m - 1.0;
  let d = 1.0 + m;
  let s = f / d;
  let s1 = leading(s);
  let d1 = leading(d);
  let d2 = m - (d1 - 1.0);
  let s2 = ((f - s1 * d1) - s1 * d2) / d;
  let z = s * s;
  let tail = 2.0 * s2 + 2.0 * s * z * (0.33333333 + z * (0.2 + z * (0.14285715 + z * 0.11111111)));
  // log2(e) = 1.4423828125 + 3.1222839e-4
  let l1 = leading(2.0 * s1 + tail);
  let l2 = tail - (l1 - 2.0 * s1);
  let e = f32(k - select(0, 23, tiny));
  let high = l1 * 1.4423828125;
  let low = l2 * 1.44269504 + l1 * 3.1222839e-4;
  let t1 = leading(e + high + low);
  let t2 = ((e - t1) + high) + low;
  let y1 = leading(y);
  let y2 = y - y1;
  let p1 = y1 * t1;
  let p2 = y1 * t2 + y2 * (t1 + t2);
  let total = p1 + p2;
  let n = round(clamp(total, -151.0, 129.0));
  let r = (p1 - n) + p2;
  var q = 9.618129e-3 + r * (1.3333558e-3 + r * (1.5403530e-4 + r * 1.5252734e-5));
  q = 0.69314718 + r * (0.24022651 + r * (0.055504109 + r * q));
  let n1 = i32(n) >> 1u;
  let n2 = i32(n) - n1;
  let v = (1.0 + r * q) * bitcast<f32>(u32(n1 + 127) << 23u) * bitcast<f32>(u32(n2 + 127) << 23u);
  return select(select(v, 0.0, total < -151.0), bits_f32(0x7f800000u), total >= 128.0);
}

fn pow_f32(x: f32, y: f32) -> f32 {
  let a = abs(x);
  let whole = floor(y) == y;
  let odd = whole & (floor(y * 0.5) != y * 0.5) & (abs(y) < 16777216.0);
  let infinity = bits_f32(0x7f800000u);
  let nan = bits_f32(0x7fc00000u);
  var r = pow_core(a, y);
  r = select(r, select(0.0, infinity, (a == 0.0) == (y < 0.0)), (a == 0.0) | !is_finite(a));
  r = select(r, select(select(0.0, infinity, (a > 1.0) == (y > 0.0)), 1.0, a == 1.0), !is_finite(y));
  r = select(r, with_sign(r, x), odd);
  r = select(r, nan, (x < 0.0) & is_finite(x) & !whole & is_finite(y));
  r = select(r, nan, is_nan(x) | is_nan(y));
  return select(r, 1.0, (y == 0.0) | ((x == 1.0) & !is_nan(x)));
}

// A rational function on the interval where the result is not one; 6 ulp. Beyond, exactly one: 1 + erf(x) matters.
fn erf_f32(x: f32) -> f32 {
  let c = clamp(x, -3.925, 3.925);
  let z = c * c;
  var p = 2.77068142495902e-8 + z * -2.72614225801306e-10;
  p = -5.69250639462346e-5 + z * (-2.10102402082508e-6 + z * p);
  p = -1.60960333262415e-2 + z * (-2.95459980854025e-3 + z * (-7.34990630326855e-4 + z * p));
  var q = -2.13374055278905e-4 + z * -1.45660718464996e-5;
  q = -1.42647390514189e-2 + z * (-7.37332916720468e-3 + z * (-1.68282697438203e-3 + z * q));
  let inside = select(clamp(c * p / q, -1.0, 1.0), with_sign(1.0, x), abs(x) >= 3.925);
  return select(inside, x, is_nan(x));
}

// Below 0.75 a least-maximum polynomial in x*x times x, its first coefficient in two parts; 2 ulp.
fn erfinv_central(x: f32) -> f32 {
  let t = x * x;
  var c = -1.3613421 + t * 0.7764935;
  c = -0.4888358 + t * (1.191689 + t * c);
  c = 0.041793633 + t * (0.19630176 + t * c);
  c = 0.12746687 + t * (0.088618666 + t * c);
  c = 0.23201498 + t * c;
  return x * 0.8862269520759583 + x * (t * c + -2.6623199644859596e-08);
}

// Above, Giles, "Approximating the erfinv function": polynomials in w = -log(1 - x*x); 4 ulp.
fn erfinv_f32(x: f32) -> f32 {
  let w = -log_f32((1.0 - x) * (1.0 + x));
  let u = w - 2.5;
  var p = 3.43273939e-7 + u * 2.81022636e-8;
  p = -4.39150654e-6 + u * (-3.5233877e-6 + u * p);
  p = -1.25372503e-3 + u * (2.1858087e-4 + u * p);
  p = 0.246640727 + u * (-4.17768164e-3 + u * p);
  p = 1.50140941 + u * p;
  let v = sqrt(w) - 3.0;
  var q = 1.00950558e-4 + v * -2.00214257e-4;
  q = -3.67342844e-3 + v * (1.34934322e-3 + v * q);
  q = -7.6224613e-3 + v * (5.73950773e-3 + v * q);
  q = 1.00167406 + v * (9.43887047e-3 + v * q);
  q = 2.83297682 + v * q;
  let tail = select(select(q, p, w < 5.0) * x, with_sign(bits_f32(0x7f800000u), x), abs(x) == 1.0);
  let y = select(tail, erfinv_central(x), abs(x) < 0.75);
  return select(y, bits_f32(0x7fc00000u), (abs(x) > 1.0) | is_nan(x));
}

// The exact remainder by long division of the mantissas, eight bits at a time; the sign of the divisor.
fn mod_f32(a: f32, b: f32) -> f32 {
  let ua = magnitude(a);
  let ub = magnitude(b);
  if ((ua >= 0x7f800000u) | (ub > 0x7f800000u) | (ub == 0u)) { return bits_f32(0x7fc00000u); }
  var r = a;
  if (ua >= ub) {
    var steps = i32(max(ua >> 23u, 1u)) - i32(max(ub >> 23u, 1u));
    let mb = (ub & 0x7fffffu) | select(0x800000u, 0u, ub < 0x800000u);
    var ma = ((ua & 0x7fffffu) | select(0x800000u, 0u, ua < 0x800000u)) % mb;
    while (steps > 0) {
      let n = min(steps, 8);
      ma = (ma << u32(n)) % mb;
      steps = steps - n;
    }
    // ma is below 2**24: normalise it to the exponent of b.
    var e = max(ub >> 23u, 1u);
    if (ma != 0u) {
      let up = min(countLeadingZeros(ma) - 8u, e - 1u);
      ma = ma << up;
      e = e - up;
    }
    let bits = select(ma, (e << 23u) | (ma & 0x7fffffu), ma >= 0x800000u);
    r = with_sign(bitcast<f32>(bits), a);
  }
  if (magnitude(r) == 0u) { return with_sign(r, b); }
  return select(r, r + b, (r < 0.0) != (b < 0.0));
}

fn i32_from_f32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0, 2147483520.0));
  return select(select(inside, 2147483647, x >= 2147483648.0), 0, is_nan(x));
}

fn u32_from_f32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0.0, 4294967040.0));
  return select(select(inside, 4294967295u, x >= 4294967296.0), 0u, is_nan(x));
}

fn bool_from_f32(x: f32) -> bool { return magnitude(x) != 0u; }

fn floordiv_i32(a: i32, b: i32) -> i32 {
  let plain = (b != 0) & (b != -1);       // what remains is undefined where integers are divided
  let divisor = select(1, b, plain);
  let q = a / divisor;
  let floored = q - select(0, 1, (q * divisor != a) & ((a < 0) != (divisor < 0)));
  return select(select(0, -a, b == -1), floored, plain);
}

fn mod_i32(a: i32, b: i32) -> i32 {
  let divisor = select(1, b, (b != 0) & (b != -1));
  let m = a - (a / divisor) * divisor;
  return m + select(0, divisor, (m != 0) & ((m < 0) != (divisor < 0)));
}

fn floordiv_u32(a: u32, b: u32) -> u32 {
  return select(0u, a / max(b, 1u), b != 0u);
}

fn mod_u32(a: u32, b: u32) -> u32 {
  return select(0u, a % max(b, 1u), b != 0u);
}

fn shl_i32(a: i32, n: i32) -> i32 { return select(0, a << (u32(n) & 31u), (n >= 0) & (n < 32)); }

fn shl_u32(a: u32, n: u32) -> u32 { return select(0u, a << (n & 31u), n < 32u); }

fn shr_i32(a: i32, n: i32) -> i32 { return a >> select(31u, u32(n) & 31u, (n >= 0) & (n < 32)); }

fn shr_u32(a: u32, n: u32) -> u32 { return select(0u, a >> (n & 31u), n < 32u); }

fn pow_u32(base: u32, exponent: u32) -> u32 {
  var total = 1u;
  var square = base;
  for (var left = exponent; left != 0u; left = left >> 1u) {
    if ((left & 1u) == 1u) { total = total * square; }
    square = square * square;
  }
  return total;
}

// A negative exponent truncates the true value, and gives 0 for a base of 0.
fn pow_i32(base: i32, exponent: i32) -> i32 {
  if (exponent < 0) {
    return select(select(0, 1 - 2 * (exponent & 1), base == -1), 1, base == 1);
  }
  return bitcast<i32>(pow_u32(bitcast<u32>(base), u32(exponent)));
}

// Numbers of 8 and 16 bits are computed as i32, u32 or f32; after each operation they are brought back into range.
fn wrap_i8(x: i32) -> i32 { return (x << 24u) >> 24u; }

fn wrap_i16(x: i32) -> i32 { return (x << 16u) >> 16u; }

fn wrap_u8(x: u32) -> u32 { return x & 0xffu; }

fn wrap_u16(x: u32) -> u32 { return x & 0xffffu; }

// The nearest f16, ties to even. Drivers' own conversions may truncate. Below 2**-14 all f16 are 2**-24 apart, as f32
// are between 0.5 and 1.
fn round_f16(x: f32) -> f32 {
  let m = magnitude(x);
  let normal = (m + 0xfffu + ((m >> 13u) & 1u)) & 0xffffe000u;
  let small = f32(bitcast<u32>(bitcast<f32>(m) + 0.5) - 0x3f000000u) * 5.9604644775390625e-8;
  var r = select(bitcast<f32>(normal), small, m < 0x38800000u);
  r = select(r, bits_f32(select(0x7f800000u, 0x7fc00000u, m > 0x7f800000u)), normal >= 0x47800000u);
  return with_sign(r, x);
}

// The nearest bf16, ties to even.
fn round_bf16(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  let r = (b + 0x7fffu + ((b >> 16u) & 1u)) & 0xffff0000u;
  return bitcast<f32>(select(r, 0x7fc00000u, is_nan(x)));
}

fn i8_from_f32(x: f32) -> i32 { return clamp(i32_from_f32(x), -128, 127); }

fn i16_from_f32(x: f32) -> i32 { return clamp(i32_from_f32(x), -32768, 32767); }

fn u8_from_f32(x: f32) -> u32 { return min(u32_from_f32(x), 255u); }

fn u16_from_f32(x: f32) -> u32 { return min(u32_from_f32(x), 65535u); }

fn from_bits_i8(b: u32) -> i32 { return bitcast<i32>(b << 24u) >> 24u; }

fn from_bits_i16(b: u32) -> i32 { return bitcast<i32>(b << 16u) >> 16u; }

fn from_bits_u8(b: u32) -> u32 { return b & 0xffu; }

fn from_bits_u16(b: u32) -> u32 { return b & 0xffffu; }

fn from_bits_bf16(b: u32) -> f32 { return bitcast<f32>(b << 16u); }

// Not the builtin, which may take denormal numbers for zero.
fn from_bits_f16(b: u32) -> f32 {
  let m = b & 0x7fffu;
  let normal = select((m << 13u) + 0x38000000u, (m << 13u) + 0x70000000u, m >= 0x7c00u);
  let r = select(bitcast<f32>(normal), f32(m) * 5.9604644775390625e-8, m < 0x400u);
  return select(r, -r, (b & 0x8000u) != 0u);
}

fn to_bits_i8(x: i32) -> u32 { return bitcast<u32>(x) & 0xffu; }

fn to_bits_i16(x: i32) -> u32 { return bitcast<u32>(x) & 0xffffu; }

fn to_bits_u8(x: u32) -> u32 { return x & 0xffu; }

fn to_bits_u16(x: u32) -> u32 { return x & 0xffffu; }

fn to_bits_bf16(x: f32) -> u32 { return bitcast<u32>(x) >> 16u; }

// x is an f16 already.
fn to_bits_f16(x: f32) -> u32 {
  let m = magnitude(x);
  let normal = select((m - 0x38000000u) >> 13u, ((m >> 13u) & 0x3ffu) | 0x7c00u, m >= 0x47800000u);
  return select(normal, u32(abs(x) * 16777216.0), m < 0x38800000u) | ((bitcast<u32>(x) >> 16u) & 0x8000u);
}

// Hardware keeps denormal numbers; these stand in for the functions without `hardware_`. There is none for rounding:
// NVIDIA's compiler takes a number packed and unpacked for the number itself.
fn hardware_from_bits_f16(b: u32) -> f32 { return unpack2x16float(b).x; }

fn hardware_to_bits_f16(x: f32) -> u32 { return pack2x16float(vec2<f32>(x, 0.0)) & 0xffffu; }

fn four_i8(w: u32) -> vec4<i32> {
  return vec4<i32>(from_bits_i8(w), from_bits_i8(w >> 8u), from_bits_i8(w >> 16u), from_bits_i8(w >> 24u));
}

fn four_u8(w: u32) -> vec4<u32> { return vec4<u32>(w & 0xffu, (w >> 8u) & 0xffu, (w >> 16u) & 0xffu, w >> 24u); }

fn four_i16(w: vec2<u32>) -> vec4<i32> {
  return vec4<i32>(from_bits_i16(w.x), from_bits_i16(w.x >> 16u), from_bits_i16(w.y), from_bits_i16(w.y >> 16u));
}

fn four_u16(w: vec2<u32>) -> vec4<u32> { return vec4<u32>(w.x & 0xffffu, w.x >> 16u, w.y & 0xffffu, w.y >> 16u); }

fn four_f16(w: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(from_bits_f16(w.x), from_bits_f16(w.x >> 16u), from_bits_f16(w.y), from_bits_f16(w.y >> 16u));
}

fn four_bf16(w: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(from_bits_bf16(w.x), bitcast<f32>(w.x & 0xffff0000u), from_bits_bf16(w.y),
                   bitcast<f32>(w.y & 0xffff0000u));
}

fn pack_i8(v: vec4<i32>) -> u32 {
  return to_bits_i8(v.x) | (to_bits_i8(v.y) << 8u) | (to_bits_i8(v.z) << 16u) | (bitcast<u32>(v.w) << 24u);
}

fn pack_u8(v: vec4<u32>) -> u32 { return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u); }

fn pack_i16(v: vec4<i32>) -> vec2<u32> {
  return vec2<u32>(to_bits_i16(v.x) | (bitcast<u32>(v.y) << 16u), to_bits_i16(v.z) | (bitcast<u32>(v.w) << 16u));
}

fn pack_u16(v: vec4<u32>) -> vec2<u32> { return vec2<u32>(v.x | (v.y << 16u), v.z | (v.w << 16u)); }

fn pack_f16(v: vec4<f32>) -> vec2<u32> {
  return vec2<u32>(to_bits_f16(v.x) | (to_bits_f16(v.y) << 16u), to_bits_f16(v.z) | (to_bits_f16(v.w) << 16u));
}

fn pack_bf16(v: vec4<f32>) -> vec2<u32> {
  return vec2<u32>(to_bits_bf16(v.x) | (to_bits_bf16(v.y) << 16u), to_bits_bf16(v.z) | (to_bits_bf16(v.w) << 16u));
}
