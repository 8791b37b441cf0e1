"""From a kernel that a user wrote to a shader: declarations in front of the user's text, an entry point behind it.

The user's lines stay whole lines, so that what the compiler says of a line of the shader can be said of a line of the
user's. The arrays of one example lie at an offset in those of `vmap`: then `x[...]` becomes `x[x_base + (...)]`.
"""
from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lantern.backends.wgpu.nest import Binding
from lantern.backends.wgpu.prelude import blocks, functions_for
from lantern.backends.wgpu.scalar import wgsl_type
from lantern.backends.wgpu.shader import Grid, Shader
from lantern.errors import DeviceError, KernelError
from lantern.lower.kernel import Target
from lantern.lower.routine import Place, Routine, Written
from lantern.trace.aval import ShapedArray

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKENS = re.compile(r"//[^\n]*|/\*.*?\*/|[A-Za-z_][A-Za-z0-9_]*|\s+|.", re.DOTALL)
_MAIN = re.compile(r"\bfn\s+main\s*\(")
_PARAMETER = re.compile(r"@builtin\s*\(\s*(\w+)\s*\)\s*(\w+)\s*:\s*([\w<>]+)")


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a shader (from 1) that are a piece of the user's text."""

    first: int
    text: str
    what: str
    place: Place | None


def render_routine(routine: Routine, target: Target) -> tuple[Shader, list[Lines]]:
    """The shader of a routine, and where the user's text stands in it.

    Raises DeviceError for dtypes, sizes and counts that the device does not have, KernelError for text without what it
    needs.
    """
    w = routine.written
    if not any(a.size for a in routine.outs):
        return Shader(routine.name, "", (), Grid(0, 1, 1)), []
    bindings = _bindings(routine, target)
    offsets = _offsets(routine)
    body = _moved(w.body, offsets)
    header = _moved(w.header, offsets)
    front = [f"// {routine.name}", *_declarations(routine, bindings, _words(w.header + "\n" + w.body))]
    front += [f"var<private> {name}_base: u32;" for name in offsets]
    known = functions_for(_without(_COMMENTS.sub("", w.header + "\n" + w.body)))
    parts = _Parts()
    parts.add("\n".join(front))
    if known:
        parts.add(known)
    pieces = [parts.users(header, w.header, "header", w.header_place)] if w.header.strip() else []
    if w.grid is None:
        parts.add("fn lantern_body(i: u32) {")
        pieces.append(parts.users(body, w.body, "body", w.body_place))
        parts.add("}")
        grid, entry = _invocations(w, target, offsets)
    else:
        main = _main(routine, body)
        pieces.append(parts.users(_as_function(body), w.body, "body", w.body_place))
        grid, entry = _workgroups(routine, main, target, offsets)
    parts.add(entry)
    return Shader(routine.name, "\n".join(parts.lines) + "\n", bindings, grid), pieces


class _Parts:
    """A shader as it grows."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str) -> None:
        self.lines += [*text.split("\n"), ""]

    def users(self, text: str, original: str, what: str, place: Place | None) -> Lines:
        """Add the user's text; says where it stands."""
        first = len(self.lines) + 1
        self.add(text)
        return Lines(first, original, what, place)


def _bindings(routine: Routine, target: Target) -> tuple[Binding, ...]:
    w = routine.written
    for aval in (*routine.args, *routine.outs):
        wgsl_type(aval.dtype)
    found = [Binding(n, a.dtype, False, k) for k, (n, a) in enumerate(zip(w.inputs, routine.args, strict=True))]
    found += [Binding(n, a.dtype, True, k) for k, (n, a) in enumerate(zip(w.outputs, routine.outs, strict=True))
              if a.size]
    if len(found) > target.max_buffers + 1:
        raise DeviceError(f"{routine.name}: it has {len(found)} operands and results, but this device binds "
                          f"{target.max_buffers} buffers to a kernel. Join operands, or use the CPU device")
    return tuple(found)


def _one(avals: Sequence[ShapedArray], masks: Sequence[Sequence[bool]]) -> list[tuple[int, ...]]:
    """The shapes of one example."""
    return [a.shape[sum(m[k] for m in masks):] for k, a in enumerate(avals)]


