"""scan under grad, jvp, vmap and jit, against the same loop in Python."""
from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, hessian, jacfwd, jacrev, jit, lax, make_jaxpr, vmap
from lantern.trace.jaxpr import Jaxpr, count_eqns
from tests.transforms.helpers import check_against, close, equations

GENERATOR = np.random.default_rng(0)
W, C, XS = GENERATOR.normal(size=(3, 3)) * 0.5, GENERATOR.normal(size=3), GENERATOR.normal(size=(4, 3))


def rnn(w: Any, c: Any, xs: Any, reverse: bool = False, unroll: int = 1) -> Any:
    """A constant of which sin(w) is needed, a carry, xs, ys, a counter, a sum that starts at zero."""
    def step(carry: Any, x: Any) -> Any:
        h, count, total = carry
        h = jnp.tanh(h @ jnp.sin(w) + x * h)
        return (h, count + 1, total + jnp.sum(h) * count), jnp.sum(h * x)

    (h, _, total), ys = lax.scan(step, (c, 0, 0.0), xs, reverse=reverse, unroll=unroll)
    return jnp.sum(h) + jnp.sum(ys * ys) + total


def rnn_loop(w: Any, c: Any, xs: Any, reverse: bool = False, unroll: int = 1) -> Any:
    squares, total, h = 0.0, 0.0, c
    for count, i in enumerate(reversed(range(4)) if reverse else range(4)):
        h = jnp.tanh(h @ jnp.sin(w) + xs[i] * h)
        y = jnp.sum(h * xs[i])
        squares, total = squares + y * y, total + jnp.sum(h) * count
    return jnp.sum(h) + squares + total


@pytest.mark.parametrize("reverse", [False, True])
def test_all_derivatives_equal_those_of_the_loop(reverse: bool) -> None:
    check_against(lambda *args: rnn(*args, reverse), lambda *args: rnn_loop(*args, reverse), (W, C, XS))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unroll", [2, 3, 4, 100, True])
def test_unrolled_loops_are_the_same_loops(unroll: int, reverse: bool) -> None:
    check_against(lambda *args: rnn(*args, reverse, unroll), lambda *args: rnn_loop(*args, reverse), (W, C, XS), 1)
    scans = [*equations(make_jaxpr(lambda *args: rnn(*args, reverse, unroll))(W, C, XS), "scan")]
    assert [s.params["length"] for s in scans] == ([2] if unroll == 2 else [])


def test_hessians_in_all_modes() -> None:
    def f(c: Any) -> Any:
        return rnn(W, c, XS)

    wanted = hessian(lambda c: rnn_loop(W, c, XS))(C)
    close(wanted, np.asarray(wanted).T)
    for h in (hessian(f), jacrev(jacfwd(f)), jacrev(jacrev(f)), jacfwd(jacfwd(f)), jit(hessian(jit(f)))):
        close(h(C), wanted)


def test_vmap_in_all_patterns() -> None:
    """vmap of grad, grad of vmap; each operand batched alone and together."""
    ws, cs, xss = GENERATOR.normal(size=(5, 3, 3)), GENERATOR.normal(size=(5, 3)), GENERATOR.normal(size=(5, 4, 3))
    for i in range(3):
        g = grad(rnn, i)
        for axes in ((0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0)):
            args = [many if a == 0 else one for many, one, a in zip((ws, cs, xss), (W, C, XS), axes, strict=True)]
            wanted = np.stack([np.asarray(g(*[x[k] if a == 0 else x for x, a in zip(args, axes, strict=True)]))
                               for k in range(5)])
            close(vmap(g, axes)(*args), wanted)
            close(jit(vmap(jit(g), axes))(*args), wanted)

    def summed(w: Any, c: Any, xs: Any) -> Any:
        return jnp.sum(vmap(rnn, (None, 0, 0))(w, c, xs))

    close(grad(summed)(W, cs, xss), np.sum([np.asarray(grad(rnn)(W, c, xs)) for c, xs in zip(cs, xss, strict=True)], 0))


def test_an_unbatched_loop_stays_unbatched() -> None:
    j = make_jaxpr(vmap(lambda x: x * lax.scan(lambda c, _: (c * 2, None), 1.0, length=3)[0]))(XS)
    assert all(e.invars[0].aval.shape == () for e in equations(j, "scan"))


