"""Primitives with jaxprs inside that are only lowered and run, to test regions without any rule of differentiation."""
from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.lower.kernel import Branch, HostCall, Loop, Region, While
from lantern.ops import compare, convert, elementwise, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Effect, Primitive, Structured, SubLowering
from lantern.trace.staging import trace_closed
from lantern.transforms.jit import run_impl

Avals = Sequence[ShapedArray]


def _no_batch(*_: Any, **__: Any) -> Any:
    raise NotImplementedError("these primitives are not batched")


# Loops


def _loop_avals(*_: ShapedArray, body: Jaxpr, carry: int, length: int, **__: Any) -> list[ShapedArray]:
    outs = body.out_avals
    return outs[:carry] + [shaped((length, *a.shape), a.dtype) for a in outs[carry:]]


def _run_loop(*args: Any, body: Jaxpr, constants: int, carry: int, length: int, reverse: bool) -> list[Any]:
    kept, rows = list(args[:constants + carry]), args[constants + carry:]
    made: dict[int, list[Any]] = {}
    for k in reversed(range(length)) if reverse else range(length):
        outs = run_impl(body, [*kept, *[x[k] for x in rows]])
        kept[constants:], made[k] = outs[:carry], outs[carry:]
    wholes = [np.stack([made[k][i] for k in range(length)]) if length else np.zeros((0, *a.shape), a.dtype)
              for i, a in enumerate(body.out_avals[carry:])]
    return [*kept[constants:], *wholes]


def _lower_loop(_: Avals, lower: SubLowering, *, body: Jaxpr, constants: int, carry: int, length: int,
                reverse: bool) -> Region:
    program = lower(body, range(constants, constants + carry), range(carry, len(body.outvars)))
    return Loop(program, constants, carry, length, reverse)


loop_p = Primitive("test_loop", _loop_avals, _run_loop, Structured(_lower_loop), _no_batch)


def loop(f: Callable[..., Sequence[Any]], constants: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any],
         length: int, reverse: bool = False) -> Sequence[Any]:
    """f(*constants, *carry, *rows) -> (*carry, *rows)."""
    rows = [shaped(x.aval.shape[1:], x.aval.dtype) for x in xs]
    body = jaxpr_of(f, [*[x.aval for x in (*constants, *carry)], *rows])
    return bind(loop_p, *constants, *carry, *xs, body=body, constants=len(constants), carry=len(carry), length=length,
                reverse=reverse)


# While


def _run_while(*args: Any, condition: Jaxpr, body: Jaxpr, first: int, second: int) -> list[Any]:
    carry = list(args[first + second:])
    while bool(run_impl(condition, [*args[:first], *carry])[0]):
        carry = run_impl(body, [*args[first:first + second], *carry])
    return carry


def _lower_while(avals: Avals, lower: SubLowering, *, condition: Jaxpr, body: Jaxpr, first: int, second: int) -> Region:
    count = len(avals) - first - second
    return While(lower(condition, (), (0,)), lower(body, range(second, second + count), ()), first, second)


while_p = Primitive("test_while", lambda *avals, first, second, **_: avals[first + second:], _run_while,
                    Structured(_lower_while), _no_batch)


def while_loop(condition: Callable[..., Any], body: Callable[..., Sequence[Any]], first: Sequence[Any],
               second: Sequence[Any], carry: Sequence[Any]) -> Sequence[Any]:
    """condition(*first, *carry) -> bool; body(*second, *carry) -> carry."""
    test = jaxpr_of(lambda *xs: [condition(*xs)], [x.aval for x in (*first, *carry)])
    step = jaxpr_of(body, [x.aval for x in (*second, *carry)])
    return bind(while_p, *first, *second, *carry, condition=test, body=step, first=len(first), second=len(second))


# Branches and calls


def _lower_branch(_: Avals, lower: SubLowering, *, branches: tuple[Jaxpr, ...]) -> Region:
    return Branch(tuple([lower(b, (), range(len(b.outvars))) for b in branches]))


branch_p = Primitive("test_branch", lambda *_, branches: branches[0].out_avals,
                     lambda i, *args, branches: run_impl(branches[int(i)], args), Structured(_lower_branch), _no_batch)


def branch(index: Any, functions: Sequence[Callable[..., Sequence[Any]]], *args: Any) -> Sequence[Any]:
    """functions[index](*args)."""
    avals = [x.aval for x in args]
    return bind(branch_p, index, *args, branches=tuple([jaxpr_of(f, avals) for f in functions]))


