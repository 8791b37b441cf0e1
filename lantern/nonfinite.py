"""`debug_nans` and `debug_infs`: the results of compiled programs are looked at, and a NaN is traced to its origin."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from lantern.backends.base import Buffer, Device, Executable
from lantern.caches import on_clear
from lantern.config import Mode
from lantern.dtypes import BOOL
from lantern.errors import NonFiniteError
from lantern.lower.late import lower_jaxpr
from lantern.ops.compare import eq, is_nan
from lantern.ops.elementwise import abs as absolute
from lantern.ops.elementwise import or_
from lantern.ops.reduce import reduce_or
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Eqn, Jaxpr, literal, subjaxprs
from lantern.trace.primitive import Value
from lantern.trace.staging import trace_closed
from lantern.transforms.jit import observed, run_impl


def watched(run: Executable, jaxpr: Jaxpr, device: Device, mode: Mode) -> Executable:
    """`run`, looking at its results. It must not overwrite its inputs.

    Raises NonFiniteError with the equation that made the NaN (or infinity).
    """
    places = [k for k, a in enumerate(jaxpr.out_avals) if _can_be(a) and a.size]
    avals = tuple([jaxpr.out_avals[k] for k in places])

    def call(buffers: Sequence[Buffer]) -> Sequence[Buffer]:
        outs = run(buffers)
        if places and _is_bad(device, avals, [outs[k] for k in places], mode):
            inputs = [device.backend.read(b, a) for b, a in zip(buffers, jaxpr.in_avals, strict=True)]
            raise _blame(jaxpr, inputs, mode)
        return outs

    return call


def _can_be(a: ShapedArray) -> bool:
    return a.dtype.kind in "fcV"    # V: bfloat16, as NumPy sees it


def _is_bad(device: Device, avals: tuple[ShapedArray, ...], buffers: Sequence[Buffer], mode: Mode) -> bool:
    if device.platform == "gpu":    # one bool comes back, not the arrays
        found = _search(avals, device, mode)(buffers)[0]
        return bool(device.backend.read(found, shaped((), BOOL)))
    return any([_has_bad(device.backend.read(b, a), mode) for b, a in zip(buffers, avals, strict=True)])


@lru_cache(maxsize=512)
def _search(avals: tuple[ShapedArray, ...], device: Device, mode: Mode) -> Executable:
    def body(*xs: Value) -> Sequence[Value]:
        found: list[Value] = []
        for x in xs:
            tests = [is_nan(x)] if mode.debug_nans else []
            if mode.debug_infs:
                tests.append(eq(absolute(x), literal(np.inf, typeof(x).dtype)))
            found += [reduce_or(t, tuple(range(typeof(x).ndim))) for t in tests]
        total = found[0]
        for f in found[1:]:
            total = or_(total, f)
        return [total]

    jaxpr = trace_closed(body, [a.strong() for a in avals], "debug_nans")
    return device.backend.compile(lower_jaxpr(jaxpr, device.backend.target).program)


on_clear(_search.cache_clear)


def _bad(x: Any, mode: Mode) -> Any:
    """Where x is what the mode forbids."""
    if np.asarray(x).dtype.kind not in "fcV":
        return np.zeros(np.shape(x), bool)
    return (np.isnan(x) & mode.debug_nans) | (np.isinf(x) & mode.debug_infs)


def _has_bad(x: Any, mode: Mode) -> bool:
    return bool(np.any(_bad(x, mode)))


@dataclass(slots=True)
class _Origin:
    """The equation that made a NaN; `given`: its operands had one already, which nothing in the program made."""

    eqn: Eqn
    text: str
    given: bool


@dataclass(slots=True)
class _Search:
    """Follows NaNs from value to value: what is masked later is nobody's fault."""

    mode: Mode
    origins: dict[int, tuple[Any, _Origin]] = field(default_factory=dict[int, "tuple[Any, _Origin]"])
    made: list[_Origin] = field(default_factory=list[_Origin])

    def see(self, e: Eqn, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        for out in outs:
            if id(out) in self.origins or not _has_bad(out, self.mode):
                continue        # a sub-jaxpr's own result has its origin already
            bad = [x for x in operands if _has_bad(x, self.mode)]
            known = [self.origins[id(x)][1] for x in bad if id(x) in self.origins]
            inside = [o for o in self.made if o.eqn is not e and _holds(e, o.eqn)]
            earlier = known or inside or (self.made[-1:] if bad else [])
            if earlier:
                origin = earlier[0]
            else:
                origin = _Origin(e, _describe(e, operands, out, self.mode), bool(bad))
                self.made.append(origin)
            self.origins[id(out)] = (out, origin)      # holding the value keeps its id its own


def _holds(e: Eqn, inner: Eqn) -> bool:
    return any([x is inner or _holds(x, inner) for v in e.params.values() for s in subjaxprs(v) for x in s.eqns])


def _blame(jaxpr: Jaxpr, inputs: Sequence[Any], mode: Mode) -> NonFiniteError:
    """Evaluate on the reference, equation by equation."""
    search = _Search(mode)
    with np.errstate(all="ignore"), observed(search.see):
        outs = run_impl(jaxpr, inputs)
    for out in outs:
        if id(out) in search.origins:
            return _error(search.origins[id(out)][1], mode)
    if search.made:
        return _error(search.made[0], mode)
    given = any([_has_bad(x, mode) for x in inputs])
    what = "NaN" if mode.debug_nans else "infinity"
    cause = (f"an input holds the {what} already" if given else
             "the reference computes the same program without it: the device's rounding or range makes it")
    return NonFiniteError(f"the result holds a {what}: {cause}. Look at the inputs of the call")


def _error(origin: _Origin, mode: Mode) -> NonFiniteError:
    source = origin.eqn.source
    where = f", {source.place}" if source is not None else ""
    return NonFiniteError(f"{origin.text}{where}. Mask the operand before the operation "
                          "(lantern.numpy.where), or look at the values with lantern.debug.print")


def _describe(e: Eqn, operands: Sequence[Any], out: Any, mode: Mode) -> str:
    at = np.unravel_index(int(np.argmax(_bad(out, mode))), np.shape(out)) if np.ndim(out) else ()
    what = "a NaN" if np.any(np.isnan(out)) and mode.debug_nans else "an infinity"
    had = any([_has_bad(x, mode) for x in operands])
    verb = f"was given {what}" if had else f"made {what}"
    types = ", ".join([str(a.aval) for a in e.invars])
    text = f"{e.primitive} {verb}: {', '.join([str(v.aval) for v in e.outvars])} = {e.primitive} {types}"
    same = [x for x in operands if np.shape(x) in (np.shape(out), ())]
    if same and len(same) == len(operands):
        values = ", ".join([f"{x[at] if np.ndim(x) else x}" for x in map(np.asarray, same)])
        place = f" at index {tuple(map(int, at))}" if at else ""
        text += f", {e.primitive}({values}) = {np.asarray(out)[at]}{place}"
    return text
