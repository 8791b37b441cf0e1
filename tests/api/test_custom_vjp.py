"""custom_vjp: rules under every transform, residuals, what rules may look at, and messages."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, stages
from lantern.errors import ArgumentError, CustomRuleError, NotDifferentiableError, UnknownValueError

XS = jnp.array([0.5, 1.0, 2.0])


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def rule(fun: Any, fwd: Any, bwd: Any, **options: Any) -> Any:
    f = lantern.custom_vjp(fun, **options)
    f.defvjp(fwd, bwd)
    return f


# x * y; by x 7 y, by y 3 x
product = rule(lambda x, y: x * y, lambda x, y: (x * y, (x, y)),
               lambda kept, ct: (7.0 * ct * kept[1], 3.0 * ct * kept[0]))


WAYS = {
    "grad": lambda f: lantern.grad(f),
    "grad of jit": lambda f: lantern.grad(lantern.jit(f)),
    "jit of grad": lambda f: lantern.jit(lantern.grad(f)),
    "jit of grad of jit": lambda f: lantern.jit(lantern.grad(lantern.jit(f))),
    "vjp": lambda f: lambda x: lantern.vjp(f, x)[1](1.0)[0],
    "jacrev": lambda f: lantern.jacrev(f),
    "remat": lambda f: lantern.grad(lantern.remat(f)),
    "jit of remat": lambda f: lantern.jit(lantern.grad(lantern.remat(f))),
    "scan": lambda f: lantern.grad(lambda x: lax.scan(lambda c, _: (f(x), None), x, None, length=2)[0]),
    "jit of scan": lambda f: lantern.jit(
        lantern.grad(lambda x: lax.scan(lambda c, _: (c, f(x)), 0.0, None, length=1)[1][0])),
    "cond": lambda f: lantern.grad(lambda x: lax.cond(x > 0, f, lambda x: x, x)),
    "jit of cond": lambda f: lantern.jit(lantern.grad(lambda x: lax.cond(x > 0, f, lambda x: x, x))),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_transform_follows_the_rules(way: str) -> None:
    close(WAYS[way](lambda x: product(x, 2.0))(0.5), 14.0)
    close(WAYS[way](lambda y: product(2.0, y))(0.5), 6.0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_every_transform_of_a_mapped_function_follows_the_rules(way: str, axes: Any) -> None:
    """An argument that is not mapped over gets the sum of the cotangents."""
    def f(x: Any) -> Any:
        given = [x * jnp.ones(3) if a == 0 else x for a in axes]
        return jnp.sum(lantern.vmap(product, axes)(*given))

    close(WAYS[way](f)(0.5), 3 * (7 + 3) * 0.5)


@pytest.mark.parametrize("way", WAYS)
def test_derivatives_can_be_mapped(way: str) -> None:
    close(lantern.vmap(WAYS[way](lambda x: product(x, x)))(XS), 10 * XS)
    close(lantern.jit(lantern.vmap(WAYS[way](lambda x: product(x, x))))(XS), 10 * XS)


@pytest.mark.parametrize("inner", ["grad", "jit of grad of jit", "scan", "cond", "remat"])
@pytest.mark.parametrize("outer", ["grad", "jit of grad of jit"])
def test_the_rules_are_differentiated(inner: str, outer: str) -> None:
    close(WAYS[outer](WAYS[inner](lambda x: product(x, x)))(0.5), 10.0)


def test_second_derivatives() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(product(x, x))

    close(lantern.hessian(f)(XS), 10 * np.eye(3))
    close(lantern.jacrev(lantern.jacrev(lantern.jit(f)))(XS), 10 * np.eye(3))
    close(lantern.jvp(lantern.grad(f), (XS,), (XS,))[1], 10 * XS)


def test_rules_run_only_for_derivatives() -> None:
    ran: list[str] = []

    def fwd(x: Any) -> Any:
        ran.append("fwd")
        return f(x), x

    def bwd(x: Any, ct: Any) -> Any:
        ran.append("bwd")
        return (ct * x,)

    f = rule(lambda x: jnp.sin(x), fwd, bwd)
    for g in (f, lantern.jit(f), lantern.vmap(f)):
        close(g(XS), np.sin(XS))
    assert not ran
    value, pull = lantern.vjp(f, 2.0)
    assert ran == ["fwd"]
    close((value, pull(1.0)[0], pull(2.0)[0]), (np.sin(2), 2.0, 4.0))
    assert ran == ["fwd", "bwd", "bwd"]


def test_rules_may_branch_and_print_on_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    def bwd(kept: Any, ct: Any) -> Any:
        x, count = kept
        print(float(ct), float(x))      # noqa: T201
        return (ct * count if ct > 0.5 else ct * 100.0,)

    def fwd(x: Any) -> Any:
        count = 0
        while x * count < 3.0:
            count += 1
        return x * x, (x, count)

    f = rule(lambda x: x * x if x > 0 else x, fwd, bwd)
    close(lantern.grad(f)(1.0), 3.0)
    close(lantern.grad(lambda x: f(x) * 0.25)(1.0), 25.0)
    assert capsys.readouterr().out == "1.0 1.0\n0.25 1.0\n"
    with pytest.raises(UnknownValueError):
        lantern.jit(lantern.grad(f))(1.0)


def test_residuals_may_be_anything() -> None:
    def fwd(x: Any) -> Any:
        return x * 2.0, {"f": jnp.cos, "s": "text", "n": 3, "none": None, "x": (x, np.ones(2, np.float32))}

    def bwd(kept: Any, ct: Any) -> Any:
        assert kept["s"] == "text" and type(kept["n"]) is int and kept["none"] is None
        return (ct * kept["n"] * jnp.sum(kept["x"][1]) * kept["f"](kept["x"][0]),)

    f = rule(lambda x: x * 2.0, fwd, bwd)
    for way in ("grad", "jit of grad of jit", "remat", "scan", "cond"):
        close(WAYS[way](f)(0.5), 6 * np.cos(0.5))
    close(lantern.grad(lambda x: jnp.sum(lantern.vmap(f)(x)))(XS), 6 * np.cos(XS))


def test_trees_and_none_cotangents() -> None:
    f = rule(lambda p, y, i: {"o": p["a"] * y + p["b"][0] * i}, lambda p, y, i: (f(p, y, i), (p, y, i)),
             lambda kept, ct: ({"a": ct["o"] * 10.0, "b": None}, None, None))

    def loss(p: Any, y: Any) -> Any:
        return f(p, y, 3)["o"]

    dp, dy = lantern.grad(loss, (0, 1))({"a": 1.0, "b": [2.0]}, 4.0)
    close((dp["a"], dp["b"][0], dy), (10.0, 0.0, 0.0))
    mapped = lantern.vmap(loss, ({"a": 0, "b": None}, None))
    dp, dy = lantern.grad(lambda p, y: jnp.sum(mapped(p, y)), (0, 1))({"a": XS, "b": [2.0]}, 4.0)
    close(dp["a"], [10.0] * 3)
    close((dp["b"][0], dy), (0.0, 0.0))


def test_unmapped_arguments_are_not_repeated() -> None:
    """The residual of a shared matrix has no batch axis."""
    shapes: list[Any] = []

    def bwd(kept: Any, ct: Any) -> Any:
        shapes.append([kept[0].shape, ct.shape])
        return ct * 1.0, None

    f = rule(lambda x, w: jnp.sum(w @ x) * x, lambda x, w: (f(x, w), (w,)), bwd)
    w = jnp.ones((3, 3))

    def total(x: Any) -> Any:
        return jnp.sum(lantern.vmap(f, (0, None))(x, w))

    jaxpr = lantern.make_jaxpr(lantern.grad(total))(jnp.ones((5, 3)))
    assert shapes == [[(3, 3), (3,)]]
    assert "f32[5,3,3]" not in str(jaxpr)


@pytest.mark.parametrize("extra", [jnp.sin, "sin", ("a", 3), jnp.array([1.0, 2.0])])
def test_nondifferentiable_arguments(extra: Any) -> None:
    @partial(lantern.custom_vjp, nondiff_argnums=(0, 2))
    def f(first: Any, x: Any, extra: Any, y: Any = 3.0) -> Any:
        return x * y

    def fwd(first: Any, x: Any, extra: Any, y: Any) -> Any:
        return f(first, x, extra, y), (x, y)

    def bwd(first: Any, given: Any, kept: Any, ct: Any) -> Any:
        assert first == 1 and (given.shape == (2,) if isinstance(extra, lantern.Array) else given == extra)
        return ct * 10.0, ct * kept[0]

    f.defvjp(fwd, bwd)
    close(lantern.grad(f, 1)(1, 2.0, extra), 10.0)
    close(lantern.grad(f, 3)(1, 2.0, extra, 3.0), 2.0)
    close(lantern.jit(lantern.grad(lantern.jit(lambda x: f(1, x, extra=extra))))(2.0), 10.0)
    close(lantern.grad(lambda x: jnp.sum(lantern.vmap(lambda x: f(1, x, extra))(x)))(XS), [10.0] * 3)


def test_there_is_no_forward_mode() -> None:
    words = r"custom_vjp\(<lambda>\) is a custom_vjp function, which has no forward mode .* at test_custom_vjp.py:\d+" \
            r".*Use reverse mode .*custom_jvp"
    for way in (lambda: lantern.jvp(lambda x: product(x, x), (1.0,), (1.0,)),
                lambda: lantern.jacfwd(lambda x: product(x, x))(XS),
                lambda: lantern.linearize(lambda x: product(x, x), 1.0)[1](1.0),
                lambda: lantern.jit(lambda x: lantern.jvp(lambda x: product(x, x), (x,), (x,)))(1.0),
                lambda: lantern.vmap(lambda x: lantern.jvp(lambda x: product(x, x), (x,), (x,))[1])(XS),
                lambda: lantern.jvp(lambda x: lantern.grad(lambda y: lax.scan(
                    lambda c, _: (product(c, y), None), y, None, 2)[0])(x) + product(x, x), (1.0,), (1.0,))):
        with pytest.raises(NotDifferentiableError, match=words):
            way()
    with lantern.default_device("reference"), pytest.raises(NotDifferentiableError, match=words):
        lantern.jvp(lambda x: product(x, x), (1.0,), (1.0,))


def test_errors() -> None:
    def with_rules(fwd: Any, bwd: Any = lambda kept, ct: (ct,), fun: Any = lambda x: x * 2.0) -> Any:
        return rule(fun, fwd, bwd)

    def only_out(x: Any) -> Any:
        return x * 2.0

    def plain(x: Any) -> Any:
        return x * 2.0, None

    def bwd_of(result: Any) -> Any:
        def bwd(kept: Any, ct: Any) -> Any:
            return result(ct)

        return with_rules(plain, bwd)

    with pytest.raises(CustomRuleError, match=r"custom_vjp\(only_out\) has no rule, at test_custom_vjp.py:\d+"):
        lantern.custom_vjp(only_out)(1.0)
    with pytest.raises(CustomRuleError, match=r"rule only_out must return a pair \(out, residuals\), got f32\*?\[\], "
                                              r"at test_custom_vjp.py:\d+ in only_out"):
        lantern.grad(with_rules(only_out))(1.0)
    with pytest.raises(CustomRuleError, match=r"returned the output of the structure \(\*, \*\), wanted"):
        lantern.grad(with_rules(lambda x: ((x, x), None)))(1.0)
    with pytest.raises(CustomRuleError, match=r"returned f32\[2\] as the output, wanted f32\[3\]"):
        lantern.grad(lambda x: jnp.sum(with_rules(lambda x: (x[:2], None))(x)))(XS)
    with pytest.raises(CustomRuleError, match=r"rule bwd must return a tuple of cotangents, for `x`, got Tracer, at "
                                              r"test_custom_vjp.py:\d+ in bwd. Write \(x,\)"):
        lantern.grad(bwd_of(lambda ct: ct))(1.0)
    with pytest.raises(CustomRuleError, match=r"its rule bwd returned 2 cotangents for 1 arguments, `x`, at .*None"):
        lantern.grad(bwd_of(lambda ct: (ct, ct)))(1.0)
    with pytest.raises(CustomRuleError, match=r"bwd returned f32\[2\] as the cotangent of `x`, wanted f32\[3\], at"):
        lantern.grad(lambda x: jnp.sum(bwd_of(lambda ct: (ct[:2],))(x)))(XS)
    with pytest.raises(CustomRuleError, match=r"bwd returned i32\[3\] as the cotangent of `x`, wanted f32\[3\]"):
        lantern.jit(lantern.grad(lambda x: jnp.sum(bwd_of(lambda ct: (ct.astype(jnp.int32),))(x))))(XS)
    with pytest.raises(CustomRuleError, match=r"returned f32\*\[\] as the cotangent of `x`, wanted f32\[3\]"):
        lantern.grad(lambda x: jnp.sum(bwd_of(lambda ct: (0.0,))(x)))(XS)
    with pytest.raises(CustomRuleError, match=r"bwd returned f32\[2\] as the cotangent of `x`, wanted f32\[3\]"):
        lantern.grad(lambda x: jnp.sum(lantern.vmap(bwd_of(lambda ct: (ct[:2],)))(x)))(jnp.ones((4, 3)))
    tree = rule(lambda p: p["w"][0] * p["b"], lambda p: (p["w"][0] * p["b"], None),
                lambda _, ct: ({"w": [ct], "b": XS},))
    with pytest.raises(CustomRuleError, match=r"returned f32\[3\] as the cotangent of `p\['b'\]`, wanted f32\[\]"):
        lantern.grad(tree)({"w": [1.0], "b": 2.0})
    tree.defvjp(tree.fwd, lambda _, ct: ({"w": (ct,), "b": ct},))
    with pytest.raises(CustomRuleError, match=r"cotangent of `p\['w'\]` of the structure \(\*,\), wanted \[\*\]"):
        lantern.grad(tree)({"w": [1.0], "b": 2.0})
    tree.defvjp(tree.fwd, lambda _, ct: ({"w": [ct]},))
    with pytest.raises(CustomRuleError, match=r"of `p` of the structure \{'w': \[\*\]\}, wanted \{'b': \*, 'w'"):
        lantern.grad(tree)({"w": [1.0], "b": 2.0})
    tree.defvjp(tree.fwd, lambda _, ct: ({"w": [[ct]], "b": ct},))
    with pytest.raises(CustomRuleError, match=r"of `p\['w'\]\[0\]` of the structure \[\*\], wanted one array"):
        lantern.grad(tree)({"w": [1.0], "b": 2.0})
    with pytest.raises(CustomRuleError, match=r"rule bwd does not take the 2 arguments that it is given: .* at "
                                              r"test_custom_vjp.py:\d+ in bwd"):
        def bwd(kept: Any) -> Any:
            return (kept,)

        lantern.grad(with_rules(plain, bwd))(1.0)
    with pytest.raises(TypeError, match=r"custom_vjp\(only_out\): `bwd` must be a function, got None, at"):
        lantern.custom_vjp(only_out).defvjp(plain, None)
    with pytest.raises(TypeError, match="wanted an array or a number, got str"):    # a mistake in a rule stays itself
        lantern.grad(bwd_of(lambda ct: (ct + "a",)))(1.0)
    with pytest.raises(ArgumentError, match=r"custom_vjp\(only_out\): argument number 1 is out of range .* x, at"):
        lantern.custom_vjp(only_out, nondiff_argnums=1)


def test_captured_values() -> None:
    def outer(x: Any) -> Any:
        f = rule(lambda y: y * x, lambda y: (y * x, None), lambda _, ct: (ct * 100.0,))
        return f(x)

    close(outer(3.0), 9.0)
    with pytest.raises(NotDifferentiableError, match=r"custom_vjp\(<lambda>\) uses a value of the function around it"):
        lantern.grad(outer)(3.0)
    with pytest.raises(NotDifferentiableError, match=r"custom_vjp\(<lambda>\) uses a value of the function around it"):
        lantern.jit(lantern.grad(lantern.jit(outer)))(3.0)


def test_closures_made_explicit() -> None:
    """The way JAX's own solvers use it: a function that closes over what is differentiated."""
    def integral(f: Any, x: Any) -> Any:
        converted, values = lantern.closure_convert(f, x)
        return _integral(converted, x, *values)

    @partial(lantern.custom_vjp, nondiff_argnums=(0,))
    def _integral(f: Any, x: Any, *values: Any) -> Any:
        return f(x, *values) * x

    def fwd(f: Any, x: Any, *values: Any) -> Any:
        return _integral(f, x, *values), (x, values)

    def bwd(f: Any, kept: Any, ct: Any) -> Any:
        x, values = kept
        _, pull = lantern.vjp(lambda *vs: f(x, *vs) * x, *values)
        return (ct * 1000.0, *pull(ct))

    _integral.defvjp(fwd, bwd)

    def loss(a: Any, x: Any) -> Any:
        return integral(lambda y: jnp.sin(a) * y, x)

    close(lantern.grad(loss)(0.5, 2.0), 4 * np.cos(0.5))
    close(lantern.grad(loss, 1)(0.5, 2.0), 1000.0)
    close(lantern.jit(lantern.grad(lantern.jit(loss)))(0.5, 2.0), 4 * np.cos(0.5))
    close(lantern.grad(lantern.grad(loss))(0.5, 2.0), -4 * np.sin(0.5))
    close(lantern.vmap(lantern.grad(loss), (0, None))(XS, 2.0), 4 * np.cos(XS))


def test_nothing_grows_with_calls() -> None:
    def call(x: Any) -> Any:
        return rule(lambda y: y * 2.0, lambda y: (y * 2.0, y), lambda kept, ct: (ct * kept,))(x) + product(x, x)

    def use() -> None:
        lantern.grad(call)(1.0)
        lantern.vmap(lambda x: call(2.0) * x)(XS)
        lantern.grad(lambda x: x * (1.0 if call(x) > 0 else 2.0))(1.0)

    use()
    before = len(stages._compiled.entries), len(stages._eager.entries)
    for _ in range(5):
        use()
    assert (len(stages._compiled.entries), len(stages._eager.entries)) == before
