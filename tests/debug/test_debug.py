"""Modes that look at what happens: NaNs and their lines, leaks and their holders, names, breakpoints, plain Python."""
from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import config, lax
from lantern.errors import EscapedTracerError, NonFiniteError, ShapeError

F = Callable[..., Any]
X = np.array([4.0, 0.0], np.float32)


def bad_value(x: Any) -> Any:
    y = x * 2 - 1
    return jnp.sum(jnp.log(y) + 3)      # BAD: log(-1)


def bad_gradient(x: Any) -> Any:
    y = x * 1.0
    return jnp.sum(jnp.sqrt(y) * 0.0)   # BAD: 0 * inf in the derivative of sqrt


def bad_step(x: Any) -> Any:
    def step(c: Any, row: Any) -> Any:
        return jnp.log(c) - row, c      # BAD: log of a negative number in the third step
    return lax.scan(step, x[0], jnp.ones(4))[0]


def line_of(f: F) -> int:
    code = f.__code__
    with open(code.co_filename, encoding="utf-8") as file:
        lines = file.readlines()
    return next(n for n in range(code.co_firstlineno, len(lines) + 1) if "# BAD" in lines[n - 1])


@pytest.mark.parametrize("wrap", [lambda f: f, lantern.jit, lambda f: lantern.jit(lambda x: lantern.jit(f)(x) * 2)],
                         ids=["eager", "jit", "nested"])
def test_nans_name_their_line(device: str, wrap: Callable[[F], F]) -> None:
    f = wrap(bad_value)
    f(X)        # nobody looks
    with lantern.debug_nans():
        with pytest.raises(NonFiniteError) as caught:
            f(X)
        assert isinstance(caught.value, FloatingPointError)
        text = str(caught.value)
        assert text.startswith("log made a NaN: f32[2] = log f32[2], log(-1.0) = nan at index (1,), at test_debug.py:")
        assert f":{line_of(bad_value)} in bad_value" in text
        assert float(lantern.jit(jnp.sum)(X)) == 4      # what is finite passes
    f(X)


BACKWARD: dict[str, Callable[[F], F]] = {
    "grad": lantern.grad,
    "jit of grad": lambda f: lantern.jit(lantern.grad(f)),
    "grad of jit": lambda f: lantern.grad(lantern.jit(f)),
    "vjp": lambda f: lambda x: lantern.vjp(f, x)[1](1.0),
}


@pytest.mark.parametrize("wrap", BACKWARD.values(), ids=BACKWARD)
def test_nans_in_gradients_name_the_line_of_the_forward_operation(device: str, wrap: Callable[[F], F]) -> None:
    with lantern.debug_nans():
        assert float(bad_gradient(X)) == 0
        with pytest.raises(NonFiniteError) as caught:
            wrap(bad_gradient)(X)
    text = str(caught.value)
    assert re.match(r"mul made a NaN: .*mul\(0.0, inf\) = nan at index \(1,\), in the gradient of test_debug.py:", text)
    assert f":{line_of(bad_gradient)} in bad_gradient" in text


def test_nans_in_loops(device: str) -> None:
    for f in (bad_step, lantern.jit(bad_step)):
        with lantern.debug_nans(), pytest.raises(NonFiniteError) as caught:
            f(X)
        assert re.match(rf"log made a NaN: .*at test_debug.py:{line_of(bad_step)} in step", str(caught.value))


def test_a_nan_that_is_masked_is_nobodys_fault(device: str) -> None:
    def f(x: Any) -> Any:
        hidden = jnp.log(x - 5.0)
        y = jnp.where(jnp.isnan(hidden), 0.0, hidden)
        return jnp.sqrt(y - 1.0)    # BAD

    with lantern.debug_nans():
        lantern.jit(lambda x: jnp.where(x > 5, jnp.log(x - 5.0), 0.0))(X)
        with pytest.raises(NonFiniteError, match=rf"sqrt made a NaN: .*test_debug.py:{line_of(f)} in f"):
            lantern.jit(f)(X)
        with pytest.raises(NonFiniteError, match=r"add was given a NaN: .*add\(nan, 1.0\)"):
            lantern.jit(lambda x: x + 1)(np.array([np.nan], np.float32))


