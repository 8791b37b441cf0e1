"""The WGSL of Fourier transforms whose lines fit into workgroup memory.

Stockham's form, which needs no bit reversal, of mixed radix: N. K. Govindaraju, B. Lloyd, Y. Dotsenko, B. Smith and
J. Manferdelli, "High performance discrete Fourier transforms on graphics processors", 2008. A workgroup transforms
several neighbouring lines. The first pass reads from the array and the last one writes to it; in between the numbers
wait in workgroup memory, where one buffer is enough, since all are in registers while it is written again.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lantern.lower.kernel import Target
from lantern.lower.routine import Written

RADICES = (13, 11, 7, 5, 3, 4, 2)
MOST = 4096         # elements of a workgroup: 16 in the registers of each of 256 invocations
USUAL = 1024        # elements of a workgroup that has several lines to choose from
NEIGHBOURS = 8      # lines of a workgroup where those are neighbours in memory

_ROOT = """// exp(TURNS 2 pi i k / n), from an angle of at most pi/4; `step` is pi / (4 n).
fn root(k: u32, n: u32, step: f32) -> vec2<f32> {
  let quadrant = (8u * k / n + 1u) / 2u;
  let angle = f32(i32(8u * k) - i32(2u * quadrant * n)) * step;
  let odd = (quadrant & 1u) == 1u;
  let s = sin_core(angle);
  let c = cos_core(angle);
  let x = select(c, s, odd);
  let y = select(s, c, odd);
  let far = quadrant == 2u;
  return vec2<f32>(select(x, -x, far || quadrant == 1u), SIGNselect(y, -y, far || quadrant == 3u));
}"""
# Of n real numbers there is the first half of the spectrum, `half` elements; the others are their conjugates.
_MIRRORED = """fn mirrored(base: u32, element: u32) -> vec2<f32> {
  if (element < HALFu) { return x[base + element * INNERu]; }
  return conj_c64(x[base + (SIZEu - element) * INNERu]);
}"""
_TURN = "// Times SIGN.\nfn turn(z: vec2<f32>) -> vec2<f32> { return vec2<f32>(TURNED); }"


def radices(n: int) -> tuple[int, ...] | None:
    """The factors that a transform of length n is made of; None if n has a prime factor above 13.

    >>> radices(360), radices(34)
    ((5, 3, 3, 4, 2), None)
    """
    found: list[int] = []
    for r in RADICES:
        while n % r == 0:
            found.append(r)
            n //= r
    return tuple(found) if n == 1 else None


def longest(target: Target) -> int:
    """The longest line that fits into a workgroup of the device."""
    return min(MOST, target.max_workgroup_memory // 8)


@dataclass(frozen=True, slots=True)
class Lines:
    """`count` lines of length n. Elements of a line are `inner` apart, and so many lines are neighbours in memory.

    A workgroup of `threads` invocations transforms `per` of them. `real`: the numbers that are given (or, if `inverse`,
    made) are real, and of the spectrum the first half is made (or given).
    """

    n: int
    inner: int
    count: int
    per: int
    threads: int
    groups: tuple[int, int]
    inverse: bool = False
    real: bool = False

    @property
    def half(self) -> int:
        """Elements of the spectrum that there are in memory."""
        return self.n // 2 + 1 if self.real else self.n

    @property
    def given(self) -> int:
        """Elements of a line that is read."""
        return self.half if self.inverse else self.n

    @property
    def made(self) -> int:
        """Elements of a line that is written."""
        return self.n if self.inverse else self.half

    def place(self, line: str, element: str) -> str:
        """An element of a line in workgroup memory: neighbours there are neighbours among the invocations."""
        if self.per == 1:
            return element
        return f"{line} * {self.n}u + {element}" if self.inner == 1 else f"({element}) * {self.per}u + {line}"

    @property
    def ragged(self) -> bool:
        """Whether some workgroups have lines that do not exist."""
        return self.groups[0] * self.groups[1] * self.per != self.count


def lay_out(shape: Sequence[int], axis: int, target: Target, inverse: bool = False, real: bool = False) -> Lines:
    """How the lines along an axis are shared by workgroups; `shape` is that of the longer side."""
    n, inner = shape[axis], math.prod(shape[axis + 1:])
    count = math.prod(shape) // n
    most = longest(target)
    per = min(count, max(1, min(USUAL, most) // n, min(NEIGHBOURS, most // n) if inner > 1 else 1))
    threads = min(256, target.max_workgroup_size, max(32, 1 << (per * n // 4).bit_length()))
    groups = -(-count // per)
    x = min(groups, target.max_groups)
    return Lines(n, inner, count, per, threads, (x, -(-groups // x)), inverse, real)


def written(shape: Sequence[int], axis: int, inverse: bool, target: Target, real: bool = False) -> Written:
    """The kernel of transforms along an axis, of a length for which there are `radices`.

    `real`: from real numbers to half a spectrum, or back if `inverse`; `shape` is that of the real numbers.
    """
    lines = lay_out(shape, axis, target, inverse, real)
    found = radices(lines.n)
    assert found, f"internal: no kernel for length {lines.n}"
    text = ["fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {",
            f"  let first = (group.y * {lines.groups[0]}u + group.x) * {lines.per}u;"]
    done = 1
    for number, radix in enumerate(found):
        text += _pass(lines, radix, done, number == 0, number == len(found) - 1)
        done *= radix
    text.append("}")
    sign, turned = ("", "-z.y, z.x") if inverse else ("-", "z.y, -z.x")
    header = [_TURN.replace("SIGN", f"{sign}i").replace("TURNED", turned), *[_butterfly(r) for r in sorted(set(found))]]
    if real and inverse:
        mirrored = _MIRRORED.replace("HALF", str(lines.half)).replace("SIZE", str(lines.n))
        header.append(mirrored.replace("INNER", str(lines.inner)))
    if len(found) > 1:
        header = [_ROOT.replace("TURNS ", sign).replace("SIGN", sign), *header,
                  f"var<workgroup> slab: array<vec2<f32>, {lines.per * lines.n}>;"]
    return Written(("x",), ("y",), "\n".join(text), "\n\n".join(header), (), (lines.threads, 1, 1),
                   grid=(*lines.groups, 1))


def _pass(lines: Lines, radix: int, done: int, first: bool, last: bool) -> list[str]:
    """One pass: every invocation loads what its butterflies need, all wait, it computes and stores."""
    count = lines.n // radix            # butterflies of a line
    total = count * lines.per
    turns = range(-(-total // lines.threads))
    text = ["  {"]
    for b in turns:
        text += _where(lines, b, count)
        text += _bases(lines, b, first, last)
        text += [f"    var u{b}_{q}: vec2<f32>;" for q in range(radix)]
        loads = [f"u{b}_{q} = {_read(lines, b, q * count, first)};" for q in range(radix)]
        text += _guarded(f"t{b} < {total}u" if (b + 1) * lines.threads > total else "", loads)
    if not first:
        text.append("    workgroupBarrier();")
    for b in turns:
        tests = [f"t{b} < {total}u"] * ((b + 1) * lines.threads > total)
        tests += [f"line{b} < {lines.count}u"] * (last and lines.ragged)
        text += _guarded(" && ".join(tests), _compute(lines, b, radix, done, last))
    if not last:
        text.append("    workgroupBarrier();")
    return [*text, "  }"]


def _guarded(test: str, statements: Sequence[str]) -> list[str]:
    head = [f"    if ({test}) {{"] if test else ["    {"]
    return [*head, *["      " + s for s in statements], "    }"]


def _where(lines: Lines, b: int, count: int) -> list[str]:
    """Which butterfly of which line turn b is."""
    text = [f"let t{b} = thread + {b * lines.threads}u;"]
    if lines.per == 1:
        text += [f"let c{b} = 0u;", f"let j{b} = t{b};"]
    elif lines.inner == 1:
        text += [f"let c{b} = t{b} / {count}u;", f"let j{b} = t{b} % {count}u;"]
    else:
        text += [f"let c{b} = t{b} % {lines.per}u;", f"let j{b} = t{b} / {lines.per}u;"]
    return ["    " + line for line in text]


def _bases(lines: Lines, b: int, first: bool, last: bool) -> list[str]:
    """Where the line of turn b begins in the arrays. In place of lines that do not exist the last one is read."""
    text: list[str] = []
    if first or last:
        known = f"min(first + c{b}, {lines.count - 1}u)" if lines.ragged else f"first + c{b}"
        text += [f"let line{b} = first + c{b};", f"let known{b} = {known};"]
    for name, length in (("from", lines.given),) * first + (("to", lines.made),) * last:
        start = (f"known{b} * {length}u" if lines.inner == 1 else
                 f"known{b} / {lines.inner}u * {length * lines.inner}u + known{b} % {lines.inner}u")
        text.append(f"let {name}{b} = {start};")
    return ["    " + line for line in text]


def _far(lines: Lines, base: str, element: str) -> str:
    """An element of a line in the arrays."""
    return f"{base} + {element}" if lines.inner == 1 else f"{base} + ({element}) * {lines.inner}u"


def _read(lines: Lines, b: int, shift: int, first: bool) -> str:
    element = f"j{b} + {shift}u" if shift else f"j{b}"
    if not first:
        return f"slab[{lines.place(f'c{b}', element)}]"
    if lines.real and lines.inverse:
        return f"mirrored(from{b}, {element})"
    found = f"x[{_far(lines, f'from{b}', element)}]"
    return f"vec2<f32>({found}, 0.0)" if lines.real else found


def _compute(lines: Lines, b: int, radix: int, done: int, last: bool) -> list[str]:
    """Turn the operands by powers of a root of unity, transform them, and store them in their new order."""
    text: list[str] = []
    names = [f"u{b}_{q}" for q in range(radix)]
    place = f"j{b} * {radix}u"
    if done > 1:
        size = done * radix
        text += [f"let k = j{b} % {done}u;", f"let w1 = root(k, {size}u, {math.pi / (4 * size)!r});"]
        text += [f"let w{q} = mul_c64(w{q // 2}, w{q - q // 2});" for q in range(2, radix)]
        names = [names[0], *[f"mul_c64({name}, w{q})" for q, name in enumerate(names[1:], start=1)]]
        place = f"j{b} / {done}u * {size}u + k"
    text.append(f"let v = dft{radix}({', '.join(names)});")
    text.append(f"let e = {place};")
    for q in range(radix):
        element = f"e + {q * done}u" if q else "e"
        text.append(_write(lines, b, element, f"v.v{q}") if last
                    else f"slab[{lines.place(f'c{b}', element)}] = v.v{q};")
    return text


def _write(lines: Lines, b: int, element: str, value: str) -> str:
    """The statement that stores one result."""
    target = f"y[{_far(lines, f'to{b}', element)}]"
    if lines.inverse:
        return f"{target} = {1 / lines.n!r} * {value}{'.x' * lines.real};"
    return f"if ({element} < {lines.half}u) {{ {target} = {value}; }}" if lines.real else f"{target} = {value};"


def _butterfly(radix: int) -> str:
    """The function that transforms `radix` numbers, and the struct of its results."""
    head = [f"struct Dft{radix} {{ {', '.join([f'v{q}: vec2<f32>' for q in range(radix)])} }}", "",
            f"fn dft{radix}({', '.join([f'u{q}: vec2<f32>' for q in range(radix)])}) -> Dft{radix} {{"]
    if radix == 2:
        return "\n".join([*head, "  return Dft2(u0 + u1, u0 - u1);", "}"])
    if radix == 4:
        return "\n".join([*head, "  let a = u0 + u2;", "  let b = u0 - u2;", "  let c = u1 + u3;",
                          "  let d = turn(u1 - u3);", "  return Dft4(a + c, b + d, a - c, b - d);", "}"])
    half = radix // 2
    for q in range(1, half + 1):
        head += [f"  let s{q} = u{q} + u{radix - q};", f"  let d{q} = u{q} - u{radix - q};"]
    for k in range(1, half + 1):
        angles = [2 * math.pi * (q * k % radix) / radix for q in range(1, half + 1)]
        even = " + ".join([f"{math.cos(a)!r} * s{q}" for q, a in enumerate(angles, start=1)])
        odd = " + ".join([f"{math.sin(a)!r} * d{q}" for q, a in enumerate(angles, start=1)])
        head += [f"  let e{k} = u0 + {even};", f"  let o{k} = turn({odd});"]
    total = " + ".join(["u0", *[f"s{q}" for q in range(1, half + 1)]])
    parts = [total, *[f"e{k} + o{k}" for k in range(1, half + 1)], *[f"e{k} - o{k}" for k in range(half, 0, -1)]]
    return "\n".join([*head, f"  return Dft{radix}({', '.join(parts)});", "}"])