def test_residuals_that_do_not_change_are_not_stacked() -> None:
    """sin(w) and cos(w) are computed before the loop, xs are read where they are, w is not copied for each step."""
    j = make_jaxpr(grad(lambda w: rnn(w, C, XS)))(W)
    forward, backward = equations(j, "scan")
    for s in (forward, backward):
        assert not [e for e in s.params["jaxpr"].eqns if e.primitive.name in ("sin", "cos")]
    stacked = [str(v.aval) for v in forward.outvars[forward.params["n_carry"]:]]
    assert all(not s.endswith("[4,3,3]") for s in stacked), stacked
    assert stacked.count("f64[4,3]") <= 3, "h, and two factors of the derivative of tanh"


def test_what_depends_on_constants_alone_is_computed_once() -> None:
    """But not what is a repetition of something smaller: it would have to be read at each step."""
    scale = jnp.array(2.0)

    def f(w: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            return jnp.tanh(h @ jnp.sin(w).T) + x * jnp.exp(scale), None
        return lax.scan(step, C, XS)[0]

    j = make_jaxpr(f)(W)
    (loop,) = equations(j, "scan")
    inside = [e.primitive.name for e in loop.params["jaxpr"].eqns]
    assert not {"sin", "exp", "transpose"} & set(inside), inside
    assert "broadcast_in_dim" in inside
    assert sorted(str(v.aval) for v in loop.invars[: loop.params["n_consts"]]) == ["f64*[]", "f64[3,3]"]
    once = make_jaxpr(lambda w: lax.scan(lambda h, x: (h @ jnp.sin(w), None), C, XS[:1])[0])(W)
    assert "scan_invariants" not in str(once)


def test_repeated_residuals_are_saved_unrepeated() -> None:
    def f(c: Any) -> Any:
        return jnp.sum(lax.scan(lambda c, x: (jnp.sum(jnp.sin(c)[:, None] * W * jnp.cos(x), 0), None), c, XS)[0])

    forward = next(equations(make_jaxpr(grad(f))(C), "scan"))
    assert all(v.aval.shape in ((3,), (4, 3), (4, 3, 1), (4, 1, 3)) for v in forward.outvars), \
        [str(v.aval) for v in forward.outvars]


def test_a_carry_that_never_changes_is_a_constant() -> None:
    def f(w: Any) -> Any:
        (w, h), _ = lax.scan(lambda c, x: ((c[0], jnp.tanh(c[1] * c[0] + x)), None), (w, C), XS)
        return jnp.sum(h * w)

    j = make_jaxpr(f)(C)
    (loop,) = equations(j, "scan")
    assert (loop.params["n_consts"], loop.params["n_carry"]) == (1, 1)

    def same(w: Any) -> Any:
        h = C
        for x in XS:
            h = jnp.tanh(h * w + x)
        return jnp.sum(h * w)

    check_against(f, same, (C,))
    forward = next(equations(make_jaxpr(grad(f))(C), "scan"))
    assert all(v.aval.shape == (4, 3) for v in forward.outvars[1:])


def test_cotangents_that_are_zero_are_not_carried() -> None:
    """Only the carry is used: no zeros of the ys are made, and none are scanned over."""
    def f(w: Any) -> Any:
        (h, _), _ = lax.scan(lambda c, x: ((jnp.sin(c[0] * w), c[1] + 1.0), c[0] * x), (C, C), XS)
        return jnp.sum(h)

    backward = [*equations(make_jaxpr(grad(f))(C), "scan")][1]
    assert backward.params["n_carry"] == 2      # the sum for w, and the cotangent of h
    assert not [v for v in backward.params["jaxpr"].invars if v.aval.shape == (4, 3)]


def test_a_carry_that_stops_the_gradient() -> None:
    def f(x: Any) -> Any:
        c, ys = lax.scan(lambda c, y: (lax.stop_gradient(c) * 2.0 + y, c * y), x, XS)
        return jnp.sum(c) + jnp.sum(ys)

    close(grad(f)(C), XS[0])


def test_integer_carries_and_outputs() -> None:
    def f(x: Any) -> Any:
        (x, n), (ns, ys) = lax.scan(lambda c, y: ((c[0] * y, c[1] + 1), (c[1], c[0])), (x, 0), XS)
        return jnp.sum(x * n) + jnp.sum(ys * ns[:, None])

    def same(x: Any) -> Any:
        total = 0.0
        for n, y in enumerate(XS):
            total, x = total + jnp.sum(x) * n, x * y
        return total + jnp.sum(x) * 4

    check_against(f, same, (C,))


def test_no_steps() -> None:
    def f(x: Any) -> Any:
        c, ys = lax.scan(lambda c, y: (c * y, c + y), x, XS[:0])
        assert ys.shape == (0, 3)
        return jnp.sum(c) + jnp.sum(ys)

    close(f(C), np.sum(C))
    close(grad(f)(C), np.ones(3))
    close(grad(lambda x: jnp.sum(grad(f)(x) * x))(C), np.ones(3))
    close(vmap(f)(XS), XS.sum(1))


def test_a_python_loop_around_a_scan_may_look_at_its_result() -> None:
    def f(x: Any) -> Any:
        c = x
        while jnp.sum(c * c) < 10.0:
            c, _ = lax.scan(lambda c, y: (c * y, None), c, np.array([1.1, 1.2]))
        return jnp.sum(c * c)

    n = 0
    while np.sum((np.ones(2) * 1.32 ** n) ** 2) < 10:
        n += 1
    close(grad(f)(np.ones(2)), 2 * 1.32 ** (2 * n) * np.ones(2))
    close(grad(lambda x: jnp.sum(grad(f)(x)))(np.ones(2)), 2 * 1.32 ** (2 * n) * np.ones(2))


def test_captured_values_are_differentiated() -> None:
    def f(w: Any) -> Any:
        doubled = w * 2.0
        return jnp.sum(lax.scan(lambda c, x: (jnp.sin(c * doubled) + x @ W, None), C, XS)[0])

    def same(w: Any) -> Any:
        c = C
        for x in XS:
            c = jnp.sin(c * w * 2.0) + x @ W
        return jnp.sum(c)

    check_against(f, same, (C,))


def test_one_graph_of_masks_for_every_argument() -> None:
    """Inputs without tangents, outputs without cotangents, at order 2."""
    def f(a: Any, b: Any, c: Any) -> Any:
        (x, _, _), (p, _) = lax.scan(lambda s, u: ((s[0] * s[1], s[1] + u, s[2]), (s[0] * s[2], s[1])), (a, b, c), XS)
        return jnp.sum(x) + jnp.sum(p[1:])

    def same(a: Any, b: Any, c: Any) -> Any:
        total = 0.0
        for i, u in enumerate(XS):
            total = total + (jnp.sum(a * c) if i else 0.0)
            a, b = a * b, b + u
        return jnp.sum(a) + total

    check_against(f, same, (C, C + 1, C - 1))


def power(x: Any, n: int) -> Any:
    return lax.scan(lambda c, _: (jnp.sin(c * x) + c, None), x, length=n)[0]


def test_programs_do_not_grow_with_the_number_of_steps() -> None:
    sizes = [count_eqns(make_jaxpr(grad(lambda x, n=n: power(x, n)))(0.5)) for n in (3, 1000)]
    assert sizes[0] == sizes[1]
    f = jit(grad(lambda x: power(x, 1000)))
    start = time.perf_counter()
    f(0.5)
    assert f.n_compiles == 1
    assert time.perf_counter() - start < 10, "tracing and compiling, and 2,000 steps on the reference"


def nest(depth: int) -> Any:
    def f(c: Any, x: Any) -> Any:
        if depth == 0:
            return jnp.tanh(c * jnp.sin(x) + c), c * x
        c, ys = lax.scan(nest(depth - 1), c * jnp.cos(x), jnp.stack([x, x * 2]))
        return jnp.tanh(c) + x, jnp.sum(ys)
    return f


def test_programs_grow_linearly_with_depth() -> None:
    """Each level adds equations, and doubles nothing."""
    for transform in (grad, lambda f: grad(grad(f)), lambda f: grad(grad(grad(f)))):
        sizes = [count_eqns(make_jaxpr(transform(lambda c, d=d: lax.scan(nest(d), c, np.ones(2))[0]))(1.0))
                 for d in (1, 2, 3, 4)]
        steps = np.diff(sizes)
        assert steps[2] <= steps[0] * 1.5 + 5, sizes


def test_deep_nests_are_right() -> None:
    def loop(depth: int) -> Any:
        def f(c: Any, x: Any) -> Any:
            if depth == 0:
                return jnp.tanh(c * jnp.sin(x) + c), c * x
            c, total = c * jnp.cos(x), 0.0
            for u in (x, x * 2):
                c, y = loop(depth - 1)(c, u)
                total = total + y
            return jnp.tanh(c) + x, total
        return f

    check_against(lambda c, x: sum(nest(3)(c, x)), lambda c, x: sum(loop(3)(c, x)), (0.3, 0.7))


def test_transformed_bodies_die_with_the_body() -> None:
    j: Jaxpr | None = make_jaxpr(lambda c: lax.scan(lambda c, x: (jnp.sin(c * x), c), c, XS)[0])(C)
    body = next(equations(j, "scan")).params["jaxpr"]
    alive = weakref.ref(body)
    f = jit(lambda c: lax.scan(lambda c, x: (jnp.sin(c * x), c), c, XS)[0])
    make_jaxpr(grad(lambda c: jnp.sum(f(c))))(C)
    make_jaxpr(vmap(grad(lambda c: jnp.sum(grad(lambda c: jnp.sum(f(c)))(c)))))(XS)
    del body, j
    gc.collect()
    assert alive() is None


def test_named_axes_inside_bodies() -> None:
    def f(x: Any) -> Any:
        c, positions = lax.scan(lambda c, y: (jnp.sin(c) + lax.psum(c, "i") * y, lax.axis_index("i")), x, XS[:, 0])
        return c * jnp.sum(positions)

    def same(xs: Any) -> Any:
        c = xs
        for y in XS[:, 0]:
            c = jnp.sin(c) + jnp.sum(c) * y
        return c * np.arange(3) * 4

    close(vmap(f, axis_name="i")(C), same(C))
    weights = np.array([1.0, 2.0, 3.0])
    wanted = grad(lambda x: jnp.sum(same(x) * weights))(C)
    close(grad(lambda x: jnp.sum(vmap(f, axis_name="i")(x) * weights))(C), wanted)
    # inside, each element sends its cotangent to all others
    close(vmap(grad(f), axis_name="i")(C), grad(lambda x: jnp.sum(same(x)))(C))


def test_a_position_alone_needs_no_operand_of_the_batch() -> None:
    def f(x: Any) -> Any:
        return x + lax.scan(lambda c, _: (c + lax.axis_index("i"), None), 0, length=2)[0]

    close(vmap(f, axis_name="i")(C), C + 2 * np.arange(3))
    close(vmap(lambda x: x + jit(lambda: lax.axis_index("i"))(), axis_name="i")(C), C + np.arange(3))


def test_nested_vmaps_over_named_axes() -> None:
    def f(x: Any) -> Any:
        return lax.scan(lambda c, _: (c + lax.psum(c, "i") * 0.1 + lax.pmax(c, "j"), None), x, length=2)[0]

    def same(x: np.ndarray) -> np.ndarray:
        for _ in range(2):
            x = x + x.sum(0, keepdims=True) * 0.1 + x.max(1, keepdims=True)
        return x

    close(vmap(vmap(f, axis_name="j"), axis_name="i")(XS), same(XS))


@pytest.mark.parametrize("reverse", [False, True])
def test_every_device(device: str, reverse: bool) -> None:
    args = [np.asarray(x, np.float32) for x in (W, C, XS)]
    with lantern.default_device("reference"):
        wanted = [np.asarray(g) for g in grad(lambda *args: rnn(*args, reverse), (0, 1, 2))(*args)]
    got = jit(grad(lambda *args: rnn(*args, reverse), (0, 1, 2)))(*args)
    for g, w in zip(got, wanted, strict=True):
        close(g, w, 1e-4)


def test_a_linear_loop_with_a_counter_is_transposed() -> None:
    """The counter does not depend on the argument: it runs first, in a loop of its own."""
    def f(x: Any) -> Any:
        (_, c), ys = lax.scan(lambda s, y: ((s[0] + 1, s[1] * s[0] + x * y), s[1] * 2.0), (0, x * 0.0), XS[:, 0])
        return c + jnp.sum(ys)

    (back,) = lantern.linear_transpose(f, 1.0)(1.0)
    close(back, f(1.0))
    close(back, grad(f)(0.3))
