"""WGSL kernels of the user's are functions like others: on every device, under every transform, in loops."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.backends.base import Device
from lantern.devices import find_device
from lantern.errors import DeviceError
from lantern.events import subscribe
from lantern.extend import Operation, check, check_kernel, wgsl_kernel
from lantern.lower.routine import Routine
from lantern.testing import check_grads
from tests.extend import kernels

F32 = np.float32
RANDOM = np.random.default_rng(0)
X, U = RANDOM.normal(size=(3, 5)).astype(F32), RANDOM.normal(size=(4, 6)).astype(F32)
PX, PY = RANDOM.uniform(0.5, 2, (2, 3, 4)).astype(F32)
CASES: dict[str, tuple[Operation, tuple[Any, ...], dict[str, Any]]] = {
    "gelu": (kernels.gelu, (X,), {}),
    "gelu_slope": (kernels.gelu_slope, (X,), {}),
    "laplacian": (kernels.laplacian, (U,), {}),
    "polar": (kernels.polar, (PX, PY), {}),
    "wrapped-i32": (kernels.wrapped, (RANDOM.integers(0, 100, 9).astype(np.int32),), {"period": 7}),
    "wrapped-u32": (kernels.wrapped, (RANDOM.integers(0, 100, 9).astype(np.uint32),), {"period": 11}),
    "row_sums": (kernels.row_sums, (RANDOM.normal(size=(5, 70)).astype(F32),), {}),
    "weighted": (kernels.weighted, (U, U[0].copy()), {}),
    "paired": (kernels.paired, (X,), {"doubled": True}),
    "squared": (kernels.squared, ((X + 1j * X[::-1]).astype(np.complex64),), {}),
    "turned": (kernels.turned, (RANDOM.normal(size=(11, 20)).astype(F32),), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kernel_agrees_with_its_reference(name: str) -> None:
    """On all devices, compiled, mapped, at odd sizes; derivatives by differences."""
    op, samples, params = CASES[name]
    report = check_kernel(op, *samples, params=params, order=2)
    assert report.largest_error < 1e-5
    assert any("vmap" in line for line in report.lines)
    assert len({line.split("[")[1].split("]")[0] for line in report.lines if "the call" in line}) == 3, "other sizes"


def plain_gelu(x: Any) -> Any:
    return 0.5 * x * (1 + jnp.tanh(kernels.HALF * (x + 0.044715 * x ** 3)))


TRANSFORMED: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "grad": lambda f: lantern.grad(lambda x: f(x).sum()),
    "grad of grad": lambda f: lantern.grad(lambda x: jnp.sin(lantern.grad(lambda v: f(v).sum())(x)).sum()),
    "vmap of grad": lambda f: lantern.vmap(lantern.grad(lambda x: (f(x) * x).sum())),
    "grad of vmap": lambda f: lantern.grad(lambda x: jnp.sin(lantern.vmap(f)(x)).sum()),
    "vmap of vmap": lambda f: lantern.vmap(lantern.vmap(f)),
    "jvp": lambda f: lambda x: lantern.jvp(f, (x,), (x * 0.5,))[1],
    "jit of grad": lambda f: lantern.jit(lantern.grad(lambda x: f(f(x)).sum())),
    "hessian": lambda f: lambda x: lantern.hessian(lambda v: f(v).sum())(x[0]),
    "remat": lambda f: lantern.grad(lambda x: lantern.checkpoint(lambda v: jnp.sin(f(v)))(x).sum()),
    "cond": lambda f: lantern.grad(lambda x: lax.cond(x.sum() > 100, lambda v: v, f, x).sum()),
}


@pytest.mark.parametrize("how", TRANSFORMED)
def test_transforms(device: str, how: str) -> None:
    """The kernel under a transform is what lantern's own functions give there."""
    transform, x = TRANSFORMED[how], jnp.asarray(X)
    np.testing.assert_allclose(np.asarray(transform(kernels.gelu)(x)), np.asarray(transform(plain_gelu)(x)),
                               rtol=2e-5, atol=1e-5)


def heat(step: Callable[[Any], Any], u: Any) -> Any:
    """Diffusion by a stencil, and what is there at each step."""
    return lax.scan(lambda c, x: (c + 0.1 * step(c) * x, (c * c).sum()), u, jnp.linspace(0.5, 1.0, 7))


def test_a_scan_of_a_stencil(device: str) -> None:
    """In a loop, differentiated, and mapped."""
    u = jnp.asarray(U)
    run = lantern.jit(lambda v: heat(kernels.laplacian, v))
    for got, want in zip(run(u), heat(kernels.plain_laplacian, u), strict=True):
        np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-5, atol=1e-6)

    def cost(step: Callable[[Any], Any], v: Any) -> Any:
        last, energies = heat(step, v)
        return (last ** 2).sum() + energies.sum()

    slopes = [lantern.jit(lantern.vmap(lantern.grad(lambda v, s=s: cost(s, v))))(jnp.stack([u, 2 * u]))
              for s in (kernels.laplacian, kernels.plain_laplacian)]
    np.testing.assert_allclose(np.asarray(slopes[0]), np.asarray(slopes[1]), rtol=1e-5, atol=1e-5)


