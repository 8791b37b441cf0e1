"""Python called from programs: when, how often, in which order, with what; what it returns and raises."""
from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import ShapeDtypeStruct, debug, io_callback, lax, pure_callback
from lantern.errors import ArgumentError, CallbackError, NotDifferentiableError

F = Callable[..., Any]
X = np.array([1.0, 2.0], np.float32)


def printing(x: Any) -> Any:
    debug.print("x {}", x)
    y = x * 2
    debug.print("y {y:.1f}", y=y)
    return jnp.sum(x * y)


# transform, argument, how often each line appears
PRINTS: dict[str, tuple[Callable[[F], F], Any, int]] = {
    "eager": (lambda f: f, X, 1),
    "jit": (lantern.jit, X, 1),
    "grad": (lantern.grad, X, 1),
    "value_and_grad": (lantern.value_and_grad, X, 1),
    "jvp": (lambda f: lambda x: lantern.jvp(f, (x,), (x,)), X, 1),
    "linearize": (lambda f: lambda x: lantern.linearize(f, x)[1](x), X, 1),
    "hessian": (lantern.hessian, X, 1),
    "jacfwd": (lantern.jacfwd, X, 1),
    "grad of jit": (lambda f: lantern.grad(lantern.jit(f)), X, 1),
    "jit of grad": (lambda f: lantern.jit(lantern.grad(f)), X, 1),
    "grad of grad": (lambda f: lantern.grad(lambda x: jnp.sum(lantern.grad(f)(x))), X, 1),
    "jit of grad of jit of grad": (
        lambda f: lantern.jit(lantern.grad(lambda x: jnp.sum(lantern.jit(lantern.grad(f))(x)))), X, 1),
    "vmap": (lantern.vmap, np.stack([X, X]), 2),
    "vmap of jit of grad": (lambda f: lantern.vmap(lantern.jit(lantern.grad(f))), np.stack([X, X]), 2),
    "grad of vmap": (lambda f: lantern.grad(lambda x: jnp.sum(lantern.vmap(f)(x))), np.stack([X, X]), 2),
    "vmap of vmap": (lambda f: lantern.vmap(lantern.vmap(f)), np.stack([X, X] * 3).reshape(3, 2, 2), 6),
}


