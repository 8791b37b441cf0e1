"""Rows of public functions: lantern.numpy, element by element."""
from __future__ import annotations

import numpy as np

from tests.optable.public.row import ODD, B, C, N, S, U, V, W, one, same

AKA = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
       "atanh": "arctanh", "pow": "power", "bitwise_invert": "invert", "bitwise_left_shift": "left_shift",
       "bitwise_right_shift": "right_shift"}
Q = np.abs(N) % 5

ROWS = [
    *same("numpy", "sin cos tan arccos arctan asin acos atan sinh cosh tanh arcsinh asinh arctanh atanh exp "
          "exp2 expm1 log log1p log2 log10 sqrt square abs negative positive reciprocal", U, aka=AKA, smooth=True),
    *same("numpy", "acosh", W, aka=AKA, smooth=True),
    *same("numpy", "sign floor ceil rint trunc signbit", S),
    *same("numpy", "isnan isinf isfinite isneginf", ODD),
    *same("numpy", "nan_to_num", ODD, posinf=3.0, neginf=-3.0),
    *same("numpy", "round", S, decimals=1),
    *same("numpy", "real imag conj conjugate", C),
    *same("numpy", "iscomplexobj", C, mapped=False),
    *same("numpy", "logical_not", B),
    *same("numpy", "logical_and logical_or logical_xor", B, S > 0),
    *same("numpy", "invert bitwise_invert", N, aka=AKA),
    *same("numpy", "bitwise_and bitwise_or bitwise_xor", N, N[::-1].copy(), aka=AKA),
    *same("numpy", "bitwise_left_shift bitwise_right_shift", N, Q, aka=AKA),
    *same("numpy", "add subtract multiply divide maximum minimum arctan2 atan2 hypot logaddexp", U, W, aka=AKA,
          smooth=True),
    *same("numpy", "power pow", W, U, aka=AKA, smooth=True),
    *same("numpy", "copysign", W, S, smooth=True),
    *same("numpy", "mod remainder floor_divide", N, N[::-1].copy() * 2 + 1),
    *same("numpy", "equal not_equal less less_equal greater greater_equal", N, N[::-1].copy()),
    *same("numpy", "nextafter", U, W, tolerance=1e-7),
    *same("numpy", "isclose", U, U + np.float32(1e-6)),
    *same("numpy", "allclose array_equal", U, U + np.float32(1e-6)),
    one("numpy", "clip", lambda m, x: m.clip(x, -0.55, 0.7), S, smooth=True),
    one("numpy", "where", lambda m, b, x, y: m.where(b, x, y), B, S, U, smooth=True),
    one("numpy", "isin", lambda m, x: m.isin(x, np.array([1, 2, -3])), N),
    one("numpy", "vectorize", lambda m, x, y: m.vectorize(lambda a, b: a * a + b)(x, y), S, V[:4], smooth=True),
    one("numpy", "apply_along_axis", lambda m, x: m.apply_along_axis(lambda v: v.sum() * v, 1, x), S, smooth=True),
]