def test_infinities(device: str) -> None:
    with lantern.debug_infs():
        with pytest.raises(NonFiniteError, match=r"exp made an infinity: .*exp\(400.0\) = inf at index \(0,\)"):
            lantern.jit(lambda x: jnp.exp(x * 100))(X)
        lantern.jit(lambda x: jnp.log(x - 1.5) * 0)(X)      # a NaN, which this flag does not forbid
    with lantern.debug_infs(), lantern.debug_nans(), pytest.raises(NonFiniteError, match="made a NaN"):
        lantern.jit(lambda x: jnp.log(x - 1.5) * 0)(X)


def test_donation_under_debug_nans(device: str) -> None:
    """The inputs are still there when a NaN's origin is looked for."""
    f = lantern.jit(lambda x: jnp.log(x), donate_argnums=0)
    with lantern.debug_nans(), pytest.raises(NonFiniteError, match=r"log\(-1.0\)"):
        f(jnp.array([-1.0]) * 1)


def test_modes_belong_to_their_thread() -> None:
    found: list[Any] = []
    with lantern.debug_nans(), lantern.disable_jit():
        worker = threading.Thread(target=lambda: found.append(config.mode()))
        worker.start()
        worker.join()
        with lantern.debug_nans(False):
            assert np.isnan(float(jnp.log(-1.0)))
            assert config.jit_disabled()
    assert found == [None]
    assert config.mode() is None
    with pytest.raises(ZeroDivisionError), lantern.disable_jit():
        raise ZeroDivisionError
    assert config.mode() is None


def test_modes_of_the_process() -> None:
    config.update("debug_nans", True)
    try:
        with pytest.raises(NonFiniteError):
            jnp.log(-1.0)
        with lantern.debug_nans(False):
            jnp.log(-1.0)
    finally:
        config.update("debug_nans", False)
    assert config.mode() is None
    program = "import lantern.numpy as jnp\njnp.log(-1.0)"
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "LANTERN_DEBUG_NANS": "1"},
                          capture_output=True, text=True, check=False)
    assert "NonFiniteError: log made a NaN" in done.stderr


def test_disable_jit(device: str) -> None:
    seen: list[float] = []

    @lantern.jit
    def f(x: Any) -> Any:
        if lantern.config.jit_disabled():
            seen.append(float(x[0]))

        def step(c: Any, row: Any) -> Any:
            if lantern.config.jit_disabled():
                seen.append(float(row))
            return c + row, {"twice": c * 2}
        c, ys = lax.scan(step, 0.0, x, reverse=True)
        n = lax.fori_loop(0, 3, lambda i, v: v + i, 0)
        v = lax.while_loop(lambda v: v < 10, lambda v: v * 2, lax.stop_gradient(c))
        y = lax.cond(c > 3, lambda a: a * 2, lambda a: -a, v) + lax.switch(5, [jnp.sin, jnp.cos], c)
        return y + jnp.sum(ys["twice"]) + n + jnp.sum(lax.map(lambda r: r * 3, x))

    x = jnp.asarray(X + 1)
    for g in (f, lambda x: lantern.jvp(f, (x,), (x,))[1], lantern.jit(lambda x: f(x) * 2)):
        want = g(x)
        seen.clear()
        with lantern.disable_jit():
            np.testing.assert_allclose(np.asarray(g(x)), np.asarray(want), rtol=1e-5)
        assert seen == [5, 1, 5]
    with lantern.disable_jit():     # a Python loop knows how many steps it took
        assert lantern.grad(f)(x).shape == (2,)


def test_disable_jit_under_vmap_and_without_steps() -> None:
    def f(x: Any) -> Any:
        y = lax.while_loop(lambda v: v < 10, lambda v: v * 2, x)
        return lax.cond(x > 2, lambda a: a, lambda a: -a, y)

    with lantern.disable_jit():
        assert lantern.vmap(f)(np.array([1.0, 3.0], np.float32)).tolist() == [-16, 12]
        assert lax.scan(lambda c, x: (c, x), 1.0, jnp.zeros((0, 2)))[1].shape == (0, 2)


class Model:
    weight: Any = None


KEPT: dict[str, Any] = {}