@pytest.mark.parametrize("name", PRINTS)
def test_print_happens_once_in_order(device: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    transform, x, times = PRINTS[name]
    g = transform(printing)
    for _ in range(2):      # the second call finds everything in caches
        result = g(x)
        shown = capsys.readouterr().out.splitlines()
        assert shown == ["x [1. 2.]"] * times + ["y [2.0 4.0]"] * times
    silent = transform(lambda x: jnp.sum(x * (x * 2)))(x)
    for a, b in zip(lantern.tree.leaves(result), lantern.tree.leaves(silent), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6)


def test_print_in_loops_and_branches(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            debug.print("scan {} {}", c, row)
            return c + row, None
        c = lax.scan(step, 0.0, x)[0]

        def double(v: Any) -> Any:
            debug.print("while {}", v)
            return v * 2
        v = lax.while_loop(lambda v: v < 10, double, c)

        def yes(v: Any) -> Any:
            debug.print("yes {}", v)
            return v
        return lax.cond(v > 5, yes, lambda v: -v, v)

    want = ["scan 0.0 1.0", "scan 1.0 2.0", "while 3.0", "while 6.0", "yes 12.0"]
    for g in (f, lantern.jit(f), lambda x: lantern.jvp(lantern.jit(f), (x,), (x,))[0]):
        assert float(g(jnp.asarray(X))) == 12
        assert capsys.readouterr().out.splitlines() == want

    def loss(x: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            debug.print("{}", row)
            return c * row, row
        return lax.scan(step, 1.0, x)[0]

    for g in (lantern.grad(loss), lantern.jit(lantern.grad(loss)), lantern.grad(lantern.jit(loss))):
        assert g(jnp.asarray(X)).tolist() == [2, 1]
        assert capsys.readouterr().out.splitlines() == ["1.0", "2.0"]


def test_effects_stay_though_nobody_uses_the_result(device: str) -> None:
    seen: list[float] = []

    def inner(x: Any) -> Any:
        debug.callback(lambda v: seen.append(float(v)), x)
        return x * 2

    def f(x: Any) -> Any:
        lantern.jit(inner)(x)
        lax.scan(lambda c, row: (inner(c), None), x, None, length=2)
        return x

    lantern.jit(f)(1.0)
    assert seen == [1, 1, 2]
    seen.clear()
    lantern.jit(lantern.grad(f))(1.0)
    assert seen == [1, 1, 2]


def test_python_prints_and_program_prints_mix_under_grad(capsys: pytest.CaptureFixture[str]) -> None:
    """Where values are known an effect happens at once, and a value that was looked at does not repeat it."""
    @lantern.jit
    def inner(x: Any) -> Any:
        debug.print("inner {}", x)
        return x * 3

    def f(x: Any) -> Any:
        sys.stdout.write("one\n")
        debug.print("two {}", x)
        y = inner(x)
        sys.stdout.write("three\n" if y > 0 else "never\n")
        debug.print("four {}", y)
        return y * y

    assert float(lantern.grad(f)(1.0)) == 18
    assert capsys.readouterr().out.splitlines() == ["one", "two 1.0", "inner 1.0", "three", "four 3.0"]


def test_loops_that_were_looked_at_print_once_and_in_order(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Their differentiated forward runs again, in silence."""
    def f(x: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            debug.print("scan {}", row)
            return c * row, None
        y = lax.scan(step, 1.0, x)[0]
        sys.stdout.write("large\n" if y > 1 else "small\n")
        z = lax.cond(y > 1, lambda v: (debug.print("yes {}", v), v * v)[1], lambda v: v, y)
        return z if z > 0 else -z

    for g in (lantern.grad(f), lambda x: lantern.jvp(f, (x,), (jnp.ones(2),))[1]):
        g(jnp.asarray(X))
        assert capsys.readouterr().out.splitlines() == ["scan 1.0", "scan 2.0", "large", "yes 2.0"]
    assert lantern.grad(f)(jnp.asarray(X)).tolist() == [8, 4]


def test_prints_do_not_displace_the_users_rules(capsys: pytest.CaptureFixture[str]) -> None:
    @lantern.custom_jvp
    def f(x: Any) -> Any:
        debug.print("value {}", x)
        return x * x

    f.defjvp(lambda xs, ts: (f(xs[0]), 100 * ts[0]))
    for g in (lantern.grad(f), lantern.grad(lantern.jit(f)), lantern.jit(lantern.grad(f))):
        assert float(g(3.0)) == 100
        assert capsys.readouterr().out == "value 3.0\n"

    @lantern.custom_vjp
    def h(x: Any) -> Any:
        debug.print("primal {}", x)
        return x * x

    def forward(x: Any) -> Any:
        debug.print("forward {}", x)
        return x * x, x

    def backward(x: Any, ct: Any) -> Any:
        debug.print("backward {} {}", x, ct)
        return (7 * ct,)

    h.defvjp(forward, backward)
    for g in (lantern.grad(h), lantern.grad(lantern.jit(h)), lantern.jit(lantern.grad(h))):
        assert float(g(3.0)) == 7
        assert capsys.readouterr().out.splitlines() == ["forward 3.0", "backward 3.0 1.0"]


def test_callback_gets_read_only_numpy_and_what_is_no_array(device: str) -> None:
    seen: list[Any] = []

    def keep(tree: Any, flag: bool, name: str, other: Any = None) -> None:
        seen.append((tree, flag, name, other))

    f = lantern.jit(lambda x: (debug.callback(keep, {"a": [x, x + 1]}, True, "here", other={1, 2}), x * 5)[1])
    for _ in range(2):
        f(jnp.asarray(X))
    (tree, flag, name, other), _ = seen
    assert (flag, name, other) == (True, "here", {1, 2})
    for a, want in zip(tree["a"], (X, X + 1), strict=True):
        assert type(a) is np.ndarray
        assert a.dtype == np.float32
        assert not a.flags.writeable
        np.testing.assert_array_equal(a, want)      # also after the program has used its memory again


def test_formats_that_do_not_fit() -> None:
    for args, kwargs, pattern in (
        (("{} {}", 1), {}, "does not fit the arguments: .*out of range"), (("{}", 1, 2), {}, "argument 1 is not used"),
        (("{a}",), {}, "does not fit the arguments: a"), (("x",), {"a": 1}, "argument a is not used"),
        (("{",), {}, "does not fit the arguments: .*'{'"),
    ):
        with pytest.raises(ArgumentError, match=pattern) as caught:
            debug.print(*args, **kwargs)
        assert re.search(r", at test_callbacks.py:\d+ in ", str(caught.value))
    with pytest.raises(TypeError, match=r"debug.callback: wanted a function, got 3, at test_callbacks.py"):
        debug.callback(3)       # type: ignore[arg-type]


def test_print_formats(capsys: pytest.CaptureFixture[str]) -> None:
    debug.print("{0} {0:.2e} {1!r} {2[k]} {n} {{}}", jnp.array([0.5, 2.0]), "s", {"k": jnp.array(3)}, n=None)
    assert capsys.readouterr().out == "[0.5 2. ] [5.00e-01 2.00e+00] 's' 3 None {}\n"


def test_pure_callback(device: str) -> None:
    calls: list[Any] = []

    def host(tree: Any, scale: Any) -> Any:
        calls.append(tree["x"].shape)
        return {"sum": np.sum(tree["x"]), "scaled": tree["x"] * scale}

    def f(x: Any) -> Any:
        shapes = {"sum": ShapeDtypeStruct((), np.float32), "scaled": x}
        out = pure_callback(host, shapes, {"x": x * 2}, np.float32(3), vmap_method="sequential")
        return out["scaled"] + out["sum"]

    want = X * 6 + 6
    for g in (f, lantern.jit(f)):
        np.testing.assert_allclose(np.asarray(g(jnp.asarray(X))), want)
    assert calls == [(2,), (2,)]
    rows = np.stack([X, X * 2, X * 3])
    for g in (lantern.vmap(f), lantern.jit(lantern.vmap(f)), lantern.vmap(lantern.jit(f))):
        calls.clear()
        np.testing.assert_allclose(np.asarray(g(rows)), rows * 6 + 2 * rows.sum(1, keepdims=True))
        assert calls == [(2,)] * 3


def test_vmap_methods(device: str) -> None:
    shapes: list[Any] = []

    def host(x: Any, y: Any) -> Any:
        shapes.append((x.shape, y.shape))
        return x + y

    def under(method: str | None) -> F:
        return lambda x, y: pure_callback(host, x, x, y, vmap_method=method)

    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones(2, np.float32)
    for method, want in (("sequential", [((2,), (2,))] * 3), ("expand_dims", [((3, 2), (1, 2))]),
                         ("broadcast_all", [((3, 2), (3, 2))])):
        shapes.clear()
        np.testing.assert_array_equal(np.asarray(lantern.vmap(under(method), (0, None))(x, y)), x + y)
        assert shapes == want, method
    with pytest.raises(ArgumentError, match="vmap needs to know how to batch the call"):
        lantern.vmap(under(None), (0, None))(x, y)
    with pytest.raises(ArgumentError, match="vmap_method must be one of None, 'sequential'"):
        under("loop")(x, y)
    with pytest.raises(ArgumentError, match="there is no order among the elements"):
        lantern.vmap(lambda x: debug.print("{}", x, ordered=True))(x)


def test_what_a_callback_may_return(device: str) -> None:
    def f(made: Any, wanted: Any) -> Any:
        return np.asarray(lantern.jit(lambda x: pure_callback(lambda v: made, wanted, x))(X))

    single, integer = ShapeDtypeStruct((), np.float32), ShapeDtypeStruct((), np.int32)
    assert f(1.5, single) == np.float32(1.5)            # Python numbers fit their kind
    assert f(np.float64(1.5), single) == 1.5            # 64-bit results of NumPy narrow, as 64-bit inputs do
    assert f(7, integer) == 7
    assert f(jnp.ones(()), single) == 1
    for made, wanted, message in ((1.5, integer, r"wanted i32\[\], got f32\[\]"),
                                  (np.ones(3), single, r"wanted f32\[\], got f32\[3\]"),
                                  ("text", single, r"wanted f32\[\], got 'text' of type str"),
                                  ((1.0, 2.0), single, r"must have the structure \*, got \(\*, \*\)")):
        with pytest.raises(CallbackError, match=rf"callback <lambda>: .*{message}, at test_callbacks.py:\d+ in"):
            f(made, wanted)
    with pytest.raises(ArgumentError, match=r"result_shape_dtypes must hold shapes and dtypes .*, got 3"):
        pure_callback(np.sin, 3, X)


def test_exceptions_reach_the_user_unchanged(device: str) -> None:
    class Mine(Exception):
        pass

    problem = Mine("what I said")

    def bad(x: Any) -> Any:
        raise problem

    def f(x: Any) -> Any:
        debug.callback(bad, x)
        return x + 1

    for g in (f, lantern.jit(f), lantern.grad(f), lantern.jit(lambda x: lax.fori_loop(0, 3, lambda i, v: f(v), x))):
        with pytest.raises(Mine) as caught:
            g(jnp.asarray(1.0))
        assert caught.value is problem
        assert float(lantern.jit(lambda x: x + 1)(jnp.asarray(1.0))) == 2     # the device works on


def test_derivatives_need_a_rule(device: str) -> None:
    def f(x: Any) -> Any:
        return jnp.sum(pure_callback(np.sin, x, x))

    pattern = r"pure_callback\(sin\) has no derivative, at test_callbacks.py:\d+ in f\. Give it one with "
    with pytest.raises(NotDifferentiableError, match=pattern):
        lantern.grad(f)(X)
    with pytest.raises(NotDifferentiableError, match="io_callback"):
        lantern.grad(lambda x: io_callback(float, ShapeDtypeStruct((), np.float32), x))(1.0)
    assert lantern.grad(lambda x: jnp.sum(x * pure_callback(np.sin, x, lax.stop_gradient(x))))(X).shape == (2,)


def test_io_callback_runs_once_and_its_result_is_known_under_grad(device: str) -> None:
    seen: list[float] = []

    def host(v: Any) -> Any:
        seen.append(float(v))
        return np.float32(10)

    def f(x: Any) -> Any:
        scale = io_callback(host, ShapeDtypeStruct((), np.float32), lax.stop_gradient(x))
        io_callback(host, ShapeDtypeStruct((), np.float32), 7.0)
        return x * scale if scale > 5 else x

    assert float(lantern.grad(f)(2.0)) == 10
    assert seen == [2, 7]
    seen.clear()
    assert float(lantern.jit(lambda x: io_callback(host, ShapeDtypeStruct((), np.float32), x) + 1)(3.0)) == 11
    assert seen == [3]
    seen.clear()
    lantern.vmap(lambda x: io_callback(host, ShapeDtypeStruct((), np.float32), x))(X)
    assert seen == [1, 2]


def test_a_callback_may_compute_with_lantern(device: str) -> None:
    def host(v: Any) -> Any:
        return np.asarray(lantern.jit(lambda a: jnp.sin(a) @ a)(jnp.asarray(v)))

    f = lantern.jit(lambda x: pure_callback(host, ShapeDtypeStruct((), np.float32), x * 2) + 1)
    np.testing.assert_allclose(np.asarray(f(X)), np.sin(X * 2) @ (X * 2) + 1, rtol=1e-5)


def test_equal_prints_share_a_program() -> None:
    jaxprs = [lantern.make_jaxpr(lambda x: (debug.print("{}", x), x)[1])(1.0) for _ in range(2)]
    functions = [j.eqns[0].params["function"] for j in jaxprs]
    assert functions[0] == functions[1]
    assert hash(functions[0]) == hash(functions[1])


LOOP = """
import lantern, lantern.numpy as jnp
for i in range(3):
    lantern.jit(lambda x: (lantern.debug.print("{} {}", i, x), x)[1])(jnp.zeros(()))
"""


def test_prints_keep_their_place_in_a_pipe() -> None:
    """Nothing is lost at the end of a process."""
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0 0.0", "1 0.0", "2 0.0"]
