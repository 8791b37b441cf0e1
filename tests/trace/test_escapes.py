"""Tracers that leave their trace: after its end, into other threads and generators; errors leave no state behind."""
from __future__ import annotations

import contextvars
import math
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import EscapedTracerError
from lantern.ops.build import call
from lantern.ops.pointwise import elementwise
from tests.trace.helpers import close


def test_escaped_tracers_name_their_birth_and_pin_nothing() -> None:
    leaks: list[Any] = []
    lantern.grad(lambda x: (leaks.append(jnp.sin(x)), x)[1])(1.0)
    for use in (lambda: jnp.sin(leaks[0]), lambda: float(leaks[0]), lambda: lantern.grad(lambda y: y * leaks[0])(1.0)):
        with pytest.raises(EscapedTracerError, match=r"grad\(<lambda>\).*test_escapes.py:\d+"):
            use()
    assert not leaks[0].trace.eqns and not leaks[0].trace.values
    repr(leaks[0])


def test_values_that_do_not_depend_may_leave() -> None:
    """What does not depend on the differentiated argument belongs to the outside."""
    table: list[Any] = []
    lantern.grad(lambda x: (table.append(jnp.sin(np.ones(2))), jnp.sum(x * table[0]))[1])(np.ones(2))
    assert np.asarray(table[0]).shape == (2,)


def test_threads() -> None:
    out: list[Any] = []
    shared: list[Any] = []

    def job() -> None:
        try:
            out.append(jnp.sin(shared[0]))
        except EscapedTracerError as e:
            out.append(str(e))

    def square_root(a: Any) -> Any:
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2.0
        return x

    def run(target: Any) -> None:
        t = threading.Thread(target=target)
        t.start()
        t.join()

    def f(x: Any) -> Any:
        shared.append(x)
        run(job)
        run(lambda: out.append(lantern.grad(square_root)(4.0)))
        context = contextvars.copy_context()        # what asyncio.to_thread does: the same trace, another thread
        run(lambda: context.run(lambda: shared.append(jnp.sin(x))))
        return x * shared[1]

    close(lantern.grad(f)(0.3), math.sin(0.3) + 0.3 * math.cos(0.3))
    assert re.search("not active here.*one thread", out[0])
    close(out[1], 0.25, 1e-5)


def test_generators_compute_where_they_are_resumed() -> None:
    def steps(x: Any) -> Iterator[Any]:
        while True:
            x = jnp.sin(x)
            yield x

    kept: list[Any] = []

    def f(x: Any) -> Any:
        it = steps(x)
        kept.append(it)
        next(it)
        return next(it)

    close(lantern.grad(f)(0.3), math.cos(math.sin(0.3)) * math.cos(0.3))
    with pytest.raises(EscapedTracerError):
        next(kept[0])


def test_an_error_inside_leaves_clean_state() -> None:
    with pytest.raises(ZeroDivisionError):
        lantern.grad(lambda x: 1 // 0)(1.0)
    with pytest.raises(KeyboardInterrupt):
        lantern.jit(lambda x: exec("raise KeyboardInterrupt"))(1.0)
    close(jnp.sin(np.ones(2)), np.sin(np.ones(2)))
    close(lantern.grad(jnp.sin)(0.0), 1.0)


def test_late_errors_name_the_line_of_the_operation() -> None:
    def fail(scalars: Any, dtype: Any, x: Any) -> Any:
        raise ZeroDivisionError

    bad = elementwise("test_bad", fail)
    with pytest.raises(ZeroDivisionError) as e:
        lantern.grad(lambda x: x if call(bad, x) > 0 else -x)(1.0)
    assert "while evaluating test_bad, written at test_escapes.py" in e.value.__notes__[0]


def test_tracebacks_end_at_the_users_line() -> None:
    def model(x: Any) -> Any:
        return x @ jnp.ones((3, 4))

    with pytest.raises(TypeError, match=r"test_escapes.py:\d+ in model") as e:
        lantern.jit(model)(np.ones((2, 2)))
    frames = [Path(t.path).name for t in e.traceback]
    assert frames[-1] == "test_escapes.py", frames
