"""Rules of `lantern.scipy.special` and `lantern.scipy.stats.norm`: element by element."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tools.stubs import layout
from tools.stubs.functions import each, logsumexp
from tools.stubs.notation import array, unseen
from tools.stubs.operators import FLOATS, FOREIGN, UNKNOWN_ARRAY, Binary, Kind, Rule, Unary
from tools.stubs.patterns import BROADCAST, GENERAL_BROADCAST
from tools.stubs.shaped import Shaped, several
from tools.stubs.signature import Signature

REAL = Kind((("F", "F"),), (("F", "float", "F"),))
WHOLE = Kind((("X", "f32"),), (("X", "float", "f32"),))
TWO = several(Binary(REAL, BROADCAST), Binary(WHOLE, GENERAL_BROADCAST[:3]))


def distribution(of: Signature) -> Iterator[str]:
    """Values, a mean and a standard deviation: numbers, or arrays of one shape; the last two may lack leading axes."""
    names = of.arguments[:3]
    ends = [array("", "F"), array("*L", "F")]
    number = f"float | {ends[0]}"

    def overload(types: tuple[str, ...], result: str) -> Iterator[str]:
        x, mean, width = types
        means = (f"{mean} = 0",) if "float" in mean else (mean,)
        width = f"{width} = 1" if "float" in width else width
        for written in (*means, mean) if "float" in mean and "float" not in width else means:
            yield from of.overload(dict(zip(names, (x, written, width), strict=True)), result)

    yield from overload((unseen("F"), f"{number} | {array('...', 'F')}", f"{number} | {array('...', 'F')}"),
                        array("...", "F"))
    yield from overload((array("...", "F"), unseen("F"), f"{number} | {array('...', 'F')}"), array("...", "F"))
    yield from overload((array("...", "F"), f"{number} | {array('...', 'F')}", unseen("F")), array("...", "F"))
    for kinds in itertools.product((number, ends[1]), repeat=3):
        shape = "*L" if ends[1] in kinds else ""
        yield from overload(kinds, array(shape, "F" if shape else "f32"))
    one, last = array("*L N", "F"), array("N", "F")
    for kinds in ((one, last, number), (one, last, last), (one, one, last), (one, last, one), (one, number, last)):
        yield from overload(kinds, array("*L N", "F"))
    yield from of.overload(dict.fromkeys(names, f"{FOREIGN} | {array('', 'F')}"), UNKNOWN_ARRAY)


RULES: dict[str, Rule] = {
    **each("digamma entr erf erfc erfcinv erfcx erfinv expit gamma gammaln gammasgn i0 i0e i1 i1e log_expit log_ndtr "
           "loggamma logit ndtr ndtri factorial multigammaln", Unary(FLOATS)),
    **each("beta betaln gammainc gammaincc kl_div rel_entr xlog1py xlogy", TWO),
    "zeta": TWO,
    "polygamma": several(Binary(REAL, BROADCAST), Shaped("*L -> *L", (("F", "F"),), {"n": "int"}, "x")),
    "betainc": several(Shaped("*L, *L, *L -> *L\n, , *L -> *L\n*L, *L, -> *L", (("F", "F"),), foreign=False),
                       Shaped("*L -> *L", (("F", "F"),), {"a": "float", "b": "float"}, "x")),
    **each("softmax log_softmax", layout.SAME_ALONG),
    "logsumexp": logsumexp,
}
NORM: dict[str, Rule] = each("logpdf pdf cdf logcdf sf logsf ppf isf", distribution)
