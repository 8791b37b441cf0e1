"""The shaders made of users' WGSL: their texts (which Tint reads with all other golden texts), and their corners."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lantern.backends.wgpu.written import render_routine
from lantern.errors import DeviceError
from lantern.extend import Operation
from lantern.extend.where import find_text
from lantern.lower.kernel import HostCall, Target
from lantern.lower.routine import Place, Routine
from lantern.source import user_source
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.primitive import Structured
from tests.extend import kernels

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)
PORTABLE = Target("wgpu", max_buffers=7, max_binding=1 << 27)
Layers = tuple[tuple[int, tuple[bool, ...]], ...]


def routine(op: Operation, avals: list[ShapedArray], layers: Layers = (), **params: Any) -> Routine | HostCall:
    """What the operation is lowered to."""
    assert isinstance(op.primitive.lower, Structured)
    rule = op.primitive.lower.rule
    found = rule(avals, lambda *_: pytest.fail("no jaxpr inside"), **op.fixed, layers=layers, **params)
    assert isinstance(found, (Routine, HostCall))
    return found


def text(op: Operation, avals: list[ShapedArray], layers: Layers = (), **params: Any) -> str:
    found = routine(op, avals, layers, **params)
    assert isinstance(found, Routine)
    return render_routine(found, PORTABLE)[0].text


TEXTS: dict[str, Callable[[], str]] = {
    "laplacian": lambda: text(kernels.laplacian, [shaped((4, 6), F32)]),
    "laplacian_mapped": lambda: text(kernels.laplacian, [shaped((5, 4, 6), F32)], ((5, (True,)),)),
    "row_sums": lambda: text(kernels.row_sums, [shaped((4, 70), F32)]),
    "row_sums_mapped": lambda: text(kernels.row_sums, [shaped((2, 3, 4, 70), F32)], ((2, (True,)), (3, (True,)))),
    "turned_mapped": lambda: text(kernels.turned, [shaped((5, 11, 20), F32)], ((5, (True,)),)),
    "paired": lambda: text(kernels.paired, [shaped((3, 5), F32)], doubled=True),
    "weighted_nested": lambda: text(kernels.weighted, [shaped((3, 4, 6), F32), shaped((2, 6), F32)],
                                    ((2, (False, True)), (3, (True, False)))),
    "wrapped": lambda: text(kernels.wrapped, [shaped((9,), I32)], period=7),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"wgsl/written_{name}.txt", TEXTS[name]())


def test_the_users_lines_stay_whole() -> None:
    """Each piece stands where the renderer says."""
    found = routine(kernels.gelu_slope, [shaped((2, 5), F32)], ((2, (True,)),))
    assert isinstance(found, Routine)
    shader, pieces = render_routine(found, PORTABLE)
    lines = shader.text.split("\n")
    assert [p.what for p in pieces] == ["header", "body"]
    for piece in pieces:
        for k, line in enumerate(piece.text.split("\n")):
            assert re.sub(r"\w+_base \+ \((\w+)\)", r"\1", lines[piece.first - 1 + k]) == line


def test_limits() -> None:
    """Buffers, workgroups, and nothing to do."""
    pair = [shaped((3, 4), F32)] * 2
    found = routine(kernels.polar, pair)
    assert isinstance(found, Routine)
    with pytest.raises(DeviceError, match="it has 4 operands and results, but this device binds 2"):
        render_routine(found, Target("wgpu", max_buffers=2))
    many = routine(kernels.row_sums, [shaped((70000, 1, 2), F32)], ((70000, (True,)),))
    assert isinstance(many, Routine)
    with pytest.raises(DeviceError, match=r"1 x 1 x 70000 workgroups .* lax.map"):
        render_routine(many, PORTABLE)
    wide = routine(kernels.gelu, [shaped((1 << 23,), F32)])
    assert isinstance(wide, Routine)
    assert render_routine(wide, PORTABLE)[0].grid.y == 3, "more workgroups than one axis has"
    empty = routine(kernels.gelu, [shaped((0,), F32)])
    assert isinstance(empty, Routine)
    assert render_routine(empty, PORTABLE)[0].text == ""
    assert isinstance(routine(kernels.weighted, [shaped((2, 3), F32), shaped((0,), F32)]), HostCall), "no empty buffers"


def test_where_a_text_stands() -> None:
    """In this file, by content and not by indentation; None for what was put together."""
    here = user_source()
    assert here is not None
    written = """
        first line;
        second line;
    """
    place = find_text(written, here)
    assert isinstance(place, Place)
    assert (place.file, place.line) == ("test_written.py", here.line + 2)
    assert find_text("first line;\nsecond line;", here) == Place("test_written.py", here.line + 3)
    assert find_text("first line;" + "\nthird line;", here) is None
    assert find_text("  ", here) is None
