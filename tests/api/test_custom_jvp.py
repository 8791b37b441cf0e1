"""custom_jvp: rules under every transform, what rules may look at, and messages."""
from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, stages
from lantern.custom_rules import SymbolicZero
from lantern.errors import ArgumentError, CustomRuleError, NotDifferentiableError, UnknownValueError
from lantern.trace.jaxpr import count_eqns, fingerprint

XS = jnp.array([0.5, 1.0, 2.0])


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


@lantern.custom_jvp
def tenfold(x: Any) -> Any:
    """sin, with a derivative that nobody could mistake for cos: 10 x."""
    return jnp.sin(x)


@tenfold.defjvp
def tenfold_jvp(primals: Any, tangents: Any) -> Any:
    return tenfold(primals[0]), tangents[0] * 10.0 * primals[0]


WAYS = {
    "grad": lambda f: lantern.grad(f),
    "grad of jit": lambda f: lantern.grad(lantern.jit(f)),
    "jit of grad": lambda f: lantern.jit(lantern.grad(f)),
    "jit of grad of jit": lambda f: lantern.jit(lantern.grad(lantern.jit(f))),
    "jvp": lambda f: lambda x: lantern.jvp(f, (x,), (1.0,))[1],
    "linearize": lambda f: lambda x: lantern.linearize(f, x)[1](1.0),
    "vjp": lambda f: lambda x: lantern.vjp(f, x)[1](1.0)[0],
    "remat": lambda f: lantern.grad(lantern.remat(f)),
    "scan": lambda f: lantern.grad(lambda x: lax.scan(lambda c, _: (f(x), None), x, None, length=2)[0]),
    "jit of scan": lambda f: lantern.jit(
        lantern.grad(lambda x: lax.scan(lambda c, _: (c, f(x)), 0.0, None, length=1)[1][0])),
    "cond": lambda f: lantern.grad(lambda x: lax.cond(x > 0, f, lambda x: x, x)),
    "jit of cond": lambda f: lantern.jit(lantern.grad(lambda x: lax.cond(x > 0, f, lambda x: x, x))),
    "while": lambda f: lambda x: lantern.jvp(
        lambda x: lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, f(x)), (0, x))[1], (x,), (1.0,))[1],
}


@pytest.mark.parametrize("way", WAYS)
def test_every_transform_follows_the_rule(way: str) -> None:
    close(WAYS[way](tenfold)(0.5), 5.0)


@pytest.mark.parametrize("way", WAYS)
def test_every_transform_of_a_mapped_function_follows_the_rule(way: str) -> None:
    def f(x: Any) -> Any:
        return jnp.sum(lantern.vmap(tenfold)(x * jnp.ones(3)))

    close(WAYS[way](f)(0.5), 15.0)


@pytest.mark.parametrize("way", WAYS)
def test_derivatives_can_be_mapped(way: str) -> None:
    close(lantern.vmap(WAYS[way](tenfold))(XS), 10 * XS)
    close(lantern.jit(lantern.vmap(WAYS[way](tenfold)))(XS), 10 * XS)


@pytest.mark.parametrize("inner", ["grad", "jit of grad of jit", "jvp", "scan", "cond", "remat"])
@pytest.mark.parametrize("outer", ["grad", "jit of grad", "jvp"])
def test_the_rule_is_differentiated(inner: str, outer: str) -> None:
    close(WAYS[outer](WAYS[inner](tenfold))(0.5), 10.0)


def test_hessian() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(tenfold(x))

    close(lantern.hessian(f)(XS), 10 * np.eye(3))
    close(lantern.jacrev(lantern.jacfwd(lantern.jit(f)))(XS), 10 * np.eye(3))


