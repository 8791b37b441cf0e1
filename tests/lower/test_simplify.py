"""Jaxpr -> Jaxpr: what is shared, folded and dropped; and what must not be."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.dtypes import F32
from lantern.lower.build import build
from lantern.lower.passes import InnerLowering
from lantern.lower.simplify import simplify
from lantern.ops import convert, elementwise, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.context import bind
from lantern.trace.jaxpr import Literal, literal
from lantern.transforms.jit import jit_p
from tests.lower.helpers import CPU, both, f32, trace


def _names(f: Any, *avals: Any) -> list[str]:
    return [e.primitive.name for e in simplify(trace(f, *avals)).eqns]


def test_equal_equations_are_shared() -> None:
    assert _names(lambda x: elementwise.add(elementwise.exp(x), elementwise.exp(x)), f32(3)) == ["exp", "add"]


def test_numbers_with_different_bits_are_not_equal() -> None:
    def f(x: Any) -> list[Any]:
        return [elementwise.mul(x, 0.0), elementwise.mul(x, -0.0)]

    assert _names(f, f32(3)) == ["mul", "mul"]


def test_nothing_is_assumed_of_nan_infinity_and_signed_zero() -> None:
    def f(x: Any) -> list[Any]:
        return [elementwise.mul(x, 0.0), elementwise.add(x, 0.0), elementwise.sub(x, x), elementwise.div(x, x)]

    assert _names(f, f32(3)) == ["mul", "add", "sub", "div"]


def test_scalar_arithmetic_is_done_once() -> None:
    def f(x: Any) -> Any:
        return elementwise.mul(x, broadcast_in_dim(elementwise.exp(literal(0.0, F32)), (3,), ()))

    jaxpr = simplify(trace(f, f32(3)))
    made = jaxpr.eqns[0].invars[0]
    assert [e.primitive.name for e in jaxpr.eqns] == ["broadcast_in_dim", "mul"]
    assert isinstance(made, Literal) and made.value == 1.0


def test_jit_is_inlined_each_time_with_its_own_variables() -> None:
    inner = trace(lambda x: elementwise.exp(elementwise.neg(x)), f32(3))

    def f(x: Any) -> Any:
        once = bind(jit_p, x, jaxpr=inner, name="f")[0]
        return bind(jit_p, once, jaxpr=inner, name="f")[0]

    assert _names(f, f32(3)) == ["neg", "exp", "neg", "exp"]
    wanted, got = both(f, f32(3))
    np.testing.assert_array_equal(got[0], wanted[0])


def test_dead_equations_go() -> None:
    def f(x: Any) -> Any:
        elementwise.exp(x)
        return elementwise.neg(x)

    assert _names(f, f32(3)) == ["neg"]


def test_equations_keep_their_lines() -> None:
    (eqn,) = simplify(trace(lambda x: elementwise.exp(x), f32(3))).eqns
    assert eqn.source is not None and eqn.source.file == "test_simplify.py"


def test_copies_that_change_nothing_are_no_kernels() -> None:
    def f(x: Any) -> Any:
        x = shape.transpose(shape.reshape(x, (2, 1, 3)), (1, 0, 2))
        whole = shape.slice(x, (0, 0, 0), (1, 2, 3), (1, 1, 1))
        return convert.convert(broadcast_in_dim(whole, (1, 2, 3), (0, 1, 2)), F32)

    graph = build(simplify(trace(f, f32(2, 3))), CPU, InnerLowering(CPU))
    assert graph.nodes == () and graph.outputs == graph.inputs