def _declarations(routine: Routine, bindings: Sequence[Binding], used: set[str]) -> list[str]:
    """Buffers, and those constants that the text uses."""
    w = routine.written
    lines = [f"@group(0) @binding({n}) var<storage, {'read_write' if b.output else 'read'}> {b.name}: "
             f"array<{wgsl_type(b.dtype)}>;" for n, b in enumerate(bindings)]
    masks = [mask for _, mask in w.layers]
    shapes = [*zip(w.inputs, _one(routine.args, masks), strict=True),
              *zip(w.outputs, [a.shape[len(w.layers):] for a in routine.outs], strict=True)]
    for name, shape in shapes:
        if f"{name}_size" in used:
            lines.append(f"const {name}_size: u32 = {math.prod(shape)}u;")
        if f"{name}_shape" in used and shape:
            sizes = ", ".join([f"{n}u" for n in shape])
            lines.append(f"const {name}_shape = array<u32, {len(shape)}>({sizes});")
    return lines + [f"const {name} = {_number(value)};" for name, value in w.constants if name in used]


def _number(value: bool | int | float) -> str:
    """A Python number as a constant that adopts the type it meets."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", _COMMENTS.sub("", text)))


def _without(text: str) -> str:
    """The text without the names of functions that it defines itself."""
    own = set(re.findall(r"\bfn\s+(\w+)", text)) & set(blocks())
    return re.sub(rf"\b({'|'.join(own)})\b", "", text) if own else text


def _offsets(routine: Routine) -> dict[str, str]:
    """The expression of where an example's elements begin, for arrays where that is not always the start.

    `batch` is the number of the example.
    """
    w = routine.written
    masks = [mask for _, mask in w.layers]
    found: dict[str, str] = {}
    for k, (name, shape) in enumerate(zip(w.inputs, _one(routine.args, masks), strict=True)):
        if any(m[k] for m in masks):
            found[name] = _offset(w, [m[k] for m in masks], math.prod(shape))
    if w.layers:
        for name, aval in zip(w.outputs, routine.outs, strict=True):
            if aval.size:
                count = math.prod(aval.shape[len(w.layers):])
                found[name] = _offset(w, [True] * len(masks), count)
    return found


def _offset(w: Written, mask: Sequence[bool], count: int) -> str:
    if all(mask):
        return f"batch * {count}u"
    terms: list[str] = []
    inner = 1
    for (size, _), mapped in zip(reversed(w.layers), reversed(mask), strict=True):
        if mapped:
            terms.append(f"{'batch' if inner == 1 else f'batch / {inner}u'} % {size}u * {count}u")
            count *= size
        inner *= size
    return " + ".join(reversed(terms))


def _moved(text: str, names: Mapping[str, str]) -> str:
    """The text with the offset added wherever an array with one is indexed.

    >>> _moved("y[i] = x[n[i] + 1u] * 2.0; // x[0]", {"x": "", "y": ""})
    'y[y_base + (i)] = x[x_base + (n[i] + 1u)] * 2.0; // x[0]'
    """
    if not names:
        return text
    tokens: list[str] = _TOKENS.findall(text)
    made: list[str] = []
    open_brackets: list[bool] = []      # whether one needs a parenthesis before it closes
    last = ""
    for token in tokens:
        if token == "[":
            open_brackets.append(last in names)
            made.append(f"[{last}_base + (" if last in names else token)
        elif token == "]" and open_brackets:
            made.append(")]" if open_brackets.pop() else token)
        else:
            made.append(token)
        if not token.isspace() and not token.startswith(("//", "/*")):
            last = token
    return "".join(made)


def _bases(offsets: Mapping[str, str], batch: str) -> list[str]:
    if not offsets:
        return []
    return [f"  let batch = {batch};", *[f"  {n}_base = {text};" for n, text in offsets.items()]]


def _invocations(w: Written, target: Target, offsets: Mapping[str, str]) -> tuple[Grid, str]:
    """The entry point for a body that is called once for each number."""
    width = w.workgroup_size[0]
    examples = math.prod([size for size, _ in w.layers])
    total = w.threads * examples
    groups = -(-total // width)
    x = min(groups, target.max_groups)
    y = -(-groups // x)
    if total >= 1 << 31 or y > target.max_groups or width > target.max_workgroup_size:
        raise DeviceError(f"{total} invocations in workgroups of {width} are more than this device runs. Use smaller "
                          "arrays, or lax.map instead of vmap")
    grid = Grid(x, y, 1)
    number = "place" if examples == 1 else f"place % {w.threads}u"
    return grid, "\n".join([
        f"@compute @workgroup_size({width})",
        "fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {",
        f"  let place = {grid.linear} * {width}u + thread;",
        f"  if (place >= {total}u) {{ return; }}", *_bases(offsets, f"place / {w.threads}u"),
        f"  lantern_body({number});", "}"])


@dataclass(frozen=True, slots=True)
class _Main:
    """The builtins that the user's `main` takes, with the types that it says."""

    builtins: tuple[tuple[str, str], ...]