def test_values_are_the_function_s() -> None:
    def refuse(primals: Any, tangents: Any) -> Any:
        raise AssertionError("no derivative was taken")

    f = lantern.custom_jvp(lambda x: jnp.sin(x))
    f.defjvp(refuse)
    for g in (f, lantern.jit(f), lantern.vmap(f), lantern.jit(lantern.vmap(f))):
        close(g(XS), np.sin(XS))
    close(lantern.grad(lambda x: x * f(2.0))(3.0), np.sin(2.0))      # no tangent reaches it


def test_the_function_and_the_rule_may_branch_and_print(capsys: pytest.CaptureFixture[str]) -> None:
    @lantern.custom_jvp
    def f(x: Any) -> Any:
        return x * x if x > 0 else -x

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        print("at", float(x))       # noqa: T201
        return f(x), dx * 3.0 if x > 1 else dx * 5.0

    close(lantern.grad(f)(2.0), 3.0)
    assert capsys.readouterr().out == "at 2.0\n"
    close(lantern.grad(f)(0.5), 5.0)
    close(lantern.grad(lambda x: lantern.grad(lambda y: f(y) * y)(x))(2.0), 3.0 + 3.0)
    with pytest.raises(UnknownValueError, match="bool"):
        lantern.jit(lantern.grad(f))(2.0)


def test_a_rule_cannot_look_at_tangents() -> None:
    f = lantern.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: (primals[0], tangents[0] if tangents[0] > 0 else -tangents[0]))
    with pytest.raises(UnknownValueError, match="tangent of `x`"):
        lantern.grad(lambda x: f(x))(1.0)


def test_trees_keywords_and_defaults() -> None:
    class Pair(NamedTuple):
        first: Any
        second: Any

    @lantern.custom_jvp
    def f(p: Any, scale: Any = 2.0, *, more: None = None) -> Any:
        return Pair(p["a"] * scale, (p["b"],))

    with pytest.raises(ArgumentError, match="keyword-only parameters"):
        f.defjvp(lambda *_: None)
        f({"a": 1.0, "b": 2.0})

    @lantern.custom_jvp
    def g(p: Any, scale: Any = 2.0) -> Any:
        return Pair(p["a"] * scale, (p["b"],))

    @g.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (p, scale), (dp, dscale) = primals, tangents
        assert sorted(p) == sorted(dp) == ["a", "b"]
        return g(p, scale), Pair(dp["a"] * 7.0 + dscale, (dp["b"],))

    def loss(p: Any, **kwargs: Any) -> Any:
        out = g(p, **kwargs)
        return out.first + out.second[0] * 3.0

    found = lantern.grad(loss)({"a": 1.0, "b": 5.0})
    close((found["a"], found["b"]), (7.0, 3.0))
    close(lantern.grad(lambda s: loss({"a": 1.0, "b": 5.0}, scale=s))(2.0), 1.0)
    close(g(scale=3.0, p={"a": 1.0, "b": 5.0}).first, 3.0)


def test_methods() -> None:
    class Model:
        def __init__(self) -> None:
            self.factor = 3.0

        @partial(lantern.custom_jvp, nondiff_argnums=(0,))
        def apply(self, x: Any) -> Any:
            return x * self.factor

        @apply.defjvp
        def rule(self, primals: Any, tangents: Any) -> Any:
            return primals[0] * self.factor, tangents[0] * 100.0 * self.factor

    close(lantern.grad(Model().apply)(1.0), 300.0)
    assert Model.apply.__name__ == "apply"


@pytest.mark.parametrize("extra", [jnp.sin, "sin", ("a", 3), np.float32(2), jnp.array([1.0, 2.0])])
def test_nondifferentiable_arguments(extra: Any) -> None:
    @partial(lantern.custom_jvp, nondiff_argnums=(1,))
    def f(x: Any, extra: Any, y: Any) -> Any:
        return x * y

    @f.defjvp
    def rule(given: Any, primals: Any, tangents: Any) -> Any:
        (x, y), (dx, dy) = primals, tangents
        if not isinstance(extra, lantern.Array):
            assert given is extra or given == extra
        else:
            assert given.shape == (2,)
        return f(x, given, y), dx * 10.0 + dy

    close(lantern.grad(f)(2.0, extra, 3.0), 10.0)
    close(lantern.grad(f, 2)(2.0, extra, 3.0), 1.0)
    close(lantern.jit(lantern.grad(lantern.jit(lambda x: f(x, extra, 3.0))))(2.0), 10.0)
    close(lantern.grad(lambda x: jnp.sum(lantern.vmap(lambda x: f(x, extra, 3.0))(x)))(XS), [10.0] * 3)


