"""What is wrong with an operation is said in its own words: the rule, the line, what was wanted and what came."""
from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, CustomRuleError, DeviceError, KernelError, NotDifferentiableError, ShapeError
from lantern.extend import ShapedArray, check_kernel, elementwise, linear, primitive, wgsl_kernel

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def same(x: Any) -> Any:
    return x


def kernel(body: str = "out[i] = x[i];", **options: Any) -> Any:
    return wgsl_kernel("mine", body, **{"shape": same, "reference": same, **options})


def on_gpu(op: Any, *args: Any) -> Any:
    with lantern.default_device("gpu"):
        return np.asarray(op(*map(jnp.asarray, args)))


def line_of(text: str) -> int:
    """Where a text stands in this file."""
    lines = inspect.getsource(inspect.getmodule(line_of)).split("\n")      # type: ignore[arg-type]
    return next(k for k, line in enumerate(lines, 1) if text in line and "line_of" not in line)


@pytest.mark.usefixtures("gpu")
def test_the_line_of_wgsl_that_does_not_compile() -> None:
    """File and line of the Python string, the line within it, the compiler's words, the text itself."""
    broken = wgsl_kernel("broken", """
        let twice = x[i] * 2.0;
        out[i] = twice + missing_name;      // here
    """, shape=same, reference=same)
    with pytest.raises(KernelError) as caught:
        on_gpu(broken, X)
    said = str(caught.value)
    assert f"broken: its WGSL does not compile, at test_errors.py:{line_of('// here')}, line 3 of its body" in said
    assert "no definition in scope for identifier: `missing_name`" in said
    assert "out[i] = twice + missing_name;" in said


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("options", "pattern"), [
    ({"body": "out[i] = x[i] +;"}, r"test_errors.py:\d+, line 1 of its body: expected expression"),
    ({"body": "x[i] = 1.0; out[i] = 0.0;"}, r"line 1 of its body: .*writing to this location is not permitted"),
    ({"body": "out[i] = x[i] + 1u;"}, r"line 1 of its body: "),
    ({"body": "out[i] = f(x[i]);", "header": "fn f(x: f32) -> f32 {\n  return x + y; }"}, r"line 2 of its header: .*y"),
    ({"body": "fn other() {}", "grid": lambda x: 1, "workgroup_size": 32}, r"must define the function `main`"),
    ({"body": "fn main() { out[0] = x; }", "grid": lambda x: 1, "workgroup_size": 32}, r"line 1 of its body"),
], ids=["syntax", "writes to an operand", "types", "header", "no main", "array as a number"])
def test_wgsl_that_does_not_compile(options: dict[str, Any], pattern: str) -> None:
    with pytest.raises(KernelError, match=pattern):
        on_gpu(kernel(**options), X)
    with pytest.raises(KernelError, match=pattern):
        on_gpu(lantern.jit(lantern.vmap(kernel(**options))), X)
    assert on_gpu(kernel(), X).tolist() == X.tolist(), "the device goes on"


@pytest.mark.usefixtures("gpu")
def test_out_of_bounds_does_no_harm() -> None:
    """The user's addresses are checked by the driver; what is computed then is the user's affair."""
    assert on_gpu(kernel("out[i * 1000000u] = x[i + 12345678u]; out[i] = 1.0;"), X).tolist() == np.ones((2, 3)).tolist()


@pytest.mark.usefixtures("gpu")
def test_what_the_device_lacks() -> None:
    with pytest.raises(DeviceError, match="more than this device runs"):
        on_gpu(kernel("fn main() {}", grid=lambda x: 1, workgroup_size=1 << 20), X)
    with lantern.default_device("gpu"), pytest.raises(DeviceError, match="float64"):
        kernel()(jnp.asarray(X).astype(jnp.float64))


