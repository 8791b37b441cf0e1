"""cond and switch under grad, jvp, vmap and jit, against Python's `if`."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, jit, lax, make_jaxpr, vmap
from lantern.trace.check import check_jaxpr
from tests.transforms.helpers import check_against, close, equations

XS = np.array([-0.7, 0.9, 2.0])


def chosen(x: Any) -> Any:
    """Results that are operands, residuals of different kinds, a factor outside."""
    return lax.cond(x > 0.0, lambda a: (jnp.sin(a) * a, a), lambda a: (jnp.exp(a), 2.0 * a), x)[0] * x


def by_python(x: Any) -> Any:
    return (jnp.sin(x) * x if x > 0 else jnp.exp(x)) * x


@pytest.mark.parametrize("x", [-0.7, 0.9])
def test_all_derivatives_equal_those_of_if(x: float) -> None:
    check_against(chosen, by_python, (x,))
    close(grad(grad(grad(chosen)))(x), grad(grad(grad(by_python)))(x))


def test_captured_values_and_constant_branches() -> None:
    def f(x: Any) -> Any:
        return lax.cond(x > 0.0, lambda a: jnp.sin(a) * x, lambda a: 3.0, x)

    wanted = np.where(XS > 0, np.sin(XS) + XS * np.cos(XS), 0.0)
    close([grad(f)(x) for x in XS], wanted)
    close(vmap(grad(f))(XS), wanted)
    close(grad(lambda xs: jnp.sum(vmap(f)(xs)))(XS), wanted)
    close(vmap(grad(grad(f)))(XS), np.where(XS > 0, 2 * np.cos(XS) - XS * np.sin(XS), 0))
    close(jit(vmap(grad(jit(f))))(XS), wanted)


def test_an_unbatched_index_chooses_for_all() -> None:
    index = jnp.array(2)
    f = [jnp.sin, jnp.cos, lambda x: x * x]
    close(vmap(lambda x: lax.switch(index, f, x))(XS), XS * XS)
    close(vmap(grad(lambda x: lax.switch(index, f, x)))(XS), 2 * XS)
    j = make_jaxpr(vmap(lambda i, x: lax.switch(i, f, x), (None, 0)))(index, XS)
    assert len([*equations(j, "cond")]) == 1


def test_a_batched_index_selects() -> None:
    f = [jnp.sin, lambda x: 1.0, lambda x: x * x]
    index = np.array([2, 0, 7, -3])
    xs = np.array([0.5, 0.6, 0.7, 0.8])
    wanted = [0.25, np.sin(0.6), 0.49, np.sin(0.8)]
    close(vmap(lambda i, x: lax.switch(i, f, x))(index, xs), wanted)
    close(vmap(lambda i: lax.switch(i, f, 0.5))(index), [0.25, np.sin(0.5), 0.25, np.sin(0.5)])
    close(vmap(grad(lambda x, i: lax.switch(i, f, x)))(xs, index), [1.0, np.cos(0.6), 1.4, np.cos(0.8)])
    check_jaxpr(make_jaxpr(vmap(lambda i, x: lax.switch(i, f, x)))(index, xs))


def test_results_of_all_ranks_are_selected() -> None:
    def f(p: Any, x: Any) -> Any:
        return lax.cond(p, lambda: (x, jnp.sum(x), x > 0, 1), lambda: (-x, 0.0, x < 0, 2))

    x = np.arange(6.0).reshape(2, 3) - 2
    outs = vmap(f)(np.array([True, False]), x)
    for got, wanted in zip(outs, ([x[0], -x[1]], [x[0].sum(), 0], [x[0] > 0, x[1] < 0], [1, 2]), strict=True):
        close(got, wanted)


def test_grad_of_the_branch_taken_ignores_the_other() -> None:
    """vmap of grad is finite where the other branch is not; the same for grad of vmap wants a guarded operand."""
    def f(x: Any) -> Any:
        return lax.cond(x > 0, jnp.log, lambda x: x * 0.0, x)

    xs = np.array([0.0, 2.0])
    close(vmap(grad(f))(xs), [0.0, 0.5])

    def guarded(x: Any) -> Any:
        return lax.cond(x > 0, lambda x: jnp.log(jnp.where(x > 0, x, 1.0)), lambda x: x * 0.0, x)

    close(grad(lambda xs: jnp.sum(vmap(guarded)(xs)))(xs), [0.0, 0.5])


def test_branches_share_the_places_of_their_residuals() -> None:
    """As many residuals as the branch with most of them needs, not the sum."""
    branches = [lambda x: jnp.sin(x) * jnp.exp(x), lambda x: jnp.cos(x) * jnp.tanh(x), lambda x: x]
    j = make_jaxpr(grad(lambda x, i: jnp.sum(lax.switch(i, branches, x))))(XS, jnp.array(1))
    known, back = equations(j, "cond")
    assert len(known.params["branches"]) == len(back.params["branches"]) == 3
    residuals = [v for v in known.outvars if v.aval.shape == (3,)]
    alone = make_jaxpr(grad(lambda x: jnp.sum(jit(branches[1])(x))))(XS)
    assert len(residuals) <= len(next(iter(equations(alone, "jit"))).outvars) + 1


def test_an_operand_is_no_residual() -> None:
    j = make_jaxpr(grad(lambda x, i: jnp.sum(lax.cond(i > 0, lambda x: x * x, lambda x: x, x))))(XS, jnp.array(1))
    assert all(v.aval.shape == () or len(e.outvars) == 1 for e in equations(j, "cond") for v in e.outvars)


def test_linear_and_integer_operands() -> None:
    def f(x: Any, n: Any) -> Any:
        y, m = lax.cond(n > 1, lambda x, n: (x * n, n + 1), lambda x, n: (x, n), x, n)
        return jnp.sum(y) * m

    close(grad(f)(XS, jnp.array(3)), 12 * np.ones(3))
    close(grad(f)(XS, jnp.array(0)), np.zeros(3))
    close(lantern.jvp(lambda x: f(x, jnp.array(3)), (XS,), (XS,))[1], 12 * XS.sum())


def test_an_index_that_depends_on_the_differentiated_argument() -> None:
    def f(x: Any) -> Any:
        return lax.switch(jnp.floor(x).astype(int), [lambda x: x, lambda x: x * x, lambda x: x ** 3], x)

    close([grad(f)(x) for x in (0.5, 1.5, 2.5, 9.0)], [1.0, 3.0, 3 * 6.25, 243.0])
    close(vmap(jit(grad(f)))(np.array([0.5, 1.5, 2.5, 9.0])), [1.0, 3.0, 3 * 6.25, 243.0])


def test_named_axes_inside_branches() -> None:
    def f(x: Any) -> Any:
        return lax.cond(lax.psum(x, "i") > 1, lambda x: x * lax.psum(x, "i"), lambda x: x * lax.axis_index("i"), x)

    close(vmap(f, axis_name="i")(XS), XS * XS.sum())
    close(vmap(f, axis_name="i")(-XS), -XS * np.arange(3))


def test_every_device(device: str) -> None:
    def f(i: Any, x: Any) -> Any:
        y, z = lax.switch(i, [lambda x: (jnp.sin(x), x), lambda x: (x, x), lambda x: (x * 0, jnp.ones(3))], x)
        return jnp.sum(y * z)

    x = np.float32([0.1, 0.2, 0.3])
    wanted = [np.cos(x) * x + np.sin(x), 2 * x, 0 * x]
    both = jit(lantern.value_and_grad(f, 1))
    for i in range(3):
        close(both(i, x)[1], wanted[i], 1e-6)
    assert both.n_compiles == 1