def test_traced_nondifferentiable_arguments() -> None:
    @partial(lantern.custom_jvp, nondiff_argnames="n")
    def power(x: Any, n: Any) -> Any:
        return x ** n

    @power.defjvp
    def rule(n: Any, primals: Any, tangents: Any) -> Any:
        return power(primals[0], n), n * primals[0] ** (n - 1.0) * tangents[0]

    close(lantern.jit(lantern.grad(power))(2.0, 3.0), 12.0)
    close(lantern.grad(lantern.jit(power), 1)(2.0, 3.0), 0.0)       # none, by declaration
    close(lantern.vmap(lantern.grad(power), (None, 0))(2.0, jnp.array([1.0, 2.0])), [1.0, 4.0])
    close(lantern.grad(lambda x: jnp.sum(lantern.vmap(power, (None, 0))(x, jnp.array([1.0, 2.0]))))(2.0), 5.0)


def test_rules_may_close_over_arrays() -> None:
    table, small = np.linspace(0, 1, 50, dtype=np.float32), jnp.array([1.0, 2.0])
    f = lantern.custom_jvp(lambda x: jnp.sin(x))
    f.defjvp(lambda p, t: (jnp.sin(p[0]), t[0] * jnp.sum(table) * small[1]))
    for way in ("grad", "jit of grad of jit", "remat", "jit of scan", "jit of cond"):
        close(WAYS[way](f)(0.5), 50.0)


def test_symbolic_zeros() -> None:
    seen: list[Any] = []
    f = lantern.custom_jvp(lambda x, y: x * y)

    def rule(primals: Any, tangents: Any) -> Any:
        seen.append([type(t) is SymbolicZero for t in tangents])
        (x, y), (dx, dy) = primals, tangents
        assert dy.shape == dy.aval.shape and dy.dtype == np.float32
        return x * y, SymbolicZero(dy.aval) if type(dx) is SymbolicZero else dx * y

    f.defjvp(rule, symbolic_zeros=True)
    close(lantern.grad(f)(2.0, 3.0), 3.0)
    close(lantern.grad(lambda x: jnp.sum(lantern.vmap(f, (0, None))(x, 3.0)))(XS), [3.0] * 3)
    close(lantern.jit(lantern.grad(lantern.jit(f)))(2.0, 3.0), 3.0)
    assert seen == [[False, True]] * 3


def test_defjvps() -> None:
    f = lantern.custom_jvp(lambda x, y, z: {"o": x * y + z})
    f.defjvps(lambda t, out, x, y, z: {"o": t * 10.0}, None, lambda t, out, x, y, z: {"o": t * out["o"]})
    close(lantern.grad(lambda *xs: f(*xs)["o"], (0, 1, 2))(2.0, 3.0, 4.0), (10.0, 0.0, 10.0))
    close(lantern.jvp(lambda *xs: f(*xs)["o"], (2.0, 3.0, 4.0), (1.0, 1.0, 1.0)), (10.0, 20.0))
    f.defjvps(lambda t, out, x, y, z: {"o": t})
    with pytest.raises(CustomRuleError, match=r"defjvps got 1 rules for 3 arguments, at test_custom_jvp.py:\d+"):
        lantern.grad(lambda x: f(x, 2.0, 3.0)["o"])(1.0)
    g = lantern.custom_jvp(lambda x, y: x, nondiff_argnums=1)
    with pytest.raises(CustomRuleError, match=r"defjvps cannot be used with nondiff_argnums, at .*Use defjvp"):
        g.defjvps(None)


