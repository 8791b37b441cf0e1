"""Bad and odd input on every device: what does not fit raises a message that helps; what is empty or infinite works.

The messages of single primitives are in tests/ops, those of the transforms and of jit in tests/api.
"""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.errors import ShapeError, UnknownValueError

F = Callable[..., Any]


def ones(*shape: int) -> np.ndarray[Any, Any]:
    """A float32 array."""
    return np.ones(shape, np.float32)


SHAPES: dict[str, tuple[F, tuple[tuple[int, ...], ...], str]] = {
    "add": (jnp.add, ((2, 3), (4, 3)), r"add: .*f32\[2,3\] and f32\[4,3\]"),
    "maximum": (jnp.maximum, ((3,), (2, 4)), r"maximum: .*f32\[3\] and f32\[2,4\]"),
    "logaddexp": (jnp.logaddexp, ((3,), (4,)), r"logaddexp: .*f32\[3\] and f32\[4\]"),
    "less": (jnp.less, ((2,), (3,)), r"less: .*f32\[2\] and f32\[3\]"),
    "operator": (lambda x, y: x - y, ((2,), (3,)), r"subtract: .*f32\[2\] and f32\[3\]"),
    "where": (lambda x, y: jnp.where(x > 0, x, y), ((2,), (3,)), r"where: .*bool\[2\], f32\[2\] and f32\[3\]"),
    "clip": (lambda x, y: jnp.clip(x, y), ((2,), (3,)), r"f32\[2\] and f32\[3\]"),
    "matmul": (jnp.matmul, ((2, 3), (2, 3)), r"matmul: .*f32\[2,3\].*f32\[2,3\]"),
    "matmul batches": (jnp.matmul, ((2, 3, 4), (5, 4, 3)), r"matmul: .*f32\[2,3,4\].*f32\[5,4,3\]"),
    "dot": (jnp.dot, ((3,), (4,)), r"dot: .*f32\[3\].*f32\[4\]"),
    "tensordot": (lambda x, y: jnp.tensordot(x, y, 1), ((2, 3), (2, 3)), r"tensordot: .*f32\[2,3\].*f32\[2,3\]"),
    "einsum": (lambda x, y: jnp.einsum("ij,jk->ik", x, y), ((2, 3), (2, 3)), r"einsum: .*f32\[2,3\].*f32\[2,3\]"),
    "concatenate": (lambda x, y: jnp.concatenate([x, y]), ((2, 3), (2, 4)),
                    r"concatenate: .*f32\[2,3\] and f32\[2,4\]"),
    "stack": (lambda x, y: jnp.stack([x, y]), ((2,), (3,)), r"stack: .*f32\[2\] and f32\[3\]"),
    "broadcast_to": (lambda x: jnp.broadcast_to(x, (2, 4)), ((3,),), r"broadcast_to: .*f32\[3\].*\(2, 4\)"),
    "reshape": (lambda x: jnp.reshape(x, (4, -1)), ((2, 3),), r"reshape: .*f32\[2,3\].*\(4, -1\)"),
    "squeeze": (lambda x: jnp.squeeze(x, 1), ((2, 3),), r"squeeze: .*f32\[2,3\]"),
    "take_along_axis": (lambda x, y: jnp.take_along_axis(x, y.astype(int), 1), ((2, 3), (4, 3)),
                        r"take_along_axis: .*f32\[2,3\].*i32\[4,3\]"),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_do_not_agree(device: str, name: str, compiled: bool) -> None:
    """The message names the function, the full shapes and the user's line."""
    function, shapes, pattern = SHAPES[name]

    def model(*args: Any) -> Any:
        return function(*args)

    run = lantern.jit(model) if compiled else model
    with pytest.raises((ShapeError, ValueError), match=pattern) as caught:
        run(*[jnp.asarray(ones(*s)) for s in shapes])
    assert ", at test_bad_input.py:" in str(caught.value)


@pytest.mark.parametrize("transform", [lantern.jit, lantern.vmap, lambda f: lantern.grad(lambda x: jnp.sum(f(x)))],
                         ids=["jit", "vmap", "grad"])
def test_an_error_leaves_nothing_behind(device: str, transform: F) -> None:
    x = jnp.asarray(ones(2, 3))
    f = transform(lambda v: v @ jnp.ones((4, 4)))
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"matmul: .*f32\[4,4\].*, at test_bad_input.py:\d+ in <lambda>"):
            f(x)
    assert float(jnp.sum(x)) == 6


def test_printing_an_abstract_tracer(capsys: pytest.CaptureFixture[str]) -> None:
    """`print` in a traced function says what is traced; a format asks for the value, and raises."""
    def f(x: Any) -> Any:
        print(x, [x], f"{x}")     # noqa: T201
        return x

    lantern.jit(f)(ones(2))
    assert capsys.readouterr().out == "Tracer(f32[2], jit(f)) [Tracer(f32[2], jit(f))] Tracer(f32[2], jit(f))\n"
    with pytest.raises(UnknownValueError, match=r"format\(x\) needs the value of f32\[\], at test_bad_input.py:\d+"):
        lantern.jit(lambda x: f"{jnp.sum(x):.2f}")(ones(2))