MISSING: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"reference": None}, TypeError, r"wgsl_kernel\('mine'\): reference is missing or no function: None"),
    ({"shape": None}, TypeError, r"wgsl_kernel\('mine'\): shape is missing or no function: None"),
    ({"body": "  "}, TypeError, r"body must be WGSL text"),
    ({"shape": lambda *xs: xs[0]}, ArgumentError, r"shape must name each operand"),
    ({"shape": lambda i: i}, ArgumentError, r"'i' cannot be the name"),
    ({"outputs": "x"}, ArgumentError, r"need different names, got x, x"),
    ({"outputs": "lantern_out"}, ArgumentError, r"'lantern_out' cannot be the name"),
    ({"workgroup_size": 0}, ArgumentError, r"workgroup_size must be one to three positive numbers, got 0"),
    ({"grid": lambda x: 1}, ArgumentError, r"with grid, workgroup_size is needed"),
    ({"grid": lambda x: 1, "workgroup_size": 32, "body": "@compute @workgroup_size(8, 8) fn main() {}"}, ArgumentError,
     r"workgroup_size is 32, but its WGSL says @workgroup_size\(8, 8\)"),
    ({"grid": lambda x: 1, "threads": lambda x: 1}, ArgumentError, r"give threads .* or grid .*, not both"),
    ({"jvp": same, "vjp": same}, ArgumentError, r"give jvp \(both modes\) or vjp \(reverse mode only\), not both"),
    ({"jvp": 3}, TypeError, r"jvp must be a function, or a tuple"),
    ({"transpose": 3}, TypeError, r"transpose must be a function or None, got 3"),
]


@pytest.mark.parametrize(("options", "error", "pattern"), MISSING)
def test_definitions(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    """At once, where the kernel is made."""
    with pytest.raises(error, match=pattern):
        kernel(**options)


CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"reference": lambda x: x[0]}, CustomRuleError, r"reference rule gave f32\[3\] for result 0, which is f32\[2,3\]"),
    ({"reference": lambda x: x.astype(np.float64)}, CustomRuleError, r"reference rule gave f64\[2,3\] for result 0"),
    ({"reference": lambda x: (x, x)}, CustomRuleError, r"gave 2 arrays where the shape rule promised 1"),
    ({"reference": lambda x: "x"}, CustomRuleError, r"must give an array or a tuple of arrays, got 'x'"),
    ({"shape": lambda x: (x, x)}, CustomRuleError, r"its shape rule gave 2 results, and outputs names 1: out"),
    ({"shape": lambda x: 3}, CustomRuleError, r"must give lantern.ShapeDtypeStruct\(shape, dtype\)"),
    ({"shape": lambda x: ShapedArray((-1,), x.dtype)}, CustomRuleError, r"gave the shape \(-1,\)"),
    ({"shape": lambda x, y: x}, TypeError, r"missing a required argument: 'y'"),
    ({"threads": lambda x: 0}, CustomRuleError, r"its threads rule must give positive whole numbers, got 0"),
    ({"shape": lambda x: ShapedArray(x.shape, np.dtype(bool))}, CustomRuleError, r"out is bool\[2,3\]; arrays in"),
]


