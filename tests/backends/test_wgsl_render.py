"""Rendering needs no adapter: the texts of typical kernels, and what rendering promises."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from lantern.backends.wgpu.prelude import blocks, functions_for
from lantern.backends.wgpu.render import render
from lantern.errors import DeviceError
from lantern.lower.expr import Body, ReduceOp, ScalarOp, row_major
from lantern.lower.kernel import Kernel, Stage, Store, Target
from lantern.source import Source
from lantern.trace.aval import shaped
from tests.device.kernels import F32, elementwise, f32, product, reduction, scatter, softmax

TARGET = Target("wgpu", max_buffers=7, max_binding=1 << 27, recompute=True)
Golden = Callable[[str, str], None]


def layer(rows: int, cols: int) -> Kernel:
    """tanh(x * 2 + b), with the lines of a user's file."""
    code = compile("y = x * 2\nz = y + b\nreturn_ = tanh(z)\n", "model.py", "exec").replace(co_name="layer")
    lines = [Source(code, start) for start, _, line in code.co_lines() if line and start]
    by_line = {source.line: source for source in lines}
    body = Body(2)
    x, two = body.load(0, (cols, 1)), body.const(2.0, F32)
    y = body.apply(ScalarOp.MUL, x, two, dtype=F32)
    z = body.apply(ScalarOp.ADD, y, body.load(1, (0, 1)), dtype=F32)
    result = body.apply(ScalarOp.TANH, z, dtype=F32)
    sources = tuple([by_line[n] for n in (1, 1, 1, 2, 2, 3)])
    stage = Stage((rows, cols), body.done(), (), (Store(0, result, 0, (cols, 1)),), sources)
    return Kernel((f32(rows, cols), f32(cols)), (f32(rows, cols),), (), (stage,), name="layer")


def turned(rows: int, cols: int) -> Kernel:
    """x.T + row, of which every third column is padding."""
    def write(b: Body) -> int:
        return b.apply(ScalarOp.ADD, b.load(0, (1, rows)), b.load(1, (0, 1)), dtype=F32)

    return elementwise([f32(cols, rows), f32(cols)], f32(rows, cols), write, "turned")


@pytest.mark.parametrize(("name", "kernel"), [
    ("elementwise", layer(64, 32)), ("turned", turned(9, 7)),
    ("sum_columns", reduction(f32(500, 40), ReduceOp.SUM, (0,))),
    ("argmax_rows", reduction(f32(30, 100), ReduceOp.ARGMAX, (1,), "argmax")), ("softmax", softmax(10, 300)),
    ("product", product(1, 20, 24, 40, bias=True)), ("scatter", scatter(100, 10, F32)),
], ids=lambda x: x if isinstance(x, str) else "")
def test_texts(golden: Golden, name: str, kernel: Kernel) -> None:
    golden(f"wgsl/{name}.txt", render(kernel, TARGET).text)


@pytest.mark.parametrize(("name", "kernel", "moving"), [
    ("rows", layer(16, 32), ["arg0", "out0"]), ("odd_rows", layer(3, 5), ["arg1", "out0"]),
    ("rows_folded", reduction(f32(8, 100), ReduceOp.SUM, (1,), "folded"), ["arg0", "out0"]),
    ("rows_multiplied", product(1, 20, 24, 40, bias=True), ["arg0", "out0"]),
], ids=lambda x: x if isinstance(x, str) else "")
def test_rows_of_loops(golden: Golden, name: str, kernel: Kernel, moving: list[str]) -> None:
    """Where the step of a loop is added to addresses."""
    shader = render(kernel, TARGET, moving=moving)
    golden(f"wgsl/{name}.txt", shader.text)
    assert shader.bindings == render(kernel, TARGET).bindings       # the number of the row is no storage buffer