def test_integers() -> None:
    f = lantern.custom_jvp(lambda x, i: (x * i, i + 1))
    f.defjvp(lambda p, t: ((p[0] * p[1], p[1] + 1), (t[0] * 10.0, t[1])))
    close(lantern.grad(lambda x: f(x, 3)[0])(2.0), 10.0)
    close(lantern.jit(lantern.grad(lambda x: jnp.sum(lantern.vmap(f)(x, jnp.arange(3))[0])))(XS), [10.0] * 3)


def test_errors() -> None:
    def with_rule(rule: Any, fun: Any = lambda x: {"a": jnp.sin(x)}) -> Any:
        f = lantern.custom_jvp(fun)
        f.defjvp(rule)
        return lambda x: jnp.sum(f(x)["a"])

    def half(primals: Any, tangents: Any) -> Any:
        return {"a": primals[0]}

    with pytest.raises(CustomRuleError, match=r"custom_jvp\(<lambda>\) has no rule, at test_custom_jvp.py:\d+.*defjvp"):
        lantern.custom_jvp(lambda x: x)(1.0)
    with pytest.raises(CustomRuleError, match=r"its rule half must return a pair \(out, tangent\), got .*, at "
                                              r"test_custom_jvp.py:\d+ in half"):
        lantern.grad(with_rule(half))(XS)
    with pytest.raises(CustomRuleError, match=r"returned f32\[2\] as the tangent of output \['a'\], wanted f32\[3\],"):
        lantern.grad(with_rule(lambda p, t: ({"a": p[0]}, {"a": t[0][:2]})))(XS)
    with pytest.raises(CustomRuleError, match=r"returned i32\[3\] as the tangent of output \['a'\], wanted f32\[3\]"):
        lantern.jit(lantern.grad(with_rule(lambda p, t: ({"a": p[0]}, {"a": t[0].astype(jnp.int32)}))))(XS)
    with pytest.raises(CustomRuleError, match=r"returned f32\*\[\] as the tangent"):
        lantern.grad(with_rule(lambda p, t: ({"a": p[0]}, {"a": 0.0})))(XS)
    with pytest.raises(CustomRuleError, match=r"returned a tangent of the structure \(\*,\), wanted .* \{'a': \*\}"):
        lantern.grad(with_rule(lambda p, t: ({"a": p[0]}, (t[0],))))(XS)
    with pytest.raises(CustomRuleError, match=r"returned the output of the structure \*, wanted .*\{'a': \*\}"):
        lantern.grad(with_rule(lambda p, t: (p[0], {"a": t[0]})))(XS)
    with pytest.raises(CustomRuleError, match=r"returned f32\[2\] as the output at \['a'\], wanted f32\[3\]"):
        lantern.grad(with_rule(lambda p, t: ({"a": p[0][:2]}, {"a": t[0]})))(XS)
    with pytest.raises(CustomRuleError, match=r"returned 'no' of type str as the tangent"):
        lantern.grad(with_rule(lambda p, t: ({"a": p[0]}, {"a": "no"})))(XS)
    with pytest.raises(CustomRuleError, match=r"returned f32\[2\] as the tangent"):       # of one element of the batch
        lantern.grad(lambda x: jnp.sum(lantern.vmap(with_rule(lambda p, t: ({"a": p[0]}, {"a": t[0][:2]})))(x)))(
            jnp.ones((4, 3)))
    with pytest.raises(ArgumentError, match=r"argument number 2 is out of range for the parameters x, y, at "):
        lantern.custom_jvp(lambda x, y: x, nondiff_argnums=(2,))
    with pytest.raises(ArgumentError, match="no parameter is named 'z'; there are x, y"):
        lantern.custom_jvp(lambda x, y: x, nondiff_argnames=("z",))
    with pytest.raises(TypeError, match="positions as ints"):
        lantern.custom_jvp(lambda x, y: x, nondiff_argnums=(1.5,))
    with pytest.raises(TypeError, match="wanted a function, got 3"):
        lantern.custom_jvp(3)
    with pytest.raises(TypeError, match=r"argument `name` must be an array or a number, got 'x'"):
        f = lantern.custom_jvp(lambda x, name: x)
        f.defjvp(half)
        lantern.grad(lambda x: f(x, "x"))(1.0)


