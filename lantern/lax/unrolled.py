"""Loops with several steps in one: the program of `scan(..., unroll=k)`."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.ops.shape import concatenate, reshape
from lantern.ops.shape import slice as slice_
from lantern.trace.context import bind, typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Value
from lantern.trace.staging import trace_closed
from lantern.transforms.masks import parts
from lantern.transforms.scan import scan_p


def unrolled(body: Jaxpr, n_consts: int, n_carry: int, length: int, reverse: bool, unroll: int) -> Jaxpr:
    """The whole loop as a jaxpr of (consts, carry, xs): a scan over blocks of steps, and the rest one by one."""
    blocks, rest = divmod(length, unroll)
    if blocks < 2:
        blocks, rest = 0, length
    row_avals = body.in_avals[n_consts + n_carry:]

    def block(*args: Value) -> Sequence[Value]:
        consts, carry, xs = parts(args, n_consts, n_carry)
        carry, ys = _steps(body, consts, carry, xs, range(unroll), reverse)
        return [*carry, *ys]

    def whole(*args: Value) -> Sequence[Value]:
        consts, carry, xs = parts(args, n_consts, n_carry)
        first = rest if reverse else 0      # where the blocks start
        outs: list[list[Value]] = []
        if blocks:
            cut = [_rows(x, first, first + blocks * unroll) for x in xs]
            cut = [reshape(x, (blocks, unroll, *typeof(x).shape[1:])) for x in cut]
            made = bind(scan_p, *consts, *carry, *cut, jaxpr=inner, n_consts=n_consts, n_carry=n_carry, length=blocks,
                        reverse=reverse)
            carry, ys = parts(made, n_carry)
            outs.append([reshape(y, (blocks * unroll, *typeof(y).shape[2:])) for y in ys])
        if rest:
            steps = range(rest) if reverse else range(blocks * unroll, length)
            carry, ys = _steps(body, consts, carry, xs, steps, reverse)
            outs.append(ys)
        if reverse:
            outs.reverse()
        return [*carry, *_joined(outs)]

    block_avals = [a.with_shape((unroll, *a.shape)) for a in row_avals]
    inner = trace_closed(block, [*body.in_avals[: n_consts + n_carry], *block_avals], "scan") if blocks else body
    x_avals = [a.with_shape((length, *a.shape)) for a in row_avals]
    return trace_closed(whole, [*body.in_avals[: n_consts + n_carry], *x_avals], "scan")


def _steps(body: Jaxpr, consts: Sequence[Value], carry: Sequence[Value], xs: Sequence[Value], steps: range,
           reverse: bool) -> tuple[list[Value], list[Value]]:
    """Some steps one by one: the carry, and the ys stacked in the order of the rows."""
    rows: list[list[Value]] = []
    for i in reversed(steps) if reverse else steps:
        x = [reshape(_rows(x, i, i + 1), typeof(x).shape[1:]) for x in xs]
        carry, ys = parts(eval_jaxpr(body, [*consts, *carry, *x]), len(carry))
        rows.append([reshape(y, (1, *typeof(y).shape)) for y in ys])
    if reverse:
        rows.reverse()
    return list(carry), _joined(rows)


def _joined(pieces: Sequence[Sequence[Value]]) -> list[Value]:
    """Pieces of all ys, one after the other."""
    if len(pieces) == 1:
        return list(pieces[0])
    return [concatenate([piece[k] for piece in pieces], 0) for k in range(len(pieces[0]))]


def _rows(x: Value, start: int, stop: int) -> Value:
    shape = typeof(x).shape
    if (start, stop) == (0, shape[0]):
        return x
    return slice_(x, (start, *[0] * (len(shape) - 1)), (stop, *shape[1:]))