def test_vectors_are_read_where_every_row_begins_with_one() -> None:
    for cols, buffers in ((32, "array<vec4<f32>>"), (5, "array<f32>")):
        text = render(layer(3, cols), TARGET, moving=["arg0"]).text
        assert f"arg0: {buffers}" in text and "turn.x" in text
    small = [Kernel(k.args, (shaped((n,), np.dtype("int8")),), (), k.stages) for n in (4, 6)
             for k in [elementwise([shaped((n,), np.dtype("int8"))], f32(n), lambda b: b.load(0, (1,)))]]
    texts = [render(k, TARGET, moving=["out0"]).text for k in small]
    assert "atomic" not in texts[0] and "atomicOr" in texts[1]      # rows that share a word


def test_equal_kernels_have_equal_texts() -> None:
    assert render(layer(8, 8), TARGET) == render(layer(8, 8), TARGET)


def test_lines_of_the_user_stand_above_their_statements() -> None:
    text = render(layer(64, 32), TARGET).text
    places = [text.index(f"// model.py:{n} in layer") for n in (1, 2, 3)]
    assert places == sorted(places) and text.count("// model.py") == 3


def test_shared_memory_is_bound_once() -> None:
    shader = render(layer(64, 32), TARGET, {0: 0})
    assert [(b.name, b.output) for b in shader.bindings] == [("arg1", False), ("out0", True)]
    assert "arg0" not in shader.text


def test_only_needed_functions() -> None:
    text = render(layer(64, 32), TARGET).text
    assert "fn tanh_f32" in text and "fn expm1_core" in text and "fn log_f32" not in text


def test_the_prelude_is_complete() -> None:
    table = blocks()
    assert "exp_f32" in table and len(table) > 40
    whole = functions_for(" ".join(table))
    assert all(whole.count(f"fn {name}(") == 1 for name in table)


def test_nothing_to_do() -> None:
    assert render(elementwise([f32(0)], f32(0), lambda b: b.load(0, (1,))), TARGET).text == ""
    assert render(reduction(f32(0, 4), ReduceOp.SUM, (1,)), TARGET).text == ""


def test_barriers_are_not_under_conditions() -> None:
    """Other compilers of WGSL refuse barriers that not all invocations of a workgroup reach."""
    for kernel in (softmax(10, 300), reduction(f32(30, 100), ReduceOp.ARGMAX, (1,)), product(2, 37, 41, 29)):
        depth, loops = 0, [0]
        for line in render(kernel, TARGET).text.splitlines():
            text = line.strip()
            if text == "workgroupBarrier();":
                assert depth - 1 == len(loops) - 1, f"a barrier under a condition in {kernel.name}"
            opened, closed = text.count("{"), text.count("}")
            if opened > closed and text.startswith("for "):
                loops.append(depth)
            depth += opened - closed
            if closed > opened and depth == loops[-1] and len(loops) > 1:
                loops.pop()


def test_limits() -> None:
    with pytest.raises(DeviceError, match=r"f32\[10,100\] needs 4000 bytes .* at most 1024"):
        render(layer(10, 100), dataclasses.replace(TARGET, max_binding=1024))
    few = dataclasses.replace(TARGET, max_groups=1)
    with pytest.raises(DeviceError, match=r"kernel layer needs .* workgroups"):
        render(layer(100, 100), few)
    with pytest.raises(DeviceError, match="positions"):
        render(elementwise([], f32(4), lambda b: b.const(1, F32)).__class__(
            (), (f32(1),), (), (Stage((1 << 31,), (), (), ()),)), TARGET)


def test_small_workgroups() -> None:
    text = render(softmax(100, 4096), dataclasses.replace(TARGET, max_workgroup_size=64)).text
    assert "@workgroup_size(64)" in text
    text = render(product(1, 300, 300, 64), dataclasses.replace(TARGET, max_workgroup_size=64)).text
    assert "@workgroup_size(32)" in text


def test_rows_and_columns_are_one_domain_without_a_fold() -> None:
    kernel = elementwise([f32(6, 8)], f32(6, 8), lambda b: b.load(0, (8, 1)))
    same = Kernel(kernel.args, kernel.outs, (6,), (dataclasses.replace(kernel.stages[0], cols=(8,)),))
    assert render(kernel, TARGET).text == render(same, TARGET).text
    assert row_major((6, 8)) == (8, 1)