def test_indices_out_of_range(device: str) -> None:
    x = jnp.asarray(ones(2, 3))
    cases: list[tuple[F, str]] = [
        (lambda x: x[2], r"index 2 is out of range for axis 0 of f32\[2,3\]"),
        (lambda x: x[0, -4], r"index -4 is out of range for axis 1 of f32\[2,3\]"),
        (lambda x: x[:, np.int64(3)], r"index 3 is out of range for axis 1"),
        (lambda x: x[0, 0, 0], r"too many indices: f32\[2,3\] has 2 axes, got 3"),
        (lambda x: x[np.array([0, 5])], r"index 5 is out of range for axis 0"),
    ]
    for index, pattern in cases:
        for run in (index, lantern.jit(index), lantern.grad(lambda v, index=index: jnp.sum(index(v)))):
            with pytest.raises(IndexError, match=pattern + r".*, at test_bad_input.py:\d+"):
                run(x)


EMPTY: dict[str, tuple[F, F, tuple[tuple[int, ...], ...]]] = {
    "elementwise": (lambda x, y: jnp.tanh(x) * y + 1, lambda x, y: np.tanh(x) * y + 1, ((0, 3), (0, 3))),
    "broadcast": (lambda x, y: x + y, lambda x, y: x + y, ((0, 1), (3,))),
    "compare": (lambda x: jnp.where(x > 0, x, -x), abs, ((4, 0),)),
    "sum": (lambda x: x.sum(), lambda x: x.sum(), ((0, 3),)),
    "sum of rows": (lambda x: jnp.sum(x, 1), lambda x: x.sum(1), ((3, 0, 2),)),
    "no rows": (lambda x: jnp.max(x, 1), lambda x: x.max(1), ((0, 3),)),
    "argmax of no rows": (lambda x: jnp.argmax(x, 1), lambda x: x.argmax(1).astype(np.int32), ((0, 3),)),
    "prod": (lambda x: jnp.prod(x, 0), lambda x: x.prod(0), ((0, 2),)),
    "matmul m": (jnp.matmul, np.matmul, ((0, 3), (3, 4))),
    "matmul k": (jnp.matmul, np.matmul, ((2, 0), (0, 4))),
    "matmul n": (jnp.matmul, np.matmul, ((2, 3), (3, 0))),
    "matmul batch": (jnp.matmul, np.matmul, ((0, 2, 3), (0, 3, 4))),
    "matmul all": (jnp.matmul, np.matmul, ((0, 0), (0, 0))),
    "matmul and more": (lambda x, y: jnp.tanh(x @ y) + 1, lambda x, y: np.tanh(x @ y) + 1, ((2, 0), (0, 4))),
    "vector": (jnp.dot, np.dot, ((0,), (0,))),
    "einsum": (lambda x, y: jnp.einsum("ij,kj->ik", x, y), lambda x, y: x @ y.T, ((2, 0), (3, 0))),
    "concatenate": (lambda x, y: jnp.concatenate([x, y, x]), lambda x, y: np.concatenate([x, y, x]), ((0, 2), (3, 2))),
    "concatenate nothing": (lambda x: jnp.concatenate([x, x], 1), lambda x: np.concatenate([x, x], 1), ((3, 0),)),
    "stack": (lambda x: jnp.stack([x, x]), lambda x: np.stack([x, x]), ((0,),)),
    "pad": (lambda x: jnp.pad(x, 1), lambda x: np.pad(x, 1), ((0, 2),)),
    "slice": (lambda x: x[2:2, ::-1], lambda x: x[2:2, ::-1], ((3, 2),)),
    "reshape": (lambda x: x.reshape(4, 0, 2).T, lambda x: x.reshape(4, 0, 2).T, ((0, 3),)),
    "take": (lambda x: x[np.zeros(0, np.int32)], lambda x: x[np.zeros(0, np.int32)], ((3, 2),)),
    "take from no columns": (lambda x: x[np.array([2, 0])], lambda x: x[np.array([2, 0])], ((3, 0),)),
    "softmax": (lambda x: nn.softmax(x, axis=1), lambda x: x, ((0, 4),)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_zero_sizes(device: str, name: str) -> None:
    """Eager, compiled, and between operations that are not empty."""
    function, twin, shapes = EMPTY[name]
    args = [jnp.asarray(ones(*s)) for s in shapes]
    wanted = twin(*[ones(*s) for s in shapes])
    beside: Any = lantern.jit(lambda *xs: (function(*xs), jnp.arange(3) + 1))(*args)
    assert beside[1].tolist() == [1, 2, 3]
    for found in (function(*args), lantern.jit(function)(*args), beside[0]):
        assert found.shape == wanted.shape and found.dtype == wanted.dtype
        np.testing.assert_array_equal(np.asarray(found), wanted)


def test_transforms_of_zero_sizes(device: str) -> None:
    nothing, w = jnp.asarray(ones(0, 3)), jnp.asarray(ones(3, 2))

    def f(v: Any) -> Any:
        return jnp.tanh(v @ w)

    for g in (lantern.vmap(f), lantern.jit(lantern.vmap(f)), lantern.vmap(lantern.jit(f))):
        assert g(nothing).shape == (0, 2)
    gradient = lantern.grad(lambda w, x: jnp.sum(jnp.tanh(x @ w)))
    for g in (gradient, lantern.jit(gradient)):
        assert g(w, nothing).tolist() == [[0, 0]] * 3
    assert lantern.vmap(gradient, (None, 0))(w, nothing[:, None]).shape == (0, 3, 2)
    assert lantern.grad(lambda x: jnp.sum(x * x))(nothing).shape == (0, 3)
    assert lantern.jacrev(lambda x: x * 2)(nothing[:, 0]).shape == (0, 0)
    assert lantern.vmap(lambda x: jnp.sum(x), out_axes=0)(nothing).shape == (0,)
    step = lantern.jit(lambda x: x + 1, donate_argnums=0)
    assert step(step(nothing + 0)).shape == (0, 3)
    assert lantern.random.normal(lantern.random.key(0), (0, 2)).shape == (0, 2)


def test_nan_and_infinity_go_in_and_out(device: str) -> None:
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, 1.0], np.float32)
    x = jnp.asarray(special)
    np.testing.assert_array_equal(np.asarray(x), special)
    assert [repr(v) for v in x.tolist()] == [repr(v) for v in special.tolist()]
    with np.errstate(all="ignore"):
        twice = special * np.float32(2)
        wanted = [special + 1, twice, special * special, special @ special, special.sum(), special.max()]
    functions: list[F] = [lambda x: x + 1, lambda x: x * 2, lambda x: x * x, lambda x: x @ x, jnp.sum, jnp.max]
    for function, want in zip(functions, wanted, strict=True):
        for run in (function, lantern.jit(function)):
            np.testing.assert_array_equal(np.asarray(run(x)), want)
    assert np.isnan(np.asarray(nn.softmax(x))).all()
    np.testing.assert_array_equal(np.asarray(nn.softmax(jnp.asarray([0.0, -np.inf]))), [1, 0])
    slopes = np.asarray(lantern.vmap(lantern.grad(lambda v: v * v))(x))
    np.testing.assert_array_equal(slopes, twice)
    assert np.isnan(float(lantern.grad(jnp.sqrt)(-1.0)))
    assert np.isinf(float(lantern.grad(jnp.sqrt)(0.0)))


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A new interpreter: settings are read from the environment at import."""
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, text=True, timeout=120,
                          capture_output=True, check=False)


def test_a_device_that_is_not_there() -> None:
    code = "import lantern; print(lantern.devices('cpu')); lantern.numpy.ones(3)"
    found = run_python(code, LANTERN_DEVICE="nonsense")
    assert found.returncode == 1 and "cpu:0" in found.stdout
    last = found.stderr.strip().splitlines()[-1]
    assert "DeviceError: no device is called 'nonsense'; there are cpu:0" in last
    assert "LANTERN_DEVICE" in last and "lantern doctor" in last


LARGE = """
import lantern, lantern.numpy as jnp, numpy as np
small = jnp.ones((16, 16))
attempts = {
    "write": lambda: jnp.asarray(np.ones((64, 64), np.float32)),
    "result": lambda: jnp.zeros((64, 64)),
    "between": lambda: lantern.jit(lambda x: (x.reshape(256, 1) @ x.reshape(1, 256)) @ jnp.ones((256, 1)))(small),
    "bools": lambda: jnp.asarray(np.ones(5000, bool)),
    "gradient": lambda: lantern.grad(lambda x: jnp.sum(jnp.concatenate([x] * 8) ** 2))(small),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, "went well")
    except lantern.errors.DeviceError as error:
        print(name, error)
assert float(lantern.jit(lambda x: jnp.sum(x[:, :, None] * jnp.ones(100)))(small)) == 25600     # fused: fits
assert (small @ small).tolist() == [[16.0] * 16] * 16
"""


@pytest.mark.usefixtures("gpu")
def test_arrays_larger_than_a_binding() -> None:
    """A clear error and never an abort; what fits works before and after."""
    limits = "max-buffer-size=4096,max-storage-buffer-binding-size=4096"
    found = run_python(LARGE, LANTERN_DEVICE="gpu", LANTERN_LIMITS=limits)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["write", "result", "between", "bools", "gradient"]
    for line in lines:
        assert "bytes of device memory, but one buffer on this device holds at most 4096. Split the array" in line, line


@pytest.mark.usefixtures("gpu")
def test_limits_that_cannot_be_read() -> None:
    found = run_python("import lantern; lantern.numpy.ones(3)", LANTERN_DEVICE="gpu", LANTERN_LIMITS="nonsense")
    assert found.returncode == 1
    assert "DeviceError: LANTERN_LIMITS: wanted name=number" in found.stderr and "got 'nonsense'" in found.stderr