def _lower_call(avals: Avals, lower: SubLowering, *, function: Callable[..., Any], outs: tuple[ShapedArray, ...]
                ) -> Region:
    return HostCall(function, tuple([a.strong() for a in avals]), outs, "tested")


def _call_rules(name: str, effect: Effect | None) -> Primitive:
    return Primitive(name, lambda *_, outs, **__: outs, lambda *args, function, outs: function(*args),
                     Structured(_lower_call), _no_batch, effect=effect)


pure_p, ordered_p = _call_rules("test_pure_call", None), _call_rules("test_ordered_call", Effect.ORDERED)


def call(function: Callable[..., Sequence[Any]], outs: Sequence[ShapedArray], *args: Any, ordered: bool = False
         ) -> Sequence[Any]:
    """What a Python function of NumPy arrays returns."""
    return bind(ordered_p if ordered else pure_p, *args, function=function, outs=tuple(outs))


def jaxpr_of(f: Callable[..., Sequence[Any]], avals: Avals) -> Jaxpr:
    """A jaxpr that captures nothing."""
    return trace_closed(lambda *xs: list(f(*xs)), avals, "test")


def everything(limit: Any, h: Any, xs: Any, k: Any) -> Sequence[Any]:
    """A loop that holds a while and a branch, and a call of the host."""
    def step(limit: Any, h: Any, x: Any, k: Any) -> Any:
        (h,) = while_loop(lambda limit, h: compare.lt(reduce.reduce_sum(h, (0,)), limit),
                          lambda h: [elementwise.mul(h, 2.0)], [limit], [], [h])
        (h,) = branch(k, [lambda h, x: [elementwise.sub(h, x)], lambda h, x: [x]], h, x)
        return [h, reduce.reduce_sum(h, (0,))]

    last, sums = loop(step, [limit], [h], [xs, k], 5)
    return call(lambda *a: a, [last.aval, sums.aval], last, sums, ordered=True)


def random_program(draw: random.Random, depth: int) -> Callable[..., Sequence[Any]]:
    """Regions in regions over vectors of three: f(*four vectors) -> four vectors."""
    def mixed(xs: Sequence[Any], steps: int) -> list[Any]:
        pool = list(xs)
        for _ in range(steps):
            a, b = draw.choice(pool), draw.choice(pool)
            pool.append(draw.choice([
                lambda a, b: elementwise.sub(elementwise.mul(a, 0.5), b), lambda a, b: elementwise.sin(a),
                lambda a, b: elementwise.max(a, b), lambda a, b: shape.rev(a, (0,)),
                lambda a, b: elementwise.mul(a, broadcast_in_dim(reduce.reduce_max(b, (0,)), (3,), ())),
                lambda a, b: elementwise.tanh(a)])(a, b))
        return pool

    def chosen(pool: Sequence[Any], count: int) -> list[Any]:
        return [draw.choice(pool[-6:]) for _ in range(count)]

    def inner() -> Callable[..., Sequence[Any]]:
        if depth and draw.random() < 0.6:
            return random_program(draw, depth - 1)
        steps = draw.randint(0, 4)
        return lambda *xs: chosen(mixed(xs, steps), 4)

    def as_loop(xs: Sequence[Any]) -> list[Any]:
        length, body, reverse = draw.randint(0, 4), inner(), draw.random() < 0.5
        rows = broadcast_in_dim(xs[3], (length, 3), (1,))

        def step(k: Any, a: Any, b: Any, row: Any) -> Sequence[Any]:
            made = body(k, a, b, row)
            return [*made, draw.choice([k, a, b, row, *made])]
        a, b, ys, zs, _ = loop(step, [xs[0]], [xs[1], xs[2]], [rows], length, reverse)
        picked = [shape.reshape(shape.slice(y, (0, 0), (1, 3)), (3,)) if length else a for y in (ys, zs)]
        return [a, b, *picked]

    def as_branch(xs: Sequence[Any]) -> list[Any]:
        number = convert.convert(compare.gt(reduce.reduce_sum(draw.choice(xs), (0,)), 0.0), np.dtype("int32"))
        return list(branch(number, [inner(), inner()], *xs))

    def program(*xs: Any) -> Sequence[Any]:
        pool = mixed(xs, draw.randint(0, 3))
        for _ in range(draw.randint(1, 2)):
            pool += draw.choice([as_loop, as_loop, as_branch])(chosen(pool, 4))
            pool = mixed(pool, draw.randint(0, 2))
        return chosen(pool, 4)

    return program