def _main(routine: Routine, body: str) -> _Main:
    text = _COMMENTS.sub("", body)
    found = _MAIN.search(text)
    if found is None:
        raise KernelError(f"{routine.name}: with `grid`, its WGSL must define the function `main`, such as "
                          "`fn main(@builtin(workgroup_id) group: vec3<u32>) { ... }`")
    close = _closing(text, found.end())
    return _Main(tuple([(b, t) for b, _, t in _PARAMETER.findall(text[found.end():close])]))


def _closing(text: str, start: int) -> int:
    depth = 1
    for k in range(start, len(text)):
        depth += (text[k] == "(") - (text[k] == ")")
        if not depth:
            return k
    return len(text)


def _as_function(body: str) -> str:
    """The user's text with `main` as an ordinary function; every line stays where it is."""
    plain = re.sub(r"@compute\b|@workgroup_size\s*\([^)]*\)|@builtin\s*\(\s*\w+\s*\)", "", body)
    return _MAIN.sub("fn lantern_body(", plain, count=1)


def _workgroups(routine: Routine, main: _Main, target: Target, offsets: Mapping[str, str]) -> tuple[Grid, str]:
    """The entry point for a user's own `main`: examples of a batch are further workgroups in z."""
    w = routine.written
    assert w.grid is not None, "internal: a routine of invocations has no workgroups"
    examples = math.prod([size for size, _ in w.layers])
    x, y, depth = w.grid
    z = depth * examples
    if max(x, y, z) > target.max_groups or math.prod(w.workgroup_size) > target.max_workgroup_size:
        raise DeviceError(f"{routine.name}: {x} x {y} x {z} workgroups of {math.prod(w.workgroup_size)} invocations "
                          f"are more than this device runs ({target.max_groups} along each axis, "
                          f"{target.max_workgroup_size} invocations). Use smaller ones, or lax.map instead of vmap")
    sizes = ", ".join([f"{n}u" for n in w.workgroup_size])
    inner = "0u" if depth == 1 else f"group.z % {depth}u"
    group = "group" if depth == z else f"vec3<u32>(group.xy, {inner})"
    given = {"workgroup_id": group, "num_workgroups": f"vec3<u32>({x}u, {y}u, {depth}u)",
             "global_invocation_id": f"({group}) * vec3<u32>({sizes}) + local"}
    passed: list[str] = []
    params = ["@builtin(workgroup_id) group: vec3<u32>", "@builtin(local_invocation_id) local: vec3<u32>"]
    for k, (builtin, kind) in enumerate(main.builtins):
        if builtin == "local_invocation_id":
            passed.append("local")
        elif builtin in given:
            passed.append(given[builtin])
        else:
            params.append(f"@builtin({builtin}) given{k}: {kind}")
            passed.append(f"given{k}")
    batch = "group.z" if depth == 1 else f"group.z / {depth}u"
    return Grid(x, y, z), "\n".join([
        f"@compute @workgroup_size({', '.join(map(str, w.workgroup_size))})", f"fn main({', '.join(params)}) {{",
        *_bases(offsets, batch), f"  lantern_body({', '.join(passed)});", "}"])


_WHERE = re.compile(r"─ \w*:(\d+):\d+")
_SAID = re.compile(r"error: (.*)")
_LABEL = re.compile(r"(\d+) │[^\n]*\n(?:[^\n\d^]*\n)*?[^\n^]*\^+ ([^\n]*)")     # a line, and what is said below it


def refusal(routine: Routine, shader: Shader, pieces: Sequence[Lines], message: str) -> KernelError:
    """What the compiler says, of the user's own line."""
    labels = _LABEL.findall(message)[:1]
    said = "; ".join([s.strip() for s in [*_SAID.findall(message)[:1], *[s for _, s in labels]]]) or message.strip()
    numbers = [int(n) for n in [*[n for n, _ in labels], *_WHERE.findall(message)[:1]]]
    for line in numbers:
        for piece in pieces:
            lines, k = piece.text.split("\n"), line - piece.first
            if 0 <= k < len(lines):
                file = f"{piece.place.file}:{piece.place.line + k}, " if piece.place else ""
                return KernelError(f"{routine.name}: its WGSL does not compile, at {file}line {k + 1} of its "
                                   f"{piece.what}: {said}\n    {lines[k].strip()}")
    if not numbers:
        return KernelError(f"{routine.name}: its WGSL does not compile: {said}")
    around = shader.text.splitlines()[numbers[0] - 1].strip()
    return KernelError(f"{routine.name}: its WGSL does not compile, at a line that lantern wrote around it: {said}\n"
                       f"    {around}")
