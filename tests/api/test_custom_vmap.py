"""custom_vmap: the rule is used under every transform, and checked."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.custom_batching import custom_vmap
from lantern.errors import ArgumentError, CustomRuleError

XS = jnp.array([0.5, 1.0, 2.0])


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def marked(seen: list[Any]) -> Any:
    """sin(x) * y as a tree, whose batching rule says 100 sin(x) y; `seen` records what the rule is asked."""
    f = custom_vmap(lambda x, y: {"o": jnp.sin(x) * y["w"]})

    @f.def_vmap
    def rule(axis_size: int, in_batched: Any, x: Any, y: Any) -> Any:
        seen.append((axis_size, in_batched))
        return {"o": 100.0 * jnp.sin(x) * y["w"]}, {"o": True}

    return lambda x, w: f(x, {"w": w})["o"]


def test_the_rule_is_used() -> None:
    seen: list[Any] = []
    f = marked(seen)
    close(f(0.5, 2.0), 2 * np.sin(0.5))
    close(lantern.jit(f)(0.5, 2.0), 2 * np.sin(0.5))
    assert not seen
    want = 200 * np.sin(XS)
    mapped = lantern.vmap(f, (0, None))
    for g in (mapped, lantern.jit(mapped), lantern.vmap(lantern.jit(f), (0, None)),
              lantern.vmap(lantern.remat(f), (0, None))):
        close(g(XS, 2.0), want)
    assert seen == [(3, [True, {"w": False}])] * 4
    close(lantern.vmap(lambda x: lax.scan(lambda c, _: (c, f(x, 2.0)), 0.0, None, 2)[1])(XS)[:, 1], want)
    close(lantern.vmap(f)(XS, XS), 100 * np.sin(XS) * XS)
    close(lantern.vmap(lantern.vmap(f, (0, None)), (None, 0))(XS, XS), 100 * np.outer(XS, np.sin(XS)))


def test_derivatives_of_the_mapped_function_are_the_rule_s() -> None:
    f = marked([])

    def total(x: Any) -> Any:
        return jnp.sum(lantern.vmap(f, (0, None))(x, 2.0))

    want = 200 * np.cos(XS)
    for g in (lantern.grad(total), lantern.jit(lantern.grad(total)), lantern.grad(lantern.jit(total)),
              lantern.grad(lantern.remat(total))):
        close(g(XS), want)
    close(lantern.jvp(total, (XS,), (XS,))[1], np.sum(want * np.asarray(XS)))
    close(lantern.hessian(total)(XS), np.diag(-200 * np.sin(XS)))
    close(lantern.grad(lambda w: jnp.sum(lantern.vmap(f, (0, None))(XS, w)))(2.0), 100 * np.sum(np.sin(XS)))


def test_forward_mode_keeps_the_rule_and_grad_leaves_it() -> None:
    f = marked([])
    close(lantern.vmap(lambda x: lantern.jvp(lambda x: f(x, 2.0), (x,), (1.0,))[1])(XS), 200 * np.cos(XS))
    close(lantern.vmap(lambda t: lantern.jvp(lambda x: f(x, 2.0), (0.5,), (t,))[1])(XS), 200 * np.cos(0.5) * XS)
    close(lantern.vmap(lantern.grad(lambda x: f(x, 2.0)))(XS), 2 * np.cos(XS))
    close(lantern.vmap(lantern.grad(lantern.grad(lambda x: f(x, 2.0))))(XS), -2 * np.sin(XS))
    close(lantern.grad(lambda x: f(x, 2.0))(0.5), 2 * np.cos(0.5))


def test_outputs_without_the_axis() -> None:
    f = custom_vmap(lambda x, y: (x * y, y))
    f.def_vmap(lambda n, batched, x, y: ((x * y, y), (True, batched[1])))
    first, second = lantern.vmap(f, (0, None), (0, None))(XS, 2.0)
    close(first, 2 * XS)
    assert second.shape == ()
    close(lantern.grad(lambda y: jnp.sum(lantern.vmap(f, (0, None))(XS, y)[0]))(2.0), np.sum(XS))
    close(lantern.jvp(lambda y: lantern.vmap(f, (0, None))(XS, y)[1], (2.0,), (3.0,))[1], [3.0] * 3)


def test_values_that_are_not_mapped_need_no_rule() -> None:
    seen: list[Any] = []
    f = marked(seen)
    close(lantern.vmap(lambda x: f(0.5, 2.0) * x)(XS), 2 * np.sin(0.5) * XS)
    close(lantern.vmap(lambda x: lax.psum(x, "i") * f(0.5, 2.0), axis_name="i")(XS), [3.5 * 2 * np.sin(0.5)] * 3)
    assert not seen


def test_errors() -> None:
    def with_rule(rule: Any, fun: Any = lambda x: {"a": jnp.sin(x)}) -> Any:
        f = custom_vmap(fun)
        f.def_vmap(rule)
        return lantern.vmap(f)

    def half(n: Any, batched: Any, x: Any) -> Any:
        return {"a": x}

    with pytest.raises(CustomRuleError, match=r"custom_vmap\(half\) has no rule, at test_custom_vmap.py:\d+.*def_vmap"):
        custom_vmap(half)(1.0, 1.0, 1.0)
    with pytest.raises(CustomRuleError, match=r"rule half must return a pair \(out, out_batched\), got \{.* at "
                                              r"test_custom_vmap.py:\d+ in half"):
        with_rule(half)(XS)
    with pytest.raises(CustomRuleError, match=r"out_batched of the structure \*, wanted a bool for each leaf"):
        with_rule(lambda n, b, x: ({"a": x}, True))(XS)
    with pytest.raises(CustomRuleError, match=r"returned 1 in out_batched, wanted True or False"):
        with_rule(lambda n, b, x: ({"a": x}, {"a": 1}))(XS)
    with pytest.raises(CustomRuleError, match=r"f32\[3\] as output \['a'\] \(out_batched says False\), wanted f32\[\]"):
        with_rule(lambda n, b, x: ({"a": x}, {"a": False}))(XS)
    with pytest.raises(CustomRuleError, match=r"f32\[2\] as output \['a'\] \(out_batched says True\), wanted f32\[3\]"):
        lantern.jit(with_rule(lambda n, b, x: ({"a": x[:2]}, {"a": True})))(XS)
    with pytest.raises(CustomRuleError, match=r"an output of the structure \*, wanted that of the result, \{'a'"):
        with_rule(lambda n, b, x: (x, {"a": True}))(XS)
    with pytest.raises(ArgumentError, match=r"custom_vmap\(<lambda>\) uses a value .* mapped over, f32\[3\] with the "
                                            r"new axis, at test_custom_vmap.py:\d+.*as an argument"):
        lantern.vmap(lambda x: custom_vmap_of(lambda y: x * y)(2.0))(XS)
    with pytest.raises(TypeError, match="wanted a function, got 3"):
        custom_vmap(3)


def custom_vmap_of(fun: Any) -> Any:
    f = custom_vmap(fun)
    f.def_vmap(lambda n, batched, y: (y, batched[0]))
    return f