@pytest.mark.parametrize(("options", "error", "pattern"), CALLS)
def test_calls(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    """On the CPU, where the reference runs, eagerly and compiled."""
    for transform in (lambda f: f, lantern.jit, lantern.vmap if "shape" not in options else lambda f: f):
        with lantern.default_device("cpu"), pytest.raises(error) as caught:
            transform(kernel(**options))(jnp.asarray(X))
        if transform is not lantern.vmap:
            assert re.search(pattern, str(caught.value)), str(caught.value)
        assert "mine (made at test_errors.py:" in str(caught.value)


def test_parameters() -> None:
    op = kernel(shape=lambda x, *, k: x, reference=lambda x, *, k: x)
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'q'.*\(x, \*, k\)"):
        op(X, k=1, q=1)
    with pytest.raises(ArgumentError, match=r"the parameter k is static and must be hashable, got \[1\]"):
        op(X, k=[1])
    with pytest.raises(ArgumentError, match=r"the parameter k is a constant in WGSL and must be a finite number"):
        op(X, k="three")
    with pytest.raises(ArgumentError, match="finite number"):
        op(X, k=float("nan"))


Rules = dict[str, Any]
DERIVATIVES: list[tuple[Rules, Callable[[Any], Any], type[Exception], str]] = [
    ({}, lambda f: lantern.grad(lambda x: f(x).sum()), NotDifferentiableError,
     r"mine \(made at test_errors.py:\d+ in kernel\) has no rule for differentiation, at test_errors.py:.*"
     r"Give jvp= or vjp= to lantern.extend.wgsl_kernel"),
    ({"jvp": lambda p, o, t: t[0][0]}, lambda f: lantern.grad(lambda x: f(x).sum()), CustomRuleError,
     r"its jvp rule gave f32\[3\] for the tangent of result 0, which is f32\[2,3\]"),
    ({"jvp": lambda p, o, t: (t[0], t[0])}, lambda f: lantern.grad(lambda x: f(x).sum()), CustomRuleError,
     r"its jvp rule gave 2 tangents for 1 results"),
    ({"jvp": (same, same)}, lambda f: lantern.grad(lambda x: f(x).sum()), ArgumentError,
     r"jvp has 2 rules for 1 operands"),
    ({"vjp": lambda p, o, ct: (ct, ct)}, lambda f: lantern.grad(lambda x: f(x).sum()), CustomRuleError,
     r"its vjp rule gave 2 cotangents for 1 operands"),
    ({"vjp": lambda p, o, ct: ct.sum()}, lambda f: lantern.grad(lambda x: f(x).sum()), CustomRuleError,
     r"its vjp rule gave f32\[\] for the cotangent of operand 0, which is f32\[2,3\]"),
    ({"vjp": lambda p, o, ct: kernel()(ct)}, lambda f: lambda x: lantern.jvp(f, (x,), (x,)), NotDifferentiableError,
     r"no rule for transposition .*Give transpose="),
    ({"transpose": lambda ct, x: ct.sum()}, lambda f: lantern.grad(lambda x: f(x).sum()), CustomRuleError,
     r"its transpose rule gave f32\[\] for the cotangent of operand 0"),
]


@pytest.mark.parametrize(("rules", "transform", "error", "pattern"), DERIVATIVES)
def test_derivative_rules(rules: Rules, transform: Callable[[Any], Any], error: type[Exception], pattern: str) -> None:
    with lantern.default_device("cpu"):
        for how in (lambda f: f, lantern.jit):
            with pytest.raises(error, match=pattern):
                how(transform(kernel(**rules)))(jnp.asarray(X))


def test_a_kernel_that_does_not_do_what_its_reference_does(gpu: None) -> None:
    """The device, the element, both values."""
    wrong = kernel("out[i] = select(x[i], -1.0, i == 4u);")
    with pytest.raises(KernelError, match=r"the call of f32\[2,3\] on gpu:0 .* element \[1, 1\] of result 0 is -1.0, "
                                          r"should be 4.0 \(1 of 6 elements are off\)"):
        check_kernel(wrong, X, devices=["gpu"])
    lazy = kernel("if (i < 64u) { out[i] = x[i]; } else { out[i] = 0.5; }")
    with pytest.raises(KernelError, match=r"f32\[2,133\]"):
        check_kernel(lazy, X, devices=["gpu"])
    with pytest.raises(AssertionError):
        check_kernel(kernel(jvp=lambda p, o, t: 2 * t[0]), X, devices=["cpu"])
    with pytest.raises(TypeError, match="wanted an operation"):
        check_kernel(np.sin, X)      # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="give sample operands"):
        check_kernel(wrong)


def test_primitives() -> None:
    """Names, missing rules, foreign arrays, shapes of elementwise operands."""
    with pytest.raises(ArgumentError, match="an operation's name must be an identifier such as 'my_op', got 'my op'"):
        primitive("my op", abstract=same, impl=same)
    with pytest.raises(TypeError, match=r"primitive\('test_none'\): impl is missing or no function: None"):
        primitive("test_none", abstract=same, impl=None)     # type: ignore[arg-type]
    primitive("test_once", abstract=same, impl=same)
    with pytest.raises(ValueError, match="primitive 'test_once' is defined twice"):
        primitive("test_once", abstract=same, impl=same)
    wrong = primitive("test_lowered", abstract=same, impl=same, lower=lambda x: x.sum())
    with lantern.default_device("cpu"), pytest.raises(CustomRuleError, match=r"lower rule gave f32\[\] for result 0"):
        wrong(X)
    both = elementwise("test_both", lambda x, y: x * y)
    with pytest.raises(ShapeError, match=r"test_both: operands must have one shape and one dtype, got f32\[2,3\] and "
                                         r"f32\[3\], at test_errors.py"):
        both(X, X[0])
    with pytest.raises(NotDifferentiableError, match="Give jvp= or vjp="):
        lantern.grad(lambda x: both(x, x).sum())(jnp.asarray(X))
    with pytest.raises(TypeError, match="wanted a function of arrays, got 3"):
        linear("test_linear_of_nothing", 3, same)       # type: ignore[arg-type]
