"""Rows: Fourier transforms."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import fft
from tests.optable.table import Case, Row, Wrong, complexes, table, uniform

C64, F32 = np.complex64, np.float32


def _fft(x: Any, axis: int, inverse: bool = False) -> Any:
    return (np.fft.ifft if inverse else np.fft.fft)(x, axis=axis)


def _errors(name: str, of: Any, wanted: str, other: Any, **params: Any) -> tuple[Wrong, ...]:
    return (Wrong((np.ones(3, other),), rf"{name}: wanted {wanted}, got", {"axis": 0, **params}),
            Wrong((np.ones((2, 0), of),), rf"{name}: axis 1 of .*\[2,0\] has length 0.*Give it at least one element",
                  {"axis": 1, **params}),
            Wrong((np.ones((2, 3), of),), rf"{name}: wanted different axes from 0 to 1, got \(2,\)",
                  {"axis": 2, **params}))


ROWS = table(
    Row("fft", fft.fft, _fft,
        (Case(lambda r: (complexes(r, 3, 8),), {"axis": 1}),
         Case(lambda r: (complexes(r, 6, 5),), {"axis": 0, "inverse": True}),
         Case(lambda r: (complexes(r, 2, 30, 3),), {"axis": 1}),
         Case(lambda r: (complexes(r, 17, 2),), {"axis": 0, "inverse": True}),
         Case(lambda r: (complexes(r, 67),), {"axis": 0}),
         Case(lambda r: (complexes(r, 2, 1),), {"axis": 1}), Case(lambda r: (complexes(r, 0, 4),), {"axis": 1})),
        _errors("fft", C64, "complex numbers", F32), order=2, absolute=4e-7),
    Row("rfft", fft.rfft, lambda x, axis: np.fft.rfft(x, axis=axis),
        (Case(lambda r: (uniform(r, 3, 8),), {"axis": 1}), Case(lambda r: (uniform(r, 9, 2),), {"axis": 0}),
         Case(lambda r: (uniform(r, 1),), {"axis": 0})),
        _errors("rfft", F32, "floats of 32 or 64 bits", C64), order=2, every_precision=False, absolute=4e-7),
    Row("irfft", fft.irfft, lambda x, axis, size: np.fft.irfft(x, size, axis=axis),
        (Case(lambda r: (complexes(r, 3, 5),), {"axis": 1, "size": 8}),
         Case(lambda r: (complexes(r, 5, 2),), {"axis": 0, "size": 9}),
         Case(lambda r: (complexes(r, 1),), {"axis": 0, "size": 1})),
        (*_errors("irfft", C64, "complex numbers", F32, size=4),
         Wrong((np.ones(3, C64),), r"irfft: 3 real numbers have a spectrum of 2, got 3 along axis 0 of c64\[3\]",
               {"axis": 0, "size": 3})), order=2, absolute=4e-7))