def test_leaks_name_the_line_and_the_holder() -> None:
    model = Model()
    history: list[Any] = []

    def to_attribute(x: Any) -> Any:
        model.weight = x * 2
        return x

    def to_global(x: Any) -> Any:
        KEPT["last"] = [x * 2]
        return x

    def to_closure(x: Any) -> Any:
        history.append(x * 2)
        return x

    cases: list[tuple[F, F, str]] = [
        (lantern.jit, to_attribute, r"jit\(to_attribute\) has returned and f32\*?\[2\], made at test_debug.py:\d+ in "
                                    r"to_attribute, is still held by `model.weight`"),
        (lantern.vmap, to_global, r"vmap\(to_global\).*held by `KEPT\['last'\]\[0\]` of the module"),
        (lambda f: lantern.grad(lambda x: jnp.sum(f(x))), to_closure, r"grad\(<lambda>\).*held by `history\[0\]`"),
    ]
    for transform, f, pattern in cases:
        transform(f)(X)     # a later use would raise; nobody looks
        model.weight, KEPT["last"] = None, None
        history.clear()
        lantern.clear_caches()
        with lantern.check_tracer_leaks(), pytest.raises(EscapedTracerError, match=pattern):
            transform(f)(X)
        model.weight, KEPT["last"] = None, None
        history.clear()
        gc.collect()


def test_nothing_of_ours_leaks() -> None:
    """The whole library, under the strict eye."""
    def f(x: Any) -> Any:
        c, ys = lax.scan(lambda c, r: (c * r, c), 1.0, x)
        return jnp.sum(jnp.sin(c) * ys) if c > 0 else jnp.sum(ys)

    def g(x: Any) -> Any:
        return lax.cond(x[0] > 0, lambda a: jnp.sum(a * a), lambda a: jnp.sum(a), x)

    with lantern.check_tracer_leaks():
        for h in (lantern.grad(f), lantern.jit(lantern.grad(g)), lantern.hessian(g), lantern.vmap(g, axis_name="i"),
                  lantern.jacrev(lambda x: jnp.tanh(x) * x), lambda x: lantern.linearize(g, x)[1](x),
                  lambda x: lantern.vjp(lantern.jit(g), x)[1](1.0), lantern.value_and_grad(lantern.jit(g)),
                  lambda x: lantern.eval_shape(g, x), lantern.make_jaxpr(lantern.grad(g))):
            h(X[:, None] + np.ones((2, 2), np.float32) if getattr(h, "__name__", "").startswith("vmap") else X + 1)


def test_named_scopes(device: str) -> None:
    @lantern.named_scope("attention")
    def layer(x: Any) -> Any:
        with lantern.named_scope("scores"):
            return jnp.tanh(x) * 2

    @lantern.jit
    def f(x: Any) -> Any:
        with lantern.named_scope("encoder"):
            y = layer(x)
        return jnp.sum(y)

    text = str(f.trace(X).jaxpr)
    assert re.search(r"tanh.*in layer \(encoder/attention/scores\)", text)
    assert not re.search(r"reduce_sum.*\(encoder", text)
    assert "(encoder/attention/scores)" in str(lantern.make_jaxpr(lantern.grad(f))(X))      # derivatives inherit it
    if device == "gpu":
        assert any("(encoder/attention/scores)" in t for t in f.lower(X).wgsl())
    with lantern.named_scope("head"), pytest.raises(ShapeError, match=r"test_debug.py:\d+ in .* \(head\)"):
        lantern.jit(lambda x: x @ jnp.ones((3, 3)))(X)
    with pytest.raises(TypeError, match=r"named_scope: wanted a name"):
        lantern.named_scope(3)      # type: ignore[arg-type]


def test_breakpoints(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[Any] = []

    def hook() -> None:
        frame = sys._getframe(1)
        stops.append(dict(frame.f_locals))

    monkeypatch.setattr(sys, "breakpointhook", hook)

    def f(x: Any) -> Any:
        y = x * 2
        lantern.debug.breakpoint(x, y=y)
        return jnp.sum(y)

    lantern.jit(f)(X)
    (args,), kwargs = stops[0]["args"], stops[0]["kwargs"]
    np.testing.assert_array_equal(args, X)
    np.testing.assert_array_equal(kwargs["y"], X * 2)
    stops.clear()
    f(X)
    lantern.grad(f)(X)
    lantern.vmap(f)(np.stack([X, X]))
    assert len(stops) == 4


PDB = """
import lantern
def f(x):
    y = x * 2
    lantern.debug.breakpoint()
    return y * y
print("result", lantern.grad(f)(3.0))
"""


def test_the_debugger_stops_in_the_users_frame() -> None:
    typed = "p 'here', y\np x + 1\nc\n"
    done = subprocess.run([sys.executable, "-c", PDB], input=typed, capture_output=True, text=True, check=True)
    assert "('here', Array(6., shape=(), dtype=float32" in done.stdout, done.stdout + done.stderr
    assert "Array(4.," in done.stdout
    assert "result 24.0" in done.stdout
