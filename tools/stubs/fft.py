"""Rules of `lantern.numpy.fft`: transformed axes keep their size, get a named one, or one that is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.stubs.creation import ASKED_DTYPES
from tools.stubs.notation import array, decided, unseen
from tools.stubs.operators import SAME, Rule, Unary, foreign
from tools.stubs.shaped import Shaped, several
from tools.stubs.signature import Signature

SPECTRUM = (("f32", "c64"), ("c64", "c64"), ("X", "c64"), ("f64", "c128"), ("c128", "c128"))
HALF_SPECTRUM = (("f32", "c64"), ("X", "c64"), ("f64", "c128"))
SIGNAL = (("c64", "f32"), ("c128", "f64"), ("f32", "f32"))

# A literal axis, and the shapes before and after, where `#` is the transformed axis.
AXES = (("Literal[-1] = -1", "*L {}"), ("Literal[0]", "{} *L"), ("Literal[1]", "M {} *L"), ("Literal[-2]", "*L {} M"))
HALF = "*L N -> *L ?"


@dataclass(frozen=True)
class AlongOne:
    """One axis. `kept`: it keeps its size where no number is given; `counted`: a named number is its size."""

    dtypes: Sequence[tuple[str, str]]
    kept: bool
    counted: bool

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        first = of.arguments[0]
        numbers = [("None = None", "N" if self.kept else "?"), *([("A", "A")] if self.counted else []), ("int", "?")]
        for dtype, result in self.dtypes:
            yield from of.overload({first: unseen(dtype)}, array("...", result))
            for n, size in numbers:
                for axis, shape in AXES:
                    types = {first: decided(array(shape.format("N"), dtype)), "n": n, "axis": axis}
                    yield from of.overload(types, array(shape.format(size), result))
        yield from foreign(of)


def over(dtypes: Sequence[tuple[str, str]], whole: str, cut: str) -> Rule:
    """Several axes, the last ones or all of them; with sizes that are given, nothing is known of those axes."""
    return several(Shaped(whole, dtypes, {"s": "None = None"}, foreign=False),
                   Shaped(cut, dtypes, {"s": "Sequence[int]"}))


ALL = "*L -> *L"
CUT_ALL = "N -> ?\nN M -> ? ?\nN M K -> ? ? ?\nN M K J -> ? ? ? ?"
CUT_TWO = "*L N M -> *L ? ?"


def frequencies(of: Signature) -> Iterator[str]:
    """A named number of them (of the half spectrum: one that is not known)."""
    for n, size in (("A", "A" if of.name == "fftfreq" else "?"), ("int", "?")):
        for dtype, element in (("None = None", "f32"), *ASKED_DTYPES):
            yield from of.overload({"n": n, "dtype": dtype}, array(size, element))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("fft", "ifft"), AlongOne(SPECTRUM, kept=True, counted=True)),
    **dict.fromkeys(("rfft", "ihfft"), AlongOne(HALF_SPECTRUM, kept=False, counted=False)),
    "irfft": AlongOne(SIGNAL[:2], kept=False, counted=True),
    "hfft": AlongOne(SIGNAL, kept=False, counted=True),
    **dict.fromkeys(("fftn", "ifftn"), over(SPECTRUM, ALL, CUT_ALL)),
    **dict.fromkeys(("fft2", "ifft2"), over(SPECTRUM, "*L N M -> *L N M", CUT_TWO)),
    "rfftn": over(HALF_SPECTRUM, HALF, CUT_ALL),
    "rfft2": over(HALF_SPECTRUM, "*L N M -> *L N ?", CUT_TWO),
    "irfftn": over(SIGNAL[:2], HALF, CUT_ALL),
    "irfft2": over(SIGNAL[:2], "*L N M -> *L N ?", CUT_TWO),
    **dict.fromkeys(("fftshift", "ifftshift"), Unary(SAME)),
    **dict.fromkeys(("fftfreq", "rfftfreq"), frequencies),
}
