"""Functions that fold what the lanes of a row have, through workgroup memory. All lanes get the result.

Two levels: some lanes fold every so-manieth value each, then every lane folds what these found. That needs three
barriers, where halving the lanes step by step needs two for each halving.
"""
from __future__ import annotations

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.layout import Layout
from lantern.lower.expr import DType, ReduceOp


def scratch(kind: str) -> str:
    """The workgroup array of one type.

    >>> scratch("f32"), scratch("vec2<f32>")
    ('scratch_f32', 'scratch_vec2f32')
    """
    return f"scratch_{kind.replace('<', '').replace('>', '')}"


def tree(name: str, op: ReduceOp, dtype: DType, layout: Layout) -> str:
    """The function `name(thread, lane, value)` for a fold other than ARG*."""
    kind, few = scalar.wgsl_type(dtype), _few(layout)
    shared = scratch(kind)
    return "\n".join([
        f"fn {name}(thread: u32, lane: u32, value: {kind}) -> {kind} {{",
        f"  {shared}[thread] = value;",
        "  workgroupBarrier();",
        f"  if (lane < {few}u) {{",
        "    var part = value;",
        f"    for (var k = {few}u; k < {layout.lanes}u; k = k + {few}u) {{",
        f"      let next = {shared}[{_lane('thread', layout)}];",
        f"      part = {scalar.combine(op, 'part', 'next', dtype)};",
        "    }",
        f"    {shared}[thread] = part;",
        "  }",
        "  workgroupBarrier();",
        f"  let first = {_first(layout)};",
        f"  var total = {shared}[first];",
        f"  for (var k = 1u; k < {few}u; k = k + 1u) {{",
        f"    let next = {shared}[{_lane('first', layout)}];",
        f"    total = {scalar.combine(op, 'total', 'next', dtype)};",
        "  }",
        "  workgroupBarrier();",
        "  return total;",
        "}"])


def arg_tree(name: str, op: ReduceOp, dtype: DType, layout: Layout) -> str:
    """The function `name(thread, lane, value, position)` for ARG*: of equally good values the first one wins."""
    kind, few = scalar.wgsl_type(dtype), _few(layout)
    shared = scratch(kind)

    def fold(indent: str, start: str) -> list[str]:
        return [indent + line for line in (
            f"let next = {shared}[{_lane(start, layout)}];",
            f"let place = positions[{_lane(start, layout)}];",
            f"let wins = {scalar.better(op, 'next', 'best', dtype)};",
            f"let equal = {scalar.equally_good('next', 'best', dtype)};",
            "if (wins | (equal & (place < at))) { best = next; at = place; }")]

    return "\n".join([
        f"fn {name}(thread: u32, lane: u32, value: {kind}, position: i32) -> i32 {{",
        f"  {shared}[thread] = value;",
        "  positions[thread] = position;",
        "  workgroupBarrier();",
        "  var best = value;",
        "  var at = position;",
        f"  if (lane < {few}u) {{",
        f"    for (var k = {few}u; k < {layout.lanes}u; k = k + {few}u) {{",
        *fold("      ", "thread"),
        "    }",
        f"    {shared}[thread] = best;",
        "    positions[thread] = at;",
        "  }",
        "  workgroupBarrier();",
        f"  let first = {_first(layout)};",
        f"  best = {shared}[first];",
        "  at = positions[first];",
        f"  for (var k = 1u; k < {few}u; k = k + 1u) {{",
        *fold("    ", "first"),
        "  }",
        "  workgroupBarrier();",
        "  return at;",
        "}"])


def _few(layout: Layout) -> int:
    """The lanes of the first level: about the square root of all."""
    return 1 << ((layout.lanes.bit_length() - 1) // 2)


def _lane(start: str, layout: Layout) -> str:
    """The place of the lane that is k further than `start`."""
    return f"{start} + k" + (f" * {layout.spacing}u" if layout.spacing > 1 else "")


def _first(layout: Layout) -> str:
    """The place of the first lane of an invocation's row."""
    return "thread - lane" + (f" * {layout.spacing}u" if layout.spacing > 1 else "")
