"""Ahead of time: lowering from types, calls that are checked, costs and memory of hand-counted programs."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import ShapeDtypeStruct, lax
from lantern.errors import ArgumentError, DeviceError, DonatedArrayError
from lantern.stages import Lowered
from tests.conftest import need_gpu


def struct(*shape: int, dtype: Any = jnp.float32) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(shape, dtype)


def lowered(f: Any, *args: Any, **options: Any) -> Lowered:
    with lantern.default_device("cpu"):
        return lantern.jit(f, **options).lower(*args)


def test_from_types_to_values(device: str) -> None:
    """Nothing but types is needed up to the call, which gives what jit gives."""
    f = lantern.jit(lambda p, x: {"y": jnp.tanh(x @ p["w"]) + p["b"]})
    types = {"w": struct(3, 4), "b": struct(4)}
    stage = f.trace(types, x=struct(5, 3)).lower()
    compiled = stage.compile()
    p = {"w": np.ones((3, 4), np.float32), "b": np.arange(4, dtype=np.float32)}
    x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
    out = compiled(p, x=x)
    np.testing.assert_allclose(out["y"], np.tanh(x @ p["w"]) + p["b"], rtol=1e-5)
    np.testing.assert_array_equal(out["y"], f(p, x=x)["y"])
    assert str(compiled.in_tree) == "(({'b': *, 'w': *},), {'x': *})" and str(compiled.out_tree) == "{'y': *}"
    assert [str(a) for a in compiled.in_avals] == ["f32[4]", "f32[3,4]", "f32[5,3]"]
    assert str(compiled.out_info["y"]) == "f32[5,4]" and str(compiled.args_info[1]["x"]) == "f32[5,3]"


def test_types_alone() -> None:
    f = lantern.jit(lambda n, x: {"y": x[:n] + 1}, static_argnums=0)
    found = f.eval_shape(2, struct(5, 3))["y"]
    assert (found.shape, found.dtype) == ((2, 3), np.float32)


def test_texts() -> None:
    stage = lowered(lambda x: jnp.sin(x) + 1.0, struct(4))
    assert stage.as_text().startswith("program (s0:f32[4])") and "sin" in stage.as_text("simplified")
    assert "sin(" in stage.compile().as_text()
    need_gpu()
    wgsl = stage.traced.lower("gpu").compile().as_text()
    assert "@compute" in wgsl and "sin" in wgsl


def test_a_compiled_function_never_traces() -> None:
    count = []

    def f(x: Any) -> Any:
        count.append(1)
        return x + 1.0

    compiled = lowered(f, struct(2)).compile()
    for _ in range(3):
        assert compiled(jnp.ones(2)).tolist() == [2.0, 2.0]
    assert len(count) == 1


def test_wrong_arguments_name_the_leaf_both_types_and_a_cure() -> None:
    compiled = lowered(lambda p, x: p["w"] * x, {"w": struct(3)}, struct(3)).compile()
    with pytest.raises(ArgumentError, match=r"compiled <lambda>: argument `p\['w'\]` must be f32\[3\], got f32\[2\], "
                                            r"at test_ahead.py:\d+ in .*\. Convert it"):
        compiled({"w": np.ones(2, np.float32)}, np.ones(3, np.float32))
    with pytest.raises(ArgumentError, match=r"`x` must be f32\[3\], got i32\[3\]"):
        compiled({"w": np.ones(3, np.float32)}, np.ones(3, np.int32))
    with pytest.raises(ArgumentError, match=r"compiled for arguments of the structure \(\({'w': \*}, \*\), {}\), got"):
        compiled(np.ones(3, np.float32), np.ones(3, np.float32))
    with pytest.raises(TypeError, match=r"cannot be transformed, at .*\. Call the jitted function inside"):
        lantern.grad(lambda x: compiled({"w": jnp.ones(3)}, x).sum())(jnp.ones(3))
    with pytest.raises(TypeError, match=r"argument `x` must be an array or a number"):
        compiled({"w": np.ones(3, np.float32)}, "three")


def test_arrays_of_another_device_are_refused() -> None:
    need_gpu()
    compiled = lowered(lambda x: x + 1.0, struct(3)).compile()
    with pytest.raises(DeviceError, match="two devices"):
        compiled(lantern.device_put(np.ones(3, np.float32), "gpu"))


def test_static_arguments_are_left_out_of_the_call() -> None:
    f = lantern.jit(lambda n, x, flip=False: (-x if flip else x) * n, static_argnums=0, static_argnames="flip")
    compiled = f.lower(3, struct(2), flip=True).compile()
    assert compiled(jnp.ones(2)).tolist() == compiled(x=jnp.ones(2)).tolist() == [-3.0, -3.0]
    with pytest.raises(ArgumentError, match=r"at most 1 arguments \(x\), got 2"):
        compiled(3, jnp.ones(2))


def test_donated_arguments() -> None:
    stage = lowered(lambda x, y: x + y, struct(100), struct(100), donate_argnums=0)
    memory = stage.memory_analysis()
    assert (memory.alias_size_in_bytes, memory.temp_size_in_bytes, memory.peak_memory_in_bytes) == (400, 0, 800)
    x, y = jnp.ones(100), jnp.ones(100)
    assert stage.compile()(x, y).tolist() == [2.0] * 100
    assert x.is_deleted() and not y.is_deleted()
    with pytest.raises(DonatedArrayError, match="was donated"):
        stage.compile()(x, y)
    with pytest.raises(DonatedArrayError, match="`x` is donated and given a second time"):
        stage.compile()(y, y)


def test_captured_arrays_are_constants() -> None:
    table = jnp.arange(50.0)
    stage = lowered(lambda x: x + table, struct(50))
    assert stage.memory_analysis().constant_size_in_bytes == 200 == stage.memory_analysis().argument_size_in_bytes
    assert stage.compile()(jnp.zeros(50)).tolist() == table.tolist()
    assert [str(a) for a in stage.in_avals] == ["f32[50]"]


def test_captured_arrays_are_brought_once() -> None:
    table = np.arange(50.0, dtype=np.float32)
    compiled = lowered(lambda x: x + table, struct(50)).compile()
    assert compiled(jnp.zeros(50)).tolist() == compiled(jnp.zeros(50)).tolist() == table.tolist()
    assert [type(x).__name__ for x in compiled.captured] == ["DeviceArray"]
    with pytest.raises(TypeError, match=r"compile\(<lambda>\): it uses f32.*, made at .*\. Pass it as an argument"):
        lantern.grad(lambda y: lantern.jit(lambda x: x * y).lower(1.0).compile()(1.0))(2.0)


def counted(f: Any, *args: Any) -> tuple[int, int, int]:
    found = lowered(f, *args).cost_analysis()
    return found["flops"], found["transcendentals"], found["bytes accessed"]


def test_elementwise_costs() -> None:
    """(x + y) * 2: two operations an element; 100 elements read twice and written once."""
    assert counted(lambda x, y: (x + y) * 2.0, struct(100), struct(100)) == (200, 0, 1200)
    assert counted(lambda x: jnp.exp(x) - 1.5, struct(10)) == (10, 10, 80)
    assert counted(lambda x: x * 3 + 1, struct(10, dtype=jnp.int32)) == (0, 0, 80)


def test_reduction_costs() -> None:
    """A sum of n numbers is n - 1 additions; rows are counted apart."""
    assert counted(jnp.sum, struct(100)) == (99, 0, 404)
    assert counted(lambda x: jnp.sum(x * x, 1), struct(4, 5)) == (20 + 16, 0, 80 + 16)


def test_product_costs() -> None:
    """2 m n k, with what was fused behind it."""
    assert counted(lambda x, y: x @ y, struct(4, 5), struct(5, 6)) == (2 * 4 * 5 * 6, 0, 4 * (20 + 30 + 24))
    assert counted(lambda x, y: jnp.tanh(x @ y), struct(4, 5), struct(5, 6))[:2] == (240, 24)
    complex_flops, _, _ = counted(lambda x, y: x @ y, struct(4, 5, dtype=jnp.complex64),
                                  struct(5, 6, dtype=jnp.complex64))
    assert complex_flops == 8 * 4 * 5 * 6


def test_parts_of_arrays_count_as_parts() -> None:
    """Ten elements of a thousand are read; a row that serves all rows is read once."""
    assert counted(lambda x: x[5:15] + 1.0, struct(1000)) == (10, 0, 80)
    assert counted(lambda x, y: x + y, struct(10, 20), struct(20)) == (200, 0, 4 * (200 + 20 + 200))


def test_loop_costs() -> None:
    """A scan counts as often as it runs; the table says how often each kernel does."""
    def f(x: Any) -> Any:
        return lax.fori_loop(0, 7, lambda i, c: jnp.sin(c) * 2.0, x)

    found = lowered(f, struct(10)).cost_analysis()
    assert (found["flops"], found["transcendentals"]) == (70, 70)
    assert [k.launches for k in found.kernels if k.each.flops] == [7] and not found.notes
    assert "7" in str(found) and str(found).splitlines()[-1].startswith("total")


def test_what_is_not_known_is_said() -> None:
    found = lowered(lambda x: lax.while_loop(lambda c: c[0] < 10.0, lambda c: c + 1.0, x), struct(3)).cost_analysis()
    assert found["flops"] == 3 + 1 and "a while loop is counted as one step" in found.notes[0]
    assert "while loop" in str(found)
    branch = lowered(lambda i, x: lax.switch(i, [lambda x: x, jnp.sin, lambda x: x * 2.0 + 1.0], x),
                     struct(dtype=jnp.int32), struct(4)).cost_analysis()
    assert branch["flops"] == 8 and "of branches" in branch.notes[0]
    host = lowered(lambda x: lantern.pure_callback(np.sin, struct(3), x), struct(3)).cost_analysis()
    assert host["flops"] == 0 and "calls of Python" in host.notes[0]


def test_memory_of_a_chain() -> None:
    """A product needs its operand whole: 3 values of 400 bytes at once, of which two are argument and result."""
    memory = lowered(lambda x: jnp.sin(x @ x) @ x, struct(10, 10)).memory_analysis()
    assert (memory.argument_size_in_bytes, memory.output_size_in_bytes) == (400, 400)
    assert memory.temp_size_in_bytes == 400 and memory.peak_memory_in_bytes == 1200
    assert memory.generated_code_size_in_bytes > 100
