"""scan, while_loop, fori_loop, map and truncated_scan as users call them: pytrees, weak numbers, bounds, messages."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, jit, lax, make_jaxpr, vmap
from lantern.errors import ArgumentError, LanternError, ShapeError, UnknownValueError
from lantern.events import subscribe

XS = np.arange(6, dtype=np.float32).reshape(3, 2)


class State(NamedTuple):
    """A carry."""

    position: Any
    speed: Any


def close(a: Any, b: Any, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


# scan ----------------------------------------------------------------------------------------------------------------

def test_scan_of_pytrees() -> None:
    def step(s: State, x: dict[str, Any]) -> tuple[State, Any]:
        s = State(s.position + s.speed, s.speed * x["f"])
        return s, (s.position, {"twice": x["y"] * 2, "nothing": None})

    init = State(np.zeros(2, np.float32), np.ones(2, np.float32))
    last, (positions, rest) = lax.scan(step, init, {"f": XS, "y": np.arange(3)})
    assert isinstance(last, State)
    close(last.position, [1 + 0 + 0, 1 + 1 + 3])
    close(positions, [[1, 1], [1, 2], [1, 5]])
    assert rest["twice"].tolist() == [0, 2, 4]
    assert rest["nothing"] is None


def test_scan_without_xs() -> None:
    c, ys = lax.scan(lambda c, x: (c * 2, x is None), 1, length=5)
    assert (c.item(), ys.tolist()) == (32, [True] * 5)
    assert lax.scan(lambda c, _: (c, None), (), length=2) == ((), None)


def test_reverse_keeps_the_order_of_ys() -> None:
    c, ys = lax.scan(lambda c, x: (c * 10 + x, c), 0, jnp.arange(1, 4), reverse=True)
    assert (c.item(), ys.tolist()) == (321, [32, 3, 0])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unroll", [1, 2, 3, 5, 7, True, False])
def test_unroll_changes_nothing(unroll: int | bool, reverse: bool) -> None:
    def f(c: Any, xs: Any, unroll: int | bool) -> Any:
        return lax.scan(lambda c, x: (c * 2 + x, c - x), c, xs, reverse=reverse, unroll=unroll)

    for n in (0, 1, 5, 6):
        xs = np.arange(n)
        wanted = f(3, xs, 1)
        for got in (f(3, xs, unroll), jit(lambda c, xs, k=unroll: f(c, xs, k))(3, xs)):
            assert (got[0].item(), got[1].tolist()) == (wanted[0].item(), wanted[1].tolist())


def test_python_numbers_as_the_first_carry_take_the_type_of_the_body() -> None:
    total, _ = lax.scan(lambda c, x: (c + x, None), 0, XS[:, 0])
    assert (total.dtype, total.item()) == (np.float32, 6.0)
    half = np.ones(3, ml_dtypes.bfloat16)
    total, seen = lax.scan(lambda c, x: (c + x, c), 0.0, half)
    assert (total.dtype, seen.dtype) == (ml_dtypes.bfloat16, ml_dtypes.bfloat16)
    count, _ = lax.scan(lambda c, x: (c + 1, None), 0, half)
    assert (count.dtype, count.weak_type) == (np.int32, True)
    (a, b), _ = lax.scan(lambda c, x: ((c[1], c[0] + x), None), (0, 0), half)
    assert (a.dtype, b.dtype) == (ml_dtypes.bfloat16, ml_dtypes.bfloat16)


def test_bodies_may_return_python_and_numpy_values() -> None:
    c, ys = lax.scan(lambda c, x: (1.5, (2, np.float32([1, 2]), True)), 0.0, length=2)
    assert (c.item(), ys[0].tolist(), ys[2].tolist()) == (1.5, [2, 2], [True, True])
    close(ys[1], [[1, 2], [1, 2]])


def test_captured_arrays_and_side_effects_of_tracing() -> None:
    seen: list[str] = []
    weights = jnp.array([1.0, 2.0])

    def step(c: Any, x: Any) -> Any:
        seen.append("traced")
        return c + x * weights, np.sum([1.0, 2.0])

    c, ys = lax.scan(step, jnp.zeros(2), XS)
    close(c, [6, 18])
    close(ys, [3, 3, 3])
    assert seen == ["traced"]


def test_a_numpy_buffer_is_read_when_the_body_is_traced() -> None:
    buffer = np.ones(2, np.float32)

    def loss(x: Any) -> Any:
        total = 0.0
        for k in range(3):
            buffer[:] = k
            total = total + jnp.sum(lax.scan(lambda c, _: (c * buffer, None), x, length=1)[0])
        return total

    close(grad(loss)(jnp.ones(2)), [3.0, 3.0])


def test_values_that_python_reads_are_current_at_each_call() -> None:
    factor = 2.0

    def step(c: Any, _: Any) -> Any:
        return c * factor, None

    assert lax.scan(step, 1.0, length=2)[0].item() == 4.0
    factor = 3.0
    assert lax.scan(step, 1.0, length=2)[0].item() == 9.0


def test_an_eager_loop_compiles_once() -> None:
    """The body is traced again, so that it sees current values; the same program is not compiled again."""
    first = lax.scan(lambda c, x: (c * 2 + x, None), 1.0, XS[:, 0])[0].item()
    seen: list[str] = []
    end = subscribe(lambda event: seen.append(event.kind))
    assert lax.scan(lambda c, x: (c * 2 + x, None), 1.0, XS[:, 0])[0].item() == first
    end()
    assert "compile.end" not in seen


def test_methods_partials_and_jitted_functions_are_bodies() -> None:
    class Model:
        def step(self, c: Any, x: Any) -> Any:
            return c + x, c

        def __call__(self, c: Any, x: Any) -> Any:
            return self.step(c, x)

    for body in (Model().step, Model(), jit(lambda c, x: (c + x, c))):
        close(lax.scan(body, np.zeros(2, np.float32), XS)[0], XS.sum(0))


def test_threads_scan_at_the_same_time() -> None:
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        results[k] = [lax.scan(lambda c, x: (c * k + x, None), 1.0, XS[:, 0])[0].item() for _ in range(5)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(4):
        assert results[k] == [float(((1 * k + 0) * k + 2) * k + 4)] * 5


# truncated_scan ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3, 7, 20])
def test_truncated_scan_by_its_definition(every: int, reverse: bool) -> None:
    """A Python loop that stops the gradient of the carry after every so many steps."""
    xs = np.linspace(0.1, 0.9, 7, dtype=np.float32)

    def f(w: Any, c: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            h = jnp.tanh(c["h"] * w + x)
            return {"h": h, "n": c["n"] + 1}, h * x

        c, ys = lax.truncated_scan(step, {"h": c, "n": 0}, xs, every=every, reverse=reverse)
        return c["h"] + jnp.sum(ys)

    def same(w: Any, c: Any, xs: Any) -> Any:
        total = 0.0
        for t, i in enumerate(reversed(range(7)) if reverse else range(7)):
            if t > 0 and t % every == 0:
                c = lax.stop_gradient(c)
            c = jnp.tanh(c * w + xs[i])
            total = total + c * xs[i]
        return c + total

    args = (0.5, 0.3, xs)
    close(f(*args), same(*args))
    for g, wanted in zip(grad(f, (0, 1, 2))(*args), grad(same, (0, 1, 2))(*args), strict=True):
        close(g, wanted)
    close(jit(grad(f))(*args), grad(same)(*args))
    close(lantern.jvp(lambda w: f(w, *args[1:]), (0.5,), (1.0,))[1], grad(same)(*args))
    slopes = [grad(same)(w, *args[1:]) for w in (0.5, 0.6)]
    close(vmap(grad(f), (0, None, None))(np.float32([0.5, 0.6]), *args[1:]), slopes)


def test_truncated_scan_is_one_loop() -> None:
    j = make_jaxpr(lambda x: lax.truncated_scan(lambda c, _: (c * x, c), x, length=1000, every=10))(0.5)
    assert [e.primitive.name for e in j.eqns].count("scan") == 1
    with pytest.raises(ArgumentError, match="every must be a positive int, got 0"):
        lax.truncated_scan(lambda c, _: (c, None), 0.0, length=3, every=0)
    with pytest.raises(ShapeError, match=r"truncated_scan: the carry must keep.*`carry` is f32\*\[\] and step returns"):
        def step(c: Any, _: Any) -> Any:
            return jnp.zeros(3), None
        lax.truncated_scan(step, 0.0, length=3, every=2)


# while_loop and fori_loop --------------------------------------------------------------------------------------------

def test_while_loop_of_pytrees() -> None:
    s = lax.while_loop(lambda s: s.position < 10, lambda s: State(s.position + s.speed, s.speed * 2), State(0, 1))
    assert (s.position.item(), s.speed.item()) == (15, 16)
    assert lax.while_loop(lambda x: False, lambda x: x + 1, 3).item() == 3
    assert lax.while_loop(lambda x: x < 3.5, lambda x: x + np.float32(1), 0).dtype == np.float32


def test_while_loop_with_captured_values() -> None:
    limit, factor = jnp.array(100.0), jnp.array(3.0)
    f = jit(lambda x, m: lax.while_loop(lambda x: x < limit * m, lambda x: x * factor, x))
    assert [f(1.0, 1.0).item(), f(1.0, 10.0).item()] == [243.0, 2187.0]


@pytest.mark.parametrize("bounds", [(2, 5), (np.int32(2), np.int64(5)), (jnp.array(2), jnp.array(5)),
                                    (jnp.array(2, jnp.int8), 5)])
def test_fori_loop_with_known_bounds_is_a_scan(bounds: tuple[Any, Any]) -> None:
    def f(x: Any) -> Any:
        return lax.fori_loop(*bounds, lambda i, x: x * i, x)

    assert f(1.0).item() == 24.0
    assert grad(f)(1.0).item() == 24.0
    assert "while" not in str(make_jaxpr(f)(1.0))
    assert lax.fori_loop(*bounds, lambda i, x: x + i, jnp.zeros((), jnp.bfloat16)).dtype == ml_dtypes.bfloat16


def test_fori_loop_with_other_bounds_is_a_while_loop() -> None:
    f = jit(lambda n, x: lax.fori_loop(0, n, lambda i, x: x + i, x))
    assert [f(n, 1).item() for n in (0, 1, 4, -3)] == [1, 1, 7, 1]
    assert f.n_compiles == 1
    assert vmap(f, (0, None))(np.arange(4), 0).tolist() == [0, 0, 1, 3]
    assert lantern.jvp(lambda x: lax.fori_loop(0, jnp.array(3), lambda i, x: x * x, x), (1.1,), (1.0,))[1].item() \
        == pytest.approx(8 * 1.1 ** 7)


def test_fori_loop_of_nothing_and_of_weak_numbers() -> None:
    assert lax.fori_loop(3, 1, lambda i, x: x + i, 7).item() == 7
    x = lax.fori_loop(0, 3, lambda i, x: x + i, jnp.zeros((), jnp.int8))
    assert (x.dtype, x.item()) == (np.int8, 3)
    assert lax.fori_loop(0, 5, lambda i, x: x + i, 0, unroll=2).item() == 10
    assert lax.fori_loop(-2, 2, lambda i, x: x + i, 0, unroll=True).item() == -2


# map -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 5, 100])
def test_map(batch_size: int | None) -> None:
    xs = {"a": np.arange(5, dtype=np.float32), "b": np.arange(10, dtype=np.float32).reshape(5, 2)}
    out = lax.map(lambda x: (x["a"] * x["b"], {"n": 1}), xs, batch_size=batch_size)
    close(out[0], xs["a"][:, None] * xs["b"])
    assert out[1]["n"].tolist() == [1] * 5
    close(grad(lambda a: jnp.sum(lax.map(jnp.sin, a, batch_size=batch_size)))(xs["a"]), np.cos(xs["a"]))


def test_map_of_nothing() -> None:
    for batch_size in (None, 2):
        assert lax.map(lambda x: x + 1, np.zeros((0, 3)), batch_size=batch_size).shape == (0, 3)


# messages ------------------------------------------------------------------------------------------------------------

def step_to(carry: Any) -> Callable[..., Any]:
    def step(*args: Any) -> Any:
        return carry, None
    return step


def body_to(carry: Any) -> Callable[..., Any]:
    def body(*args: Any) -> Any:
        return carry
    return body


F32, I32 = np.zeros(3, np.float32), np.zeros(3, np.int32)
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "carry dtype": (lambda: lax.scan(step_to({"h": I32, "c": F32}), {"h": F32, "c": F32}, XS), ShapeError,
                    r"scan: the carry must keep its shapes and dtypes, but `carry\['h'\]` is f32\[3\] and step returns "
                    r"i32\[3\], at test_loops.py:\d+ in <lambda>\. .*astype"),
    "carry shapes": (lambda: lax.scan(step_to((F32[:2], I32[:1])), (F32, I32), XS), ShapeError,
                     r"`carry\[0\]` is f32\[3\] and step returns f32\[2\]; `carry\[1\]` is i32\[3\] and step ret"),
    "carry structure": (lambda: lax.scan(step_to({"h": F32}), {"h": F32, "c": F32}, XS), TypeError,
                        r"scan: step must return a carry of the structure that it gets, \{'c': \*, 'h': \*\}, but "
                        r"returns \{'h': \*\}, at test_loops.py:\d+"),
    "no pair": (lambda: lax.scan(body_to(F32), F32, XS), TypeError,
                r"scan: body must return a pair \(carry, y\), got ndarray, at .*\. Return \(carry, None\)"),
    "three": (lambda: lax.scan(body_to((F32, F32, F32)), F32, XS), TypeError, r"a pair \(carry, y\), got a tuple of 3"),
    "lengths": (lambda: lax.scan(step_to(F32), F32, {"a": XS, "b": XS[:2]}), ShapeError,
                r"scan: all xs must have one size along axis 0, but `xs\['a'\]` has 3, `xs\['b'\]` has 2, at"),
    "no axis": (lambda: lax.scan(step_to(F32), F32, (XS, 1.0)), ShapeError,
                r"scan: `xs\[1\]` is f32\*\[\] and has no axis 0 to go along, at .*capture"),
    "no length": (lambda: lax.scan(step_to(F32), F32), ArgumentError,
                  r"scan: without xs the number of steps must be given, at .*length=n"),
    "other length": (lambda: lax.scan(step_to(F32), F32, XS, length=4), ArgumentError,
                     r"scan: length=4, but `xs` has 3 rows"),
    "negative": (lambda: lax.scan(step_to(F32), F32, length=-1), ArgumentError, "length must not be negative, got -1"),
    "length 2.0": (lambda: lax.scan(step_to(F32), F32, length=2.0), TypeError, "length must be an int, got 2.0 of"),
    "unroll": (lambda: lax.scan(step_to(F32), F32, XS, unroll=0), ArgumentError, "unroll must be a positive int"),
    "no function": (lambda: lax.scan(3, F32, XS), TypeError, "scan: f must be a function, got 3 of type int, at"),
    "no array": (lambda: lax.scan(step_to("a"), {"name": "a"}, XS), TypeError,
                 r"scan: `carry\['name'\]` must be an array or a number, got 'a' of type str, at"),
    "returns no array": (lambda: lax.scan(step_to("a"), 0.0, XS), TypeError, r"scan\(step\): .* got 'a' of type str"),
    "while carry": (lambda: lax.while_loop(lambda v: True, body_to({"x": I32}), {"x": F32}), ShapeError,
                    r"while_loop: the carry .*`val\['x'\]` is f32\[3\] and body returns i32\[3\], at"),
    "while structure": (lambda: lax.while_loop(lambda v: True, body_to((F32,)), F32), TypeError,
                        r"while_loop: body must return a carry of the structure that it gets, \*, but returns \(\*,\)"),
    "predicate shape": (lambda: lax.while_loop(lambda v: v > 0, body_to(F32), F32), TypeError,
                        r"while_loop: <lambda> must return a scalar bool, got bool\[3\], at .*any or all"),
    "predicate dtype": (lambda: lax.while_loop(lambda v: v, body_to(1.0), 1.0), TypeError,
                        r"must return a scalar bool, got f32\*\[\]"),
    "predicate tree": (lambda: lax.while_loop(lambda v: (True, v), body_to(1.0), 1.0), TypeError,
                       r"must return a scalar bool, got the structure \(\*, \*\)"),
    "no condition": (lambda: lax.while_loop(True, body_to(1.0), 1.0), TypeError, "cond_fun must be a function, got T"),
    "no body": (lambda: lax.while_loop(body_to(True), None, 1.0), TypeError, "body_fun must be a function, got None"),
    "bound": (lambda: lax.fori_loop(0.5, 3, body_to(1.0), 1.0), ShapeError,
              r"fori_loop: lower must be a scalar integer, got f32\*\[\], at"),
    "bound shape": (lambda: lax.fori_loop(0, np.arange(3), body_to(1.0), 1.0), ShapeError,
                    r"fori_loop: upper must be a scalar integer, got i32\[3\], at"),
    "fori carry": (lambda: lax.fori_loop(0, 3, body_to(I32), F32), ShapeError,
                   r"fori_loop: the carry .*`carry` is f32\[3\] and body returns i32\[3\]"),
    "fori unroll": (lambda: jit(lambda n: lax.fori_loop(0, n, body_to(1.0), 1.0, unroll=2))(3), ArgumentError,
                    "fori_loop: unroll needs bounds whose values are known"),
    "map": (lambda: lax.map(lambda x: x, 1.0), ShapeError, r"map: `xs` is f32\*\[\] and has no axis 0"),
    "batch_size": (lambda: lax.map(lambda x: x, XS, batch_size=0), ArgumentError, "batch_size must be a positive int"),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", WRONG)
def test_messages(name: str, compiled: bool) -> None:
    call, error, pattern = WRONG[name]
    with pytest.raises(error, match=pattern) as caught:
        jit(lambda: call())() if compiled else call()
    assert isinstance(caught.value, (LanternError, TypeError))
    assert "internal" not in str(caught.value)


@pytest.mark.parametrize("look", [bool, float, int, lambda x: [1, 2][x.astype(int)]])
def test_values_inside_bodies_are_not_known_and_the_message_says_what_helps(look: Callable[..., Any]) -> None:
    def step(carry: Any, x: Any) -> Any:
        look(carry["h"])
        return carry, None

    cure = "lax.cond, lax.scan or lax.while_loop"
    with pytest.raises(UnknownValueError, match=rf"depends on `carry\['h'\]` of scan\(step\).*{cure}"):
        lax.scan(step, {"h": 1.0}, XS)
    with pytest.raises(UnknownValueError, match=rf"`val` of while_loop\(<lambda>\).*{cure}"):
        lax.while_loop(lambda v: v < 3, lambda v: v + look(v), 1.0)
    with pytest.raises(UnknownValueError, match=rf"`x` of jit\(.*{cure}"):
        jit(lambda x: look(x))(1.0)


def test_under_grad_outside_jit_bodies_are_staged_too() -> None:
    def f(x: Any) -> Any:
        return lax.scan(lambda c, y: (c * y if c > 0 else c, None), x, XS[:, 0])[0]

    with pytest.raises(UnknownValueError, match=r"bool\(x\) needs.*`carry` of scan"):
        grad(f)(1.0)


def test_errors_in_bodies_keep_the_users_line() -> None:
    def step(c: Any, x: Any) -> Any:
        return c + jnp.zeros(5), None

    with pytest.raises(ShapeError, match=r"add: .*f32\[2\] and f32\[5\].*, at test_loops.py:\d+ in step"):
        lax.scan(step, np.zeros(2, np.float32), XS)


def test_a_value_that_leaves_the_body_is_told_where_it_was_made() -> None:
    kept: list[Any] = []

    def step(c: Any, x: Any) -> Any:
        kept.append(c * 2)
        return c, None

    lax.scan(step, 0.0, XS)
    with pytest.raises(lantern.errors.EscapedTracerError, match=r"escaped from scan\(step\).*\.py:\d+ in step"):
        kept[0] + 1