def test_rows_of_a_scan_reach_a_kernel(device: str) -> None:
    """xs and ys of the loop are operands and results of the kernel itself."""
    xs = jnp.asarray(RANDOM.normal(size=(6, 5)).astype(F32))
    _, ys = lantern.jit(lambda v: lax.scan(lambda c, x: (c, kernels.gelu(x)), 0.0, v))(xs)
    np.testing.assert_allclose(np.asarray(ys), kernels.gelu_reference(np.asarray(xs)), rtol=1e-5, atol=1e-6)


def test_operands_that_are_not_mapped(device: str) -> None:
    """Mixed and nested maps find their elements without copies."""
    x, w = RANDOM.normal(size=(2, 3, 4)).astype(F32), RANDOM.normal(size=(3, 4)).astype(F32)
    f = lantern.vmap(lantern.vmap(kernels.weighted, in_axes=(0, None)), in_axes=(None, 0))
    np.testing.assert_allclose(np.asarray(f(x[0], w)), x[0][None] * w[:, None], rtol=1e-6)
    g = lantern.vmap(lantern.vmap(lantern.vmap(kernels.weighted, in_axes=(None, 0)), in_axes=(0, None)), in_axes=(0, 0))
    got = g(jnp.asarray(x), jnp.asarray(np.stack([w, 2 * w])))
    np.testing.assert_allclose(np.asarray(got), x[:, :, None] * np.stack([w, 2 * w])[:, None], rtol=1e-6)


def test_one_launch_and_nothing_is_read_back(gpu: None) -> None:
    """A kernel is a step of its program; mapping it makes no more of them."""
    with lantern.default_device("gpu"):
        x = jnp.asarray(RANDOM.normal(size=(8, 3, 5)).astype(F32))
        lowered = lantern.jit(lantern.vmap(lambda v: jnp.sin(kernels.gelu(v * 2)))).lower(x)
        regions = [s.region for s in lowered.program.steps if hasattr(s, "region")]
        assert [type(r) for r in regions] == [Routine]
        assert len(lowered.kernels) == 2
        assert sum("lantern_body" in text for text in lowered.wgsl()) == 1
        assert "x[x_base + (i)]" in "".join(lowered.wgsl())


def test_equal_kernels_compile_once(gpu: None) -> None:
    """The text is the key, and the static parameters are in it."""
    compiled: list[Any] = []
    end = subscribe(lambda event: compiled.append(event.data.get("kernel")))
    with lantern.default_device("gpu"):
        n = jnp.arange(5)
        first = [kernels.wrapped(n + k, period=3)[0].tolist() for k in range(3)]
        second = kernels.wrapped(n, period=4)[0].tolist()
    end()
    assert first == [[(v + k) % 3 for v in range(5)] for k in range(3)]
    assert second == [0, 1, 2, 3, 0]
    assert compiled.count("wrapped") == 2


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_ranks_and_empty_arrays(device: str, shape: tuple[int, ...]) -> None:
    """Rank 0 is one invocation; nothing is launched for nothing."""
    x = jnp.full(shape, 0.5, jnp.float32)
    assert kernels.gelu(x).shape == shape
    np.testing.assert_allclose(np.asarray(kernels.gelu(x)), kernels.gelu_reference(np.asarray(x)), rtol=1e-6)
    assert lantern.vmap(kernels.gelu)(jnp.zeros((0, 3), jnp.float32)).shape == (0, 3)


def test_the_reverse_rule_serves_both_modes(device: str) -> None:
    """With `vjp` alone the forward derivative comes by transposing it."""
    x, y = jnp.asarray(PX), jnp.asarray(PY)

    def plain(a: Any, b: Any) -> Any:
        return jnp.hypot(a, b), jnp.arctan2(b, a)

    def cost(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda a, b: (f(a, b)[0] * jnp.sin(f(a, b)[1])).sum()

    for transform in (lambda f: lantern.grad(f, (0, 1)), lambda f: lambda a, b: lantern.jvp(f, (a, b), (b, a))[1],
                      lambda f: lambda a, b: lantern.hessian(lambda v: f(v, b[0]))(a[0])):
        for got, want in zip(lantern.tree.leaves(transform(cost(kernels.polar))(x, y)),
                             lantern.tree.leaves(transform(cost(plain))(x, y)), strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-4, atol=1e-5)


def test_derivatives_by_differences() -> None:
    """The whole story once more, by `lantern.testing`."""
    with lantern.default_device("cpu"):
        check_grads(lambda u: (kernels.laplacian(kernels.gelu(u)) ** 2).sum(), (jnp.asarray(U),), 2)


def test_a_device_that_does_not_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some drivers list adapters that cannot be used; the others are still compared."""
    def refuse() -> Any:
        raise DeviceError("the adapter X does not open: no reason")

    broken = Device("gpu", 9, "X", "hardware", refuse)
    monkeypatch.setattr(check, "devices", lambda: [find_device("cpu"), broken])
    double = wgsl_kernel("double", "out[i] = 2.0 * x[i];", shape=lambda x: x, reference=lambda x: x + x)
    checked = check_kernel(double, np.ones(3, np.float32))
    report = str(checked)
    assert len(checked.skipped) == 1 and not any("gpu:9" in line for line in checked.lines)
    assert "gpu:9  not checked: the adapter X does not open" in report and "cpu:0  jit" in report
