"""How special functions are bound: 16-bit floats are computed in 32 bits, since a hundred rounded steps would leave no
digit, and numbers beside arrays are stretched, since the derivatives compute with each operand alone."""
from __future__ import annotations

from lantern.dtypes import BF16, F16, F32
from lantern.ops.broadcast import broadcast_in_dim
from lantern.ops.build import call, scalar_like
from lantern.ops.convert import convert
from lantern.trace.context import typeof
from lantern.trace.jaxpr import PLAIN, Literal
from lantern.trace.primitive import Primitive, Value


def in_words(primitive: Primitive, *args: Value) -> Value:
    """Bind an elementwise primitive of f32 and f64; 16-bit operands are widened, and the result narrowed again."""
    arrays = [x for x in args if type(x) not in PLAIN and type(x) is not Literal]
    if arrays and len(arrays) < len(args):
        like = typeof(arrays[0])
        exact = [scalar_like(primitive.name, x, like) if type(x) in PLAIN else x for x in args]
        args = tuple([broadcast_in_dim(x, like.shape, ()) if type(x) is Literal else x for x in exact])
    narrow = {typeof(x).dtype for x in args if type(x) not in PLAIN} & {F16, BF16}
    if not narrow:
        return call(primitive, *args)
    wide = [x if type(x) in PLAIN or typeof(x).dtype not in narrow else convert(x, F32) for x in args]
    return convert(call(primitive, *wide), narrow.pop()) if len(narrow) == 1 else call(primitive, *args)
