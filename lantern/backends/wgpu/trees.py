"""Functions that fold what the lanes of a row have, through workgroup memory. All lanes get the result."""
from __future__ import annotations

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.layout import Layout
from lantern.lower.expr import DType, ReduceOp


def tree(name: str, op: ReduceOp, dtype: DType, layout: Layout) -> str:
    """A function that folds the lanes of each row in workgroup memory; all of them get the result."""
    kind = scalar.wgsl_type(dtype)
    other = "thread + width" + (f" * {layout.spacing}u" if layout.spacing > 1 else "")
    return "\n".join([
        f"fn {name}(thread: u32, lane: u32, x: {kind}) -> {kind} {{",
        f"  scratch_{kind}[thread] = x;",
        "  workgroupBarrier();",
        f"  for (var width = {layout.lanes // 2}u; width > 0u; width = width / 2u) {{",
        "    if (lane < width) {",
        f"      let a = scratch_{kind}[thread];",
        f"      let b = scratch_{kind}[{other}];",
        f"      scratch_{kind}[thread] = {scalar.combine(op, 'a', 'b', dtype)};",
        "    }",
        "    workgroupBarrier();",
        "  }",
        f"  let y = scratch_{kind}[{_first(layout)}];",
        "  workgroupBarrier();",
        "  return y;",
        "}"])


def _first(layout: Layout) -> str:
    """The first lane of an invocation's row."""
    return "thread - lane" + (f" * {layout.spacing}u" if layout.spacing > 1 else "")


def arg_tree(name: str, op: ReduceOp, dtype: DType, layout: Layout) -> str:
    """As `tree` for values with positions; of equally good ones the first wins."""
    kind = scalar.wgsl_type(dtype)
    other = "thread + width" + (f" * {layout.spacing}u" if layout.spacing > 1 else "")
    return "\n".join([
        f"fn {name}(thread: u32, lane: u32, x: {kind}, position: i32) -> i32 {{",
        f"  scratch_{kind}[thread] = x;",
        "  positions[thread] = position;",
        "  workgroupBarrier();",
        f"  for (var width = {layout.lanes // 2}u; width > 0u; width = width / 2u) {{",
        "    if (lane < width) {",
        f"      let a = scratch_{kind}[thread];",
        f"      let b = scratch_{kind}[{other}];",
        "      let i = positions[thread];",
        f"      let j = positions[{other}];",
        f"      let wins = {scalar.better(op, 'b', 'a', dtype)};",
        f"      let equal = {scalar.equally_good('a', 'b', dtype)};",
        "      if (wins || (equal && j < i)) {",
        f"        scratch_{kind}[thread] = b;",
        "        positions[thread] = j;",
        "      }",
        "    }",
        "    workgroupBarrier();",
        "  }",
        f"  let y = positions[{_first(layout)}];",
        "  workgroupBarrier();",
        "  return y;",
        "}"])