def test_captured_values() -> None:
    def outer(x: Any) -> Any:
        f = lantern.custom_jvp(lambda y: y * x)
        f.defjvp(lambda p, t: (p[0] * x, t[0] * 100.0))
        return f(2.0) + f(x)

    close(outer(3.0), 15.0)
    with pytest.raises(NotDifferentiableError, match=r"custom_jvp\(<lambda>\) uses a value of the function around it "
                       r"that is being differentiated, f32\[\], at test_custom_jvp.py:\d+ in outer.*as an argument"):
        lantern.grad(outer)(3.0)

    def fine(x: Any, c: Any) -> Any:
        f = lantern.custom_jvp(lambda y: y * c)
        f.defjvp(lambda p, t: (p[0] * c, t[0] * c * 100.0))
        return f(x)

    close(lantern.grad(fine)(3.0, 2.0), 200.0)
    close(lantern.jit(lantern.grad(fine))(3.0, 2.0), 200.0)
    close(lantern.vmap(lantern.grad(fine), (None, 0))(3.0, XS), 100 * XS)
    with pytest.raises(CustomRuleError, match=r"its rule <lambda> uses a traced value that is none of its arguments, "
                                              r"at test_custom_jvp.py:\d+.*closure_convert.*escaped from jit\(fine\)"):
        lantern.grad(lantern.jit(fine))(3.0, 2.0)
    with pytest.raises(NotDifferentiableError, match=r"a rule of a custom function uses f32\*?\[\], made at "
                                                     r"test_custom_jvp.py:\d+.*closure_convert"):
        lantern.jit(lambda c: lantern.grad(
            lambda x: lax.scan(lambda s, _: (fine(s, c), None), x, None, 2)[0])(3.0))(2.0)


def test_nothing_grows_with_calls() -> None:
    def call(x: Any) -> Any:
        f = lantern.custom_jvp(lambda y: jnp.sin(y) * 2.0)      # new at each call
        f.defjvp(lambda p, t: (p[0], t[0]))
        return f(x) + tenfold(x)

    def use() -> None:
        lantern.grad(call)(1.0)
        lantern.vmap(lambda x: call(2.0) * x)(XS)
        lantern.grad(lambda x: x * (1.0 if call(x) > 0 else 2.0))(1.0)      # looked at: the equation itself runs

    use()
    before = len(stages._compiled.entries), len(stages._eager.entries)
    for _ in range(5):
        use()
    assert (len(stages._compiled.entries), len(stages._eager.entries)) == before


def test_equal_programs_have_equal_fingerprints() -> None:
    def program() -> Any:
        f = lantern.custom_jvp(lambda y: jnp.sin(y) * 2.0)
        f.defjvp(lambda p, t: (p[0], t[0]))
        return lantern.make_jaxpr(lambda x: f(x) + tenfold(x))(1.0)

    one, other = program(), program()
    assert count_eqns(one) == 6 and fingerprint(one) == fingerprint(other)
    assert "rule=<lambda>" in str(one) and "0x" not in str(one)


def test_a_dropped_function_is_freed() -> None:
    def scope() -> weakref.ref[Any]:
        f = lantern.custom_jvp(lambda x: jnp.sin(x))
        f.defjvp(lambda p, t: (f(p[0]), t[0]))
        lantern.jit(lantern.grad(lantern.jit(lambda x: f(x))))(1.0)
        lantern.grad(lambda x: x * (1.0 if f(x) > 0 else 2.0))(1.0)
        return weakref.ref(f)

    kept = scope()
    gc.collect()
    assert kept() is None
