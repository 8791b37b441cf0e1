"""Values on demand: Python control flow under grad, exactly-once evaluation, what may and may not be known."""
from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import NotDifferentiableError, TracerConversionError, UnknownValueError
from lantern.trace.check import check_jaxpr
from lantern.trace.jaxpr import count_eqns, fingerprint
from tests.trace.helpers import RUNS, close, differences, probe


def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-13 * a:
        x = x - (x * x - a) / (2.0 * x)
    return x


def test_newton_with_a_trip_count_that_depends_on_the_data() -> None:
    for a in (2.0, 900.0):
        close(lantern.grad(newton)(a), 0.5 / math.sqrt(a))
        close(lantern.grad(lantern.grad(newton))(a), -0.25 * a ** -1.5)
        close(lantern.jvp(newton, (a,), (1.0,))[1], 0.5 / math.sqrt(a))


def test_recursion() -> None:
    def power(x: Any, n: int) -> Any:
        return x if n == 1 else (power(x * x, n // 2) if n % 2 == 0 else x * power(x, n - 1))

    close(lantern.grad(lambda x: power(x, int(x * 3)))(2.1), 6 * 2.1 ** 5)

    def halving(x: Any) -> Any:
        return x if x < 1.0 else halving(x / 2.0) * x

    close(lantern.grad(halving)(5.3), differences(halving, 5.3))


@pytest.mark.parametrize("x", [0.4, 1.7])
@pytest.mark.parametrize("y", [-0.3, 0.8])
def test_nested_branches(x: float, y: float) -> None:
    """The inner function branches on its own value and on the outer one."""
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            z = jnp.sin(x * y) if y > 0 else jnp.cos(x * y)
            return z * x * y if x > 1 else z + y * y * x
        d = lantern.grad(inner)(y + 0.1 * x)
        return d * 2.0 if d > 0.5 else d * d * x

    def by_differences(x: float) -> float:
        def inner(y: float) -> float:
            z = math.sin(x * y) if y > 0 else math.cos(x * y)
            return z * x * y if x > 1 else z + y * y * x
        d = float(differences(inner, y + 0.1 * x, 1e-6))
        return d * 2.0 if d > 0.5 else d * d * x

    close(lantern.grad(outer)(x), differences(by_differences, x, 1e-4), 1e-4)
    close(lantern.grad(lantern.grad(outer))(x), differences(lantern.grad(outer), x), 1e-5)


def test_three_levels() -> None:
    def f(x: Any) -> Any:
        return x * x * x * x if x > 0 else x
    close(lantern.grad(lantern.grad(lantern.grad(f)))(2.0), 48.0)


def test_no_perturbation_confusion() -> None:
    close(lantern.grad(lambda x: x * lantern.grad(lambda y: x + y if x > 0 else x)(1.0))(3.0), 1.0)
    close(lantern.grad(lambda x: x * lantern.grad(lambda y: x * y)(2.0))(3.0), 6.0)


def test_what_was_looked_at_runs_once_and_is_reused() -> None:
    def f(x: Any) -> Any:
        y = probe(x)
        z = probe(jnp.sin(y))
        if y > 0 and float(y) > 0 and bool(y > 0.1):
            return probe(z)
        return y

    RUNS.clear()
    f(0.7)
    plain = len(RUNS)
    RUNS.clear()
    g = lantern.grad(f)(0.7)
    assert len(RUNS) == plain == 3
    close(g, differences(f, 0.7))


def test_dead_code_never_runs() -> None:
    RUNS.clear()
    lantern.grad(lambda x: (probe(x), jnp.sin(x))[1])(1.0)
    assert not RUNS


def test_nested_once() -> None:
    """At every level the inner's values are equations of the outer trace, so the outer derivative sees them."""
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            z = probe(y * x)
            return z * y if z > 0 else z
        return lantern.grad(inner)(2.0) if x > 0 else x

    RUNS.clear()
    close(lantern.grad(outer)(3.0), 6 * 3.0 * 4)
    assert len(RUNS) == 1


def test_jvp_reuses() -> None:
    RUNS.clear()
    lantern.jvp(lambda x: probe(x) if probe(x) > 0 else x, (2.0,), (1.0,))
    assert len(RUNS) == 2


def test_print_and_repr(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        print(x * 2.0)      # noqa: T201
        return x

    lantern.grad(f)(1.5)
    assert capsys.readouterr().out.strip() == "3.0"
    lantern.jit(f)(1.5)
    assert "Tracer(f64*[], jit(f))" in capsys.readouterr().out


def test_numpy_does_not_cut_the_gradient_in_silence() -> None:
    with pytest.raises(TracerConversionError, match=r"asarray.*lantern.numpy"):
        lantern.grad(lambda x: np.sin(x))(1.0)
    with pytest.raises(TracerConversionError, match=r"lantern.numpy.sum.*device_get"):
        lantern.grad(lambda x: np.sum(x))(np.ones(2))
    with pytest.raises(TracerConversionError, match=r"asarray.*device_get"):
        lantern.grad(lambda x: jnp.sum(x * np.asarray(x)))(np.ones(2))
    seen: list[Any] = []
    lantern.grad(lambda x: (seen.append(lantern.device_get(x * 2.0)), jnp.sum(x))[1])(np.ones(2))
    close(seen[0], [2, 2])
    close(lantern.grad(lambda x: jnp.sum(np.ones(2) * x))(np.ones(2)), [1, 1])


def test_a_gradient_that_left_as_a_number_is_an_error() -> None:
    with pytest.raises(NotDifferentiableError, match=r"Python number .*test_on_demand.py:\d+ in <lambda>"):
        lantern.grad(lambda x: jnp.asarray(math.sin(x)))(1.0)
    close(lantern.grad(lambda x: x if x > 0 else 0.0)(-1.0), 0.0)      # a branch that is constant is no cut
    close(lantern.grad(lambda x: float(x) * x)(3.0), 3.0)
    close(lantern.grad(lantern.grad(lambda x: float(x) * x * x))(3.0), 6.0)


def test_unknown_values_name_argument_line_and_cure() -> None:
    def f(width: Any, params: Any) -> Any:
        return params["w"] if params["w"] > 0 else width

    message = r"bool\(x\).*test_on_demand.py:\d+ in f.*`params\['w'\]` of jit\(f\).*where.*static"
    with pytest.raises(UnknownValueError, match=message):
        lantern.jit(f)(1.0, {"w": 2.0, "v": 1.0})

    def g(t: Any) -> Any:
        return t if t > 0 else -t

    with pytest.raises(UnknownValueError, match=r"`t` of jit\(grad\(g\)\)"):
        lantern.jit(lantern.grad(g))(1.0)
    with pytest.raises(UnknownValueError, match="`t` of vmap"):
        lantern.vmap(lantern.grad(g))(np.ones(3))
    with pytest.raises(UnknownValueError, match="of jit"):
        lantern.grad(lantern.jit(g))(1.0)
    with pytest.raises(UnknownValueError, match="of vmap"):
        lantern.grad(lambda x: jnp.sum(lantern.vmap(g)(x)))(np.ones(3))
    for look in (float, int, range, lambda x: x.item(), lambda x: f"{x:.2f}"):
        with pytest.raises(UnknownValueError, match=r"`x` of jit"):
            lantern.jit(lambda x, look=look: (look(x), x)[1])(1)


def test_an_argument_without_the_mapped_axis_is_known() -> None:
    f = lantern.vmap(lambda x, n: x * n if n > 2 else x, in_axes=(0, None))
    close(f(np.ones(3), 3.0), [3, 3, 3])
    close(lantern.grad(lambda n: jnp.sum(f(np.ones(3), n)))(3.0), 3.0)


def test_jit_inside_grad_and_closures() -> None:
    def outer(x: Any) -> Any:
        h = lantern.jit(lambda y: y * x * x)        # closes over the outer tracer
        z = h(2.0) + h(3.0)
        assert not h.cache.entries                  # a trace that captured a tracer is not kept
        return z * 2.0 if z > 0 else z

    close(lantern.grad(outer)(3.0), 60.0)
    close(lantern.grad(lantern.grad(outer))(3.0), 20.0)
    close(lantern.jit(lantern.grad(lambda x: lantern.jit(lambda y: y * x)(x)))(3.0), 6.0)
    # inside jit, a closure over a value known outside may be looked at
    close(lantern.grad(lambda x: lantern.jit(lambda y: y * x if bool(x) else y)(2.0))(3.0), 2.0)


def test_jit_never_keeps_a_stale_tracer() -> None:
    box: dict[str, Any] = {}
    h = lantern.jit(lambda y: y * box["x"])

    def f(x: Any) -> Any:
        box["x"] = x
        return h(2.0)

    close(lantern.grad(f)(1.0), 2.0)
    close(lantern.grad(f)(5.0), 2.0)
    box["x"] = np.asarray(4.0)
    close(h(2.0), 8.0)
    assert len(h.cache.entries) == 1


def test_fingerprints() -> None:
    def traced(n: int) -> Any:
        def f(x: Any) -> Any:
            for _ in range(n):
                x = jnp.sin(x)
            return x
        return lantern.make_jaxpr(f)(1.0)
    assert fingerprint(traced(3)) == fingerprint(traced(3)) != fingerprint(traced(4))


def test_constants_are_known_under_jit() -> None:
    close(lantern.jit(lambda x: x * 2.0 if jnp.sum(jnp.sin(np.ones(2))) > 0 else x)(3.0), 6.0)


def test_mutated_buffers_are_read_when_they_are_used() -> None:
    """Evaluation is late; a NumPy buffer that the user refills must be read early."""
    buffer = np.zeros(2)

    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            buffer[:] = i
            total = total + jnp.sum(x * buffer)
        return total

    close(lantern.grad(f)(np.ones(2)), [3, 3])
    close(lantern.jit(lambda x: x * buffer)(1.0), [2, 2])
    x = np.ones(2)

    def overwrite(z: Any) -> Any:
        y = z * z
        x[:] = 100.0
        return jnp.sum(y)

    close(lantern.grad(overwrite)(x), [2, 2])


def test_looking_at_a_jitted_value_costs_one_more_run() -> None:
    """A jit is differentiated as a whole: its forward run with residuals is another program than its plain run."""
    RUNS.clear()
    lantern.grad(lambda x: (lambda y: y if y > 0 else x)(lantern.jit(probe)(x)))(2.0)
    assert len(RUNS) == 2
    RUNS.clear()
    lantern.grad(lambda x: lantern.jit(probe)(x))(2.0)
    assert len(RUNS) == 1


def test_pytrees_and_aux() -> None:
    p = {"w": np.ones((2, 2)), "b": [np.zeros(2), (np.ones(2), None)]}
    x = np.array([1.0, 2.0])

    def loss(p: Any, x: Any) -> Any:
        h = jnp.tanh(x @ p["w"] + p["b"][0]) * p["b"][1][0]
        s = jnp.sum(h * h)
        return (s if s > 0 else -s), {"h": h, "name": "loss"}

    g, aux = lantern.grad(loss, has_aux=True)(p, x)
    assert aux["name"] == "loss" and isinstance(aux["h"], lantern.Array)
    close(g["w"], differences(lambda w: loss({**p, "w": w}, x)[0], p["w"]))
    close(g["b"][1][0], differences(lambda b: loss({**p, "b": [p["b"][0], (b, None)]}, x)[0], p["b"][1][0]))
    assert g["b"][1][1] is None
    (v, aux), g = lantern.value_and_grad(loss, has_aux=True)(p, x)
    close(v, loss(p, x)[0])
    with pytest.raises(NotDifferentiableError, match="must return one floating-point scalar"):
        lantern.grad(lambda x: x)(np.ones(2))


def test_unused_arguments_and_stop_gradient() -> None:
    close(lantern.grad(lambda x: 3.0)(1.0), 0.0)
    close(lantern.grad(lambda x: lantern.lax.stop_gradient(x) * x)(3.0), 3.0)


def test_jaxprs_pass_the_checker() -> None:
    check_jaxpr(lantern.make_jaxpr(lantern.grad(lambda x: lantern.jit(lambda y: jnp.sin(y) * x)(x)))(1.0))
    assert count_eqns(lantern.make_jaxpr(lantern.grad(lambda x: jnp.sin(x)))(1.0)) <= 2
