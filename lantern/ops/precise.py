"""Special functions of 16-bit floats are computed in 32 bits: a hundred rounded steps would leave no digit."""
from __future__ import annotations

from lantern.dtypes import BF16, F16, F32
from lantern.ops.build import call
from lantern.ops.convert import convert
from lantern.trace.context import typeof
from lantern.trace.jaxpr import PLAIN
from lantern.trace.primitive import Primitive, Value


def in_words(primitive: Primitive, *args: Value) -> Value:
    """Bind an elementwise primitive of f32 and f64; 16-bit operands are widened, and the result narrowed again."""
    narrow = {typeof(x).dtype for x in args if type(x) not in PLAIN} & {F16, BF16}
    if not narrow:
        return call(primitive, *args)
    wide = [x if type(x) in PLAIN or typeof(x).dtype not in narrow else convert(x, F32) for x in args]
    return convert(call(primitive, *wide), narrow.pop()) if len(narrow) == 1 else call(primitive, *args)
