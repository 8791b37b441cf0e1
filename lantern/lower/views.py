"""What lower rules are written with: each function makes one unfused kernel from avals.

Operands of rank 0 stand beside any shape, as in primitives, and are read with stride 0. Buffers are addressed flat, so
the shape of an aval only says how its elements lie: row-major. Nothing here thinks about fusion.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from lantern.dtypes import BF16, F16, F32, I32
from lantern.lower.expr import Body, Const, DType, Guard, ReduceOp, Ref, ScalarOp, row_major
from lantern.lower.kernel import Dot, Kernel, Reduction, Stage, Store
from lantern.trace.aval import ShapedArray, shaped

Emit: TypeAlias = "Callable[[Body, Sequence[Ref]], Ref | Sequence[Ref]]"


def loop_nest(avals: Sequence[ShapedArray], out_avals: ShapedArray | Sequence[ShapedArray],
              emit: Callable[[Body], Ref | Sequence[Ref]]) -> Kernel:
    """One point of the outputs at a time: `emit` makes its own loads and returns the value (or values) to store.

    For gathers, concatenations, iotas and whatever reads its operands at other places than the loop's. All outputs have
    one shape, which is the domain; `body.index(k)` is the i32 position along its axis k.

    A diagonal: `loop_nest([x], out, lambda body: body.load(0, (n + 1,)))`. A lookup along the first axis of a vector:

    >>> import numpy as np
    >>> table, index = shaped((5,), np.dtype("float32")), shaped((3,), np.dtype("int32"))
    >>> kernel = loop_nest([table, index], shaped((3,), np.dtype("float32")),
    ...                    lambda body: body.gather(0, body.load(1, (1,))))
    >>> kernel.stages[0].cols
    (3,)
    """
    outs = (out_avals,) if isinstance(out_avals, ShapedArray) else tuple(out_avals)
    domain = outs[0].shape
    body = Body(len(domain))
    made = emit(body)
    values = (made,) if isinstance(made, int) else tuple(made)
    strides = row_major(domain)
    stores = tuple([Store(k, value, 0, strides) for k, (value, _) in enumerate(zip(values, outs, strict=True))])
    return Kernel(_strong(avals), _strong(outs), (), (Stage(domain, body.done(), stores=stores),))


def pointwise(avals: Sequence[ShapedArray], out_avals: ShapedArray | Sequence[ShapedArray], emit: Emit) -> Kernel:
    """Each element of the outputs from the elements at the same place: `emit(body, refs)` gets one ref per operand.

    Operands have the outputs' shape or rank 0. `emit` returns one ref per output (a bare ref for one).

    >>> import numpy as np
    >>> x = shaped((2, 3), np.dtype("float32"))
    >>> kernel = pointwise([x, x], x, lambda body, refs: body.apply(ScalarOp.ADD, *refs, dtype=x.dtype))
    >>> [load.strides for load in kernel.stages[0].body[:2]]
    [(3, 1), (3, 1)]
    """
    def emit_loads(body: Body) -> Ref | Sequence[Ref]:
        refs = [body.load(k, row_major(a.shape) if a.shape else (0,) * body.rank) for k, a in enumerate(avals)]
        return emit(body, refs)

    return loop_nest(avals, out_avals, emit_loads)


def view(aval_in: ShapedArray, aval_out: ShapedArray, offset: int, strides: Sequence[int],
         guards: Sequence[Guard] = (), fill: Const | None = None) -> Kernel:
    """A strided copy: element i of the output is element `offset + sum(strides * i)` of the input.

    Broadcasts have strides of 0, transposes permute `row_major(aval_in.shape)`, slices scale it and add an offset,
    `rev` has negative strides, `pad` has guards and a `fill` (see `Guard` and `Load`).

    A column of a matrix, backwards:

    >>> import numpy as np
    >>> x, y = shaped((4, 3), np.dtype("float32")), shaped((4,), np.dtype("float32"))
    >>> view(x, y, 9, (-3,)).stages[0].body
    (Load(arg=0, offset=9, strides=(-3,), guards=(), fill=None),)
    """
    return loop_nest([aval_in], aval_out, lambda body: body.load(0, tuple(strides), offset, tuple(guards), fill))


def fill(aval: ShapedArray, value: object) -> Kernel:
    """Every element is `value`, rounded to the aval's dtype. No operands.

    >>> import numpy as np
    >>> fill(shaped((2,), np.dtype("float32")), 1.5).args
    ()
    """
    return loop_nest([], aval, lambda body: body.const(value, aval.dtype))


def iota(aval: ShapedArray, axis: int) -> Kernel:
    """Every element is its position along `axis`, converted to the aval's dtype. No operands.

    >>> import numpy as np
    >>> len(iota(shaped((2, 3), np.dtype("float32")), 1).stages[0].body)
    2
    """
    return loop_nest([], aval, lambda body: convert(body, body.index(axis), I32, aval.dtype))


def convert(body: Body, ref: Ref, source: DType, target: DType) -> Ref:
    """`ref`, of dtype `source`, as `target`; no instruction where they are the same.

    >>> body = Body(1)
    >>> convert(body, body.index(0), I32, I32)
    0
    """
    return ref if source == target else body.apply(ScalarOp.CONVERT, ref, dtype=target)


def accumulator(dtype: DType) -> DType:
    """In which dtype sums and products of `dtype` are kept: 16-bit floats in f32, all others in themselves.

    >>> accumulator(F16)
    dtype('float32')
    """
    return F32 if dtype in (F16, BF16) else dtype


def reduction(aval_in: ShapedArray, aval_out: ShapedArray, op: ReduceOp, axes: Sequence[int]) -> Kernel:
    """Folds `axes` of the input. The output holds the kept axes in their order (with or without axes of size one).

    SUM and PROD of 16-bit floats are kept in f32; ARGMAX and ARGMIN give positions among the reduced axes (i32, counted
    in row-major order), converted to the output's dtype. Reducing all axes has rows=().

    >>> import numpy as np
    >>> x, y = shaped((4, 5), np.dtype("float32")), shaped((5,), np.dtype("float32"))
    >>> kernel = reduction(x, y, ReduceOp.SUM, (0,))
    >>> kernel.rows, kernel.stages[0].cols, kernel.stages[0].body[0].strides
    ((5,), (4,), (1, 5))
    """
    reduced = sorted(axes)
    kept = [k for k in range(aval_in.ndim) if k not in set(reduced)]
    lies = row_major(aval_in.shape)
    rows, cols = tuple([aval_in.shape[k] for k in kept]), tuple([aval_in.shape[k] for k in reduced])
    inner = Body(aval_in.ndim)
    value = inner.load(0, tuple([lies[k] for k in kept + reduced]))
    wide = accumulator(aval_in.dtype) if op in (ReduceOp.SUM, ReduceOp.PROD) else aval_in.dtype
    value = convert(inner, value, aval_in.dtype, wide)
    found = I32 if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else wide
    stage = Stage(cols, inner.done(), (Reduction(op, value),))
    return _reducing(_strong([aval_in]), aval_out.strong(), rows, stage, found)


def matrix_product(left: ShapedArray, right: ShapedArray, out: ShapedArray,
                   contract: tuple[Sequence[int], Sequence[int]],
                   batch: tuple[Sequence[int], Sequence[int]] = ((), ())) -> Kernel:
    """Sums of products over the `contract` axes, one result for each position along `batch`: the output's axes are the
    batch axes, then the rest of left, then the rest of right.

    16-bit floats are multiplied and summed in f32; bool operands are not allowed (convert first).

    >>> import numpy as np
    >>> x, w, y = [shaped(s, np.dtype("float32")) for s in [(8, 4), (4, 3), (8, 3)]]
    >>> kernel = matrix_product(x, w, y, ((1,), (0,)))
    >>> kernel.rows, kernel.stages[0].cols, kernel.dot
    ((8, 3), (4,), Dot(batch=0, m=1, n=1))
    """
    rest_left = [k for k in range(left.ndim) if k not in contract[0] and k not in batch[0]]
    rest_right = [k for k in range(right.ndim) if k not in contract[1] and k not in batch[1]]
    lies_left, lies_right = row_major(left.shape), row_major(right.shape)
    m, n = len(rest_left), len(rest_right)
    rows = tuple([left.shape[k] for k in [*batch[0], *rest_left]] + [right.shape[k] for k in rest_right])
    cols = tuple([left.shape[k] for k in contract[0]])
    inner = Body(len(rows) + len(cols))
    strides_left = [lies_left[k] for k in [*batch[0], *rest_left]] + [0] * n + [lies_left[k] for k in contract[0]]
    strides_right = ([lies_right[k] for k in batch[1]] + [0] * m + [lies_right[k] for k in rest_right]
                     + [lies_right[k] for k in contract[1]])
    wide = accumulator(left.dtype)
    a = convert(inner, inner.load(0, tuple(strides_left)), left.dtype, wide)
    b = convert(inner, inner.load(1, tuple(strides_right)), right.dtype, wide)
    product = inner.apply(ScalarOp.MUL, a, b, dtype=wide)
    stage = Stage(cols, inner.done(), (Reduction(ReduceOp.SUM, product),))
    return _reducing(_strong([left, right]), out.strong(), rows, stage, wide, Dot(len(batch[0]), m, n))


def _reducing(args: tuple[ShapedArray, ...], out: ShapedArray, rows: tuple[int, ...], stage: Stage, found: DType,
              dot: Dot | None = None) -> Kernel:
    last = Body(len(rows))
    value = convert(last, last.reduced(0), found, out.dtype)
    store = Store(0, value, 0, row_major(rows))
    return Kernel(args, (out,), rows, (stage, Stage((), last.done(), stores=(store,))), dot)


def _strong(avals: Sequence[ShapedArray]) -> tuple[ShapedArray, ...]:
    return tuple([shaped(a.shape, a.dtype) if a.weak else a for a in avals])
