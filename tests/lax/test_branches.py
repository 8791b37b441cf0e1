"""cond and switch as users call them: predicates, pytrees, indices outside, messages."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern.numpy as jnp
from lantern import grad, jit, lax, make_jaxpr
from lantern.errors import ArgumentError, ShapeError, UnknownValueError

F32, I32 = np.zeros(3, np.float32), np.zeros(3, np.int32)


@pytest.mark.parametrize("pred", [True, 1, 2.5, np.bool_(True), np.float32(0.1), np.array(True)])
def test_what_counts_as_true(pred: Any) -> None:
    f = jit(lambda p: lax.cond(p, lambda: 1, lambda: 2))
    for p, wanted in ((pred, 1), (type(pred)(0) if not isinstance(pred, np.ndarray) else np.array(False), 2)):
        assert lax.cond(p, lambda: 1, lambda: 2).item() == wanted
        assert lax.cond(jnp.asarray(p), lambda: 1, lambda: 2).item() == wanted
        assert f(p).item() == wanted


def test_operands_and_results_are_pytrees() -> None:
    def swap(pair: Any, extra: Any) -> Any:
        return {"pair": pair[::-1], "sum": extra + 1, "none": None}

    def keep(pair: Any, extra: Any) -> Any:
        return {"pair": pair, "sum": extra, "none": None}

    f = jit(lambda p, pair: lax.cond(p, swap, keep, pair, 1.5))
    out = f(True, (1, 2))
    assert ([x.item() for x in out["pair"]], out["sum"].item(), out["none"]) == ([2, 1], 2.5, None)
    assert [x.item() for x in f(False, (1, 2))["pair"]] == [1, 2]
    assert lax.cond(jnp.array(True), lambda: (), lambda: ()) == ()


def test_indices_outside_mean_the_nearest_branch() -> None:
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 3]
    f = jit(lambda i: lax.switch(i, branches, 1.0))
    for i, wanted in ((-5, 1), (0, 1), (1, 2), (2, 3), (99, 3)):
        assert lax.switch(i, branches, 1.0).item() == wanted
        assert lax.switch(jnp.array(i), branches, 1.0).item() == wanted
        assert f(i).item() == wanted
    assert lax.switch(jnp.array(200, jnp.uint8), branches, 1.0).item() == 3
    assert lax.switch(jnp.array(-100, jnp.int8), branches * 100, 1.0).item() == 1
    assert lax.switch(jnp.array(7), [lambda x: x + 1], 1.0).item() == 2
    assert f.n_compiles == 1


def test_an_index_known_to_python_chooses_while_tracing() -> None:
    j = make_jaxpr(lambda x: lax.cond(False, jnp.sin, jnp.cos, x))(1.0)
    assert "sin" not in str(j).replace("single", "")
    assert "cond" not in [e.primitive.name for e in j.eqns]
    assert grad(lambda x: lax.switch(2, [jnp.sin, jnp.cos, lambda x: x * x], x))(3.0).item() == 6.0


def test_weak_results_meet_strong_ones() -> None:
    y = lax.cond(jnp.array(True), lambda x: 1.0, lambda x: x, np.float32(3))
    assert (y.dtype, y.weak_type) == (np.float32, False)
    assert lax.cond(jnp.array(True), lambda: 1.0, lambda: 2.0).weak_type


def test_only_one_branch_runs() -> None:
    """The other would never end."""
    def endless(x: Any) -> Any:
        return lax.while_loop(lambda x: x > -1.0, lambda x: x * 1.0, x)

    assert lax.cond(jnp.array(False), endless, lambda x: x + 1, 1.0).item() == 2.0


def branch(*values: Any) -> Callable[..., Any]:
    def f(*args: Any) -> Any:
        return values[0] if len(values) == 1 else values
    return f


def other(*args: Any) -> Any:
    return {"h": I32, "n": 1}


WRONG: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "types": (lambda p: lax.cond(p, lambda: {"h": F32, "n": 1}, other), ShapeError,
              r"cond: all branches must return the same shapes and dtypes, but `output\['h'\]` is i32\[3\] from "
              r"false_fun and f32\[3\] from true_fun, at test_branches.py:\d+ in <lambda>\. .*astype"),
    "structure": (lambda p: lax.cond(p, lambda: (F32, F32), lambda: F32), TypeError,
                  r"cond: all branches must return the same structure, but false_fun returns \* and true_fun returns "
                  r"\(\*, \*\), at"),
    "pred shape": (lambda p: lax.cond(p & (F32 > 0), branch(1), branch(2)), ShapeError,
                   r"cond: pred must be a scalar, got bool\[3\], at .*any, all"),
    "pred tree": (lambda p: lax.cond((p, p), branch(1), branch(2)), ShapeError,
                  r"cond: pred must be a scalar, got bool\[\], bool\[\]"),
    "pred": (lambda p: lax.cond("yes", branch(1), branch(2)), TypeError, r"cond: `pred` must be an array or a number"),
    "true_fun": (lambda p: lax.cond(p, 1, branch(2)), TypeError, "cond: true_fun must be a function, got 1 of type"),
    "false_fun": (lambda p: lax.cond(p, branch(1), None), TypeError, "cond: false_fun must be a function, got None"),
    "operand": (lambda p: lax.cond(p, branch(1), branch(2), 1.0, {"name": "x"}), TypeError,
                r"cond: `operands\[1\]\['name'\]` must be an array or a number, got 'x'"),
    "result": (lambda p: lax.cond(p, branch("a"), branch(2)), TypeError, r"cond\(f\): .* got 'a' of type str"),
    "switch types": (lambda p: lax.switch(p.astype(int), [branch(F32), branch(F32), branch(I32)]), ShapeError,
                     r"switch: all branches .*`output` is f32\[3\] from branches\[0\] \(f\) and i32\[3\] from "
                     r"branches\[2\] \(f\)"),
    "switch index": (lambda p: lax.switch(p.astype(float), [branch(1), branch(2)]), ShapeError,
                     r"switch: the index must be an integer, got f32\[\], at"),
    "switch bool": (lambda p: lax.switch(p, [branch(1), branch(2)]), ShapeError,
                    r"switch: the index must be an integer, got bool\[\]"),
    "no branches": (lambda p: lax.switch(p.astype(int), []), ArgumentError, "switch: wanted at least one branch"),
    "branch": (lambda p: lax.switch(p.astype(int), [branch(1), 2]), TypeError,
               r"switch: branches\[1\] must be a function, got 2"),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", WRONG)
def test_messages(name: str, compiled: bool) -> None:
    call, error, pattern = WRONG[name]
    with pytest.raises(error, match=pattern):
        (jit(lambda p: call(p)) if compiled else call)(jnp.array(True))


def test_values_inside_branches_are_not_known() -> None:
    with pytest.raises(UnknownValueError, match=r"bool\(x\) needs .*`operands\[0\]` of cond\(<lambda>\).*lax.cond"):
        lax.cond(jnp.array(True), lambda x: x if x > 0 else -x, lambda x: x, 1.0)
