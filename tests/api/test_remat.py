"""checkpoint: what is kept, what is computed again (counted), and memory."""
from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import checkpoint_policies as policies
from lantern import lax
from lantern.autodiff import Linearized
from lantern.errors import ArgumentError
from lantern.flat import Flat
from lantern.lower.kernel import Alloc, Free, Program, Run
from lantern.lower.simplify import simplify
from lantern.trace.jaxpr import Jaxpr, subjaxprs

X = jnp.array(np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32))
W = jnp.array(np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32))


def close(a: Any, b: Any, tolerance: float = 2e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def layer(x: Any, w: Any) -> Any:
    """tanh, a product of matrices, sin, exp."""
    y = lantern.checkpoint_name(jnp.sin(jnp.tanh(x) @ w), "wave")
    return jnp.exp(y) * 0.3


def residuals(f: Any, *args: Any) -> list[tuple[int, ...]]:
    """Shapes of what grad(f) keeps and did not get as an argument, scalars left out."""
    lin = Linearized(Flat(f, args, {}, "grad"))
    given = {id(x) for x in args}
    return sorted([x.shape for x in lin.residuals if id(x) not in given and x.shape])


def equations(f: Any, *args: Any) -> Counter[str]:
    """How often each primitive stands in what is compiled, loops counted once."""
    found: Counter[str] = Counter()

    def count(jaxpr: Jaxpr) -> None:
        for e in simplify(jaxpr).eqns:
            found[e.primitive.name] += 1
            for value in e.params.values():
                for sub in subjaxprs(value):
                    count(sub)

    count(lantern.jit(f).trace(*args).jaxpr)
    return found


def peak(program: Program) -> int:
    """The most bytes that are live at once, arguments not counted."""
    live = most = 0
    for step in program.steps:
        match step:
            case Alloc(slot):
                live += program.slots[slot].nbytes
            case Run(outs=outs):
                live += sum(program.slots[s].nbytes for s in outs)
            case Free(slot):
                live -= program.slots[slot].nbytes
            case _:
                pass
        most = max(most, live)
    return most


def chain(wrap: Any, depth: int = 12) -> Any:
    """The gradient of a deep chain."""
    f = wrap(layer)

    def total(w: Any, x: Any) -> Any:
        for _ in range(depth):
            x = f(x, w)
        return jnp.sum(x)

    return lantern.grad(total)


WRAPS = {
    "remat": lantern.remat,
    "no fence": lantern.checkpoint(prevent_cse=False),
    "dots": lantern.checkpoint(policy=policies.dots_saveable),
    "everything": lantern.checkpoint(policy=policies.everything_saveable),
    "names": lantern.checkpoint(policy=policies.save_only_these_names("wave")),
    "all but names": lantern.checkpoint(policy=policies.save_anything_except_these_names("wave")),
    "nested": lambda f: lantern.remat(lantern.remat(f)),
    "of jit": lambda f: lantern.remat(lantern.jit(f)),
    "in jit": lambda f: lantern.jit(lantern.remat(f)),
}


@pytest.mark.parametrize("wrap", WRAPS)
def test_derivatives_are_the_same(wrap: str) -> None:
    def total(f: Any) -> Any:
        return lambda x, w: jnp.sum(jnp.sin(f(x, w)))

    plain, again = total(layer), total(WRAPS[wrap](layer))
    want = lantern.grad(plain, (0, 1))(X, W)
    for way in (lantern.grad(again, (0, 1)), lantern.jit(lantern.grad(again, (0, 1)))):
        for got, expected in zip(way(X, W), want, strict=True):
            close(got, expected)
    close(lantern.jvp(again, (X, W), (X, W))[1], lantern.jvp(plain, (X, W), (X, W))[1])
    close(lantern.vmap(lantern.grad(again), (0, None))(jnp.stack([X, 2 * X]), W)[1], lantern.grad(plain)(2 * X, W))
    mapped = lantern.grad(lambda w: jnp.sum(lantern.vmap(again, (0, None))(jnp.stack([X, 2 * X]), w)))(W)
    close(mapped, lantern.grad(plain, 1)(X, W) + lantern.grad(plain, 1)(2 * X, W))
    for second in (lambda f: lantern.grad(lambda w: jnp.sum(lantern.grad(f, 1)(X, w) * W)),
                   lambda f: lantern.jit(lantern.grad(lambda w: jnp.sum(lantern.grad(f)(X, w) * X)))):
        close(second(again)(W), second(plain)(W), 2e-4)
    close(lantern.hessian(again)(X[:1], W), lantern.hessian(plain)(X[:1], W), 2e-4)


def test_only_inputs_are_kept() -> None:
    def total(f: Any) -> Any:
        return lambda x, w: jnp.sum(jnp.sin(f(x, w)))

    assert len(residuals(total(layer), X, W)) >= 4
    assert residuals(total(lantern.remat(layer)), X, W) == [(8, 4)]     # cos of the result, of the sin outside


@pytest.mark.parametrize(("policy", "kept"), [
    (policies.nothing_saveable, 0), (policies.dots_saveable, 1), (policies.dots_with_no_batch_dims_saveable, 1),
    (policies.save_only_these_names("wave"), 1), (policies.save_only_these_names("other"), 0),
    (policies.save_from_both_policies(policies.dots_saveable, policies.save_only_these_names("wave")), 2),
])
@pytest.mark.parametrize("jitted", [False, True])
def test_policies_keep_what_they_say(policy: Any, kept: int, jitted: bool) -> None:
    f = lantern.checkpoint(lantern.jit(layer) if jitted else layer, policy=policy)
    assert residuals(lambda x, w: jnp.sum(f(x, w)), X, W) == [(8, 4)] * kept
    want = {"tanh": 2, "dot": 4, "sin": 2, "exp": 2}
    changes = {policies.nothing_saveable: {}, policies.dots_saveable: {"dot": 3}}
    found = equations(lantern.value_and_grad(lambda x, w: jnp.sum(f(x, w)), (0, 1)), X, W)
    if policy in changes:
        assert {k: found[k] for k in want} == {**want, **changes[policy]}


def test_everything_is_kept() -> None:
    def total(f: Any) -> Any:
        return lambda x, w: jnp.sum(f(x, w))

    every = lantern.checkpoint(layer, policy=policies.everything_saveable)
    assert residuals(total(every), X, W) == residuals(total(layer), X, W)
    assert equations(lantern.grad(total(every)), X, W) == equations(lantern.grad(total(layer)), X, W)


def test_all_but_a_name_is_kept() -> None:
    def total(f: Any) -> Any:
        return lambda x: jnp.sum(f(x))

    def steps(x: Any) -> Any:
        return jnp.sin(lantern.checkpoint_name(jnp.exp(x), "large") * x)

    but = lantern.checkpoint(steps, policy=policies.save_anything_except_these_names("large"))
    assert residuals(total(but), X) == [(8, 4)]     # the cosine; not exp(x), which it and exp itself need
    assert len(residuals(total(steps), X)) > 1
    found = equations(lantern.value_and_grad(total(but)), X)
    assert (found["exp"], found["cos"]) == (2, 1)


def test_batched_products_can_be_left_out() -> None:
    def attend(q: Any, k: Any) -> Any:
        return jnp.sin(jnp.einsum("bik,bjk->bij", jnp.sin(q @ W), k))

    def kept(policy: Any) -> Any:
        return residuals(lambda q, k: jnp.sum(lantern.checkpoint(attend, policy=policy)(q, k)), jnp.stack([X, X]),
                         jnp.stack([X, X]))

    assert (2, 8, 4) in kept(policies.dots_with_no_batch_dims_saveable)
    assert (2, 8, 8) not in kept(policies.dots_with_no_batch_dims_saveable)
    assert (2, 8, 8) in kept(policies.dots_saveable)


def test_the_second_run_survives_the_compiler() -> None:
    def counted(f: Any) -> Counter[str]:
        return equations(lantern.grad(lambda x, w: jnp.sum(jnp.cos(f(x, w))), (0, 1)), X, W)

    plain, fenced, bare = counted(layer), counted(lantern.remat(layer)), counted(WRAPS["no fence"](layer))
    for name in ("tanh", "sin", "dot", "exp"):
        assert fenced[name] == plain[name] + 1 and bare[name] == plain[name], name
    assert fenced["fence"] == 1 and bare["fence"] == plain["fence"] == 0


@pytest.mark.parametrize("device", ["cpu", "emulate"])
def test_a_deep_chain_takes_less_memory(device: str) -> None:
    x = jnp.ones((256, 4))
    with lantern.default_device(device):
        most = {k: peak(lantern.jit(chain(wrap)).trace(W, x).lower().program)
                for k, wrap in {"plain": lambda f: f, **WRAPS}.items()}
    layer_bytes = x.nbytes
    assert most["plain"] >= 24 * layer_bytes
    for k in ("remat", "of jit", "in jit", "nested"):
        assert most[k] <= 18 * layer_bytes, k
    assert most["remat"] < most["dots"] < most["plain"]
    assert most["everything"] == most["no fence"] == most["plain"]
    with lantern.default_device(device):
        close(lantern.jit(chain(lantern.remat))(W, x), lantern.jit(chain(lambda f: f))(W, x), 1e-3)


def test_remat_of_scan_and_scan_of_remat() -> None:
    def over(step: Any, wrap: Any = lambda f: f) -> Any:
        run = wrap(lambda x, w: lax.scan(lambda c, _: (step(c, w), None), x, None, length=6)[0])
        return lambda x, w: jnp.sum(run(x, w))

    plain, of_scan, in_scan = over(layer), over(layer, lantern.remat), over(lantern.remat(layer))
    want = lantern.grad(plain, (0, 1))(X, W)
    for f in (of_scan, in_scan):
        for way in (lantern.grad(f, (0, 1)), lantern.jit(lantern.grad(f, (0, 1)))):
            for got, expected in zip(way(X, W), want, strict=True):
                close(got, expected, 1e-4)
        close(lantern.grad(lambda w, f=f: jnp.sum(lantern.grad(f)(X, w)))(W),
              lantern.grad(lambda w: jnp.sum(lantern.grad(plain)(X, w)))(W), 1e-3)
    stacked = [s for s in residuals(plain, X, W) if s[0] == 6]
    assert len(stacked) >= 4
    assert residuals(of_scan, X, W) == []
    assert residuals(in_scan, X, W) == [(6, 8, 4)]      # the carry of each step
    sizes = [peak(lantern.jit(lantern.grad(f)).trace(X, W).lower().program) for f in (plain, in_scan)]
    assert sizes[1] < sizes[0]


def test_remat_in_cond() -> None:
    def f(wrap: Any) -> Any:
        return lambda x, w: jnp.sum(lax.cond(x[0, 0] > 0, wrap(layer), lambda x, w: x * 2.0, x, w))

    for way in (lantern.grad, lambda f: lantern.jit(lantern.grad(f))):
        for x in (X, -X):
            close(way(f(lantern.remat))(x, W), way(f(lambda f: f))(x, W))


def test_what_is_closed_over_is_differentiated() -> None:
    def f(w: Any) -> Any:
        return jnp.sum(lantern.remat(lambda x: layer(x, w))(X))

    close(lantern.grad(f)(W), lantern.grad(lambda w: jnp.sum(layer(X, w)))(W))
    close(lantern.jit(lantern.grad(f))(W), lantern.grad(lambda w: jnp.sum(layer(X, w)))(W))


def test_python_may_branch_and_effects_happen_once() -> None:
    @lantern.remat
    def f(x: Any, sign: bool = True) -> Any:
        return x * x if (x > 0) is sign or x > 0 else -x

    close(lantern.grad(f)(3.0), 6.0)
    close(lantern.grad(f)(-3.0), -1.0)
    seen: list[float] = []

    @lantern.remat
    def g(x: Any) -> Any:
        lantern.debug.callback(lambda v: seen.append(float(v)), x)
        return jnp.sin(jnp.sin(x))

    close(lantern.jit(lantern.grad(g))(1.0), np.cos(np.sin(1.0)) * np.cos(1.0))
    assert seen == [1.0]
    close(lantern.grad(g)(1.0), np.cos(np.sin(1.0)) * np.cos(1.0))
    assert seen == [1.0, 1.0]


def test_arguments() -> None:
    def f(x: Any, how: str, *, scale: Any = 1.0) -> Any:
        return {"sin": jnp.sin, "cos": jnp.cos}[how](x) * scale

    again = lantern.checkpoint(f, static_argnums=(1,))
    assert again.__name__ == "f"
    close(lantern.grad(again)(1.0, "cos", scale=2.0), -2 * np.sin(1.0))
    close(lantern.jit(lantern.grad(lambda x: again(x, "sin")))(1.0), np.cos(1.0))
    close(again(1.0, "sin"), np.sin(1.0))
    assert lantern.checkpoint_name({"a": 1.5}, "n")["a"].item() == 1.5


def test_errors() -> None:
    with pytest.raises(TypeError, match="checkpoint: wanted a function, got 3"):
        lantern.checkpoint(3)
    with pytest.raises(TypeError, match=r"checkpoint\(layer\): the policy must be a function, .* got 'dots', at"):
        lantern.checkpoint(layer, policy="dots")
    with pytest.raises(ArgumentError, match=r"checkpoint\(layer\): argument number 2 is out of range .* x, w, at"):
        lantern.checkpoint(layer, static_argnums=2)
    with pytest.raises(TypeError, match="the name must be a str, got 3"):
        lantern.checkpoint_name(1.0, 3)
    with pytest.raises(TypeError, match=r"argument `how` must be an array or a number, got 'sin'"):
        lantern.grad(lambda x: lantern.remat(lambda x, how: x)(x, "sin"))(1.0)
