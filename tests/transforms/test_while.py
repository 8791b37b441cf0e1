"""while_loop under jvp, vmap and jit, against the same loop in Python. It has no reverse mode, and says so."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, jacfwd, jit, jvp, lax, make_jaxpr, vmap
from lantern.errors import NotDifferentiableError
from lantern.trace.check import check_jaxpr
from tests.transforms.helpers import close, equations

XS = np.array([0.05, 0.7, 3.0])


def halve(x: Any, w: Any = 0.9) -> Any:
    """A counter, a carry whose tangent is zero at first, a captured weight; structure in a dict."""
    def body(s: Any) -> Any:
        return {"x": s["x"] * w, "n": s["n"] + 1, "acc": s["acc"] + s["x"]}

    s = lax.while_loop(lambda s: s["x"] > 0.1, body, {"x": x, "n": 0, "acc": 0.0})
    return s["acc"] * s["x"] + s["n"]


def halve_loop(x: Any, w: Any = 0.9) -> Any:
    acc, n = 0.0, 0
    while x > 0.1:
        acc, x, n = acc + x, x * w, n + 1
    return acc * x + n


@pytest.mark.parametrize("x", XS)
def test_forward_mode_to_order_two(x: float) -> None:
    close(halve(x), halve_loop(x))
    slope, curve = grad(halve_loop)(x), grad(grad(halve_loop))(x)
    close(jvp(halve, (x,), (1.0,))[1], slope)
    for f in (halve, jit(halve)):
        close(jacfwd(f)(x), slope)
        close(jacfwd(jacfwd(f))(x), curve)
        close(lantern.linearize(f, x)[1](1.0), slope)
    close(jit(jacfwd(jacfwd(halve)))(x), curve)
    close(jacfwd(lambda w: halve(x, w))(0.8), grad(lambda w: halve_loop(x, w))(0.8))
    check_jaxpr(make_jaxpr(jacfwd(jacfwd(halve)))(x))


def test_vmap_runs_until_all_are_done() -> None:
    close(vmap(halve)(XS), [halve_loop(x) for x in XS])
    close(jit(vmap(jit(halve)))(XS), [halve_loop(x) for x in XS])
    close(vmap(lambda w: halve(3.0, w))(np.array([0.5, 0.9])), [halve_loop(3.0, w) for w in (0.5, 0.9)])
    pairs = vmap(vmap(halve, (None, 0)), (0, None))(XS, np.array([0.5, 0.9]))
    close(pairs, [[halve_loop(x, w) for w in (0.5, 0.9)] for x in XS])


def test_derivatives_of_a_batch_in_both_orders() -> None:
    wanted = [grad(halve_loop)(x) for x in XS]
    close(vmap(lambda x: jvp(halve, (x,), (1.0,))[1])(XS), wanted)
    close(jvp(vmap(halve), (XS,), (np.ones(3),))[1], wanted)
    close(np.diag(np.asarray(jacfwd(vmap(halve))(XS))), wanted)
    curves = [grad(grad(halve_loop))(x) for x in XS]
    close(vmap(jacfwd(jacfwd(halve)))(XS), curves)


def test_an_unbatched_condition_leaves_the_counter_alone() -> None:
    def f(x: Any) -> Any:
        return lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * x), (0, 1.0))[1]

    (loop,) = equations(make_jaxpr(vmap(f))(XS), "while")
    assert [v.aval.shape for v in loop.outvars] == [(), (3,)]
    close(vmap(f)(XS), XS ** 3)


def test_conditions_over_a_batch_of_matrices() -> None:
    def f(m: Any) -> Any:
        return lax.while_loop(lambda m: jnp.max(jnp.abs(m)) > 1.0, lambda m: m / 2, m)

    ms = np.random.default_rng(0).normal(size=(4, 2, 3)) * np.array([1, 5, 20, 0.01])[:, None, None]

    def same(m: np.ndarray) -> np.ndarray:
        while np.max(np.abs(m)) > 1:
            m = m / 2
        return m

    close(vmap(f)(ms), np.stack([same(m) for m in ms]))


def test_reverse_mode_names_the_cures_and_the_line() -> None:
    with pytest.raises(NotDifferentiableError,
                       match=r"while_loop has no reverse mode.* test_while.py:\d+ in halve.*Use scan, or fori_loop "
                             r"with static bounds; with a bound"):
        grad(halve)(1.0)
    with pytest.raises(NotDifferentiableError, match="Use scan, or fori_loop"):
        jit(grad(lambda x: lax.fori_loop(0, x.astype(int), lambda i, c: c * x, x)))(3.0)


def test_a_loop_without_tangent_is_no_obstacle_to_reverse_mode() -> None:
    def f(x: Any) -> Any:
        return x * lax.while_loop(lambda n: n < 5.0, lambda n: n + 1.0, 0.0)

    close(grad(f)(2.0), 5.0)
    close(grad(jit(f))(2.0), 5.0)

    def partly(x: Any) -> Any:
        """The carry of x leaves without being used."""
        return x * lax.while_loop(lambda s: s[0] < 5.0, lambda s: (s[0] + 1.0, s[1] * 2), (0.0, x))[0]

    close(grad(partly)(2.0), 5.0)


def test_the_known_part_runs_first_in_linearize() -> None:
    """The number of steps does not depend on the argument: Python may branch on it."""
    def f(x: Any) -> Any:
        n, y = lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * x), (0, x))
        return y if n == 3 else 0 * y

    y, push = lantern.linearize(f, 2.0)
    close(y, 16.0)
    close(push(1.0), 32.0)


def test_while_inside_scan() -> None:
    def f(x: Any) -> Any:
        return lax.scan(lambda c, _: (halve(c + 1.0), None), x, length=2)[0]

    def same(x: Any) -> Any:
        return halve_loop(halve_loop(x + 1.0) + 1.0)

    close(jvp(f, (1.0,), (1.0,))[1], grad(same)(1.0))
    close(vmap(f)(XS), [same(x) for x in XS])


def test_named_axes_inside_loops() -> None:
    def f(x: Any) -> Any:
        return lax.while_loop(lambda c: lax.pmax(c, "i") < 50.0, lambda c: c * 2 + lax.psum(c, "i"), x)

    c = XS
    while c.max() < 50:
        c = c * 2 + c.sum()
    close(vmap(f, axis_name="i")(XS), c)


def test_every_device(device: str) -> None:
    xs = np.float32([0.05, 0.7, 3.0])
    wanted = [halve_loop(float(x)) for x in xs]
    close(jit(vmap(halve))(xs), wanted, 1e-5)
    close(jit(lambda x: jvp(halve, (x,), (1.0,)))(xs[2])[0], wanted[2], 1e-5)
    close(jit(halve)(xs[0]), wanted[0], 1e-5)
