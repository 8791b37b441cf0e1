"""The text that einsum reads: letters for axes, `...`, `,` and `->`; or lists of numbers beside the operands."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lantern.errors import ArgumentError
from lantern.lax.operands import ArrayLike, argument_error, as_sequence, shape_error
from lantern.trace.array import Array

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CURE = "Write a letter for each axis, ',' between operands, '...' at most once in each, and '->' before the result."


@dataclass(frozen=True, slots=True)
class Subscripts:
    """What was read: a letter for each axis of each operand and of the result. `text` is what the user wrote."""

    text: str
    inputs: tuple[str, ...]
    out: str


def _unreadable(function: str, text: str, place: int, what: str) -> ArgumentError:
    return argument_error(f"{function}: {what} at position {place} of {text!r}", _CURE)


def interleaved(function: str, arguments: Sequence[Any]) -> tuple[str, Sequence[ArrayLike]]:
    """`x, [0, 1], y, [1, 2], [0, 2]` as text and operands.

    Raises ArgumentError for axes that are neither whole numbers nor `...`.

    >>> interleaved("einsum", (1.5, [5, ...], 2.5, [7], [..., 7]))
    ('a...,b->...b', (1.5, 2.5))
    """
    lists = [*arguments[1::2], *(arguments[-1:] if len(arguments) % 2 else ())]
    for labels in lists:
        named = as_sequence(labels)
        if named is not labels or not all([isinstance(n, int) or n is Ellipsis for n in named]):
            raise argument_error(f"{function}: wanted a text, or behind each operand a list of whole numbers (and "
                                 f"Ellipsis) that name its axes, got {labels!r}")
    numbers = sorted({n for labels in lists for n in labels if n is not Ellipsis})
    if len(numbers) > len(LETTERS):
        raise argument_error(f"{function}: at most {len(LETTERS)} different axes, got {len(numbers)}")

    def text(labels: Sequence[Any]) -> str:
        return "".join(["..." if n is Ellipsis else LETTERS[numbers.index(n)] for n in labels])

    pairs = len(arguments) // 2 * 2
    inputs = ",".join([text(labels) for labels in arguments[1:pairs:2]])
    return (f"{inputs}->{text(arguments[-1])}" if len(arguments) % 2 else inputs), tuple(arguments[:pairs:2])


def _checked(function: str, text: str) -> None:
    """Every character has its place.

    Raises ArgumentError naming the first that has not.
    """
    dots = arrows = k = 0
    while k < len(text):
        c = text[k]
        if c == "-":
            if text[k:k + 2] != "->":
                raise _unreadable(function, text, k, "'-' without '>'")
            if arrows:
                raise _unreadable(function, text, k, "a second '->'")
            arrows, dots, k = 1, 0, k + 1
        elif c == ".":
            if text[k:k + 3] != "..." or dots:
                what = "a second '...' in one operand" if dots else "'.' instead of '...'"
                raise _unreadable(function, text, k, what)
            dots, k = 1, k + 2
        elif c == "," and not arrows:
            dots = 0
        elif c not in LETTERS and c != " ":
            raise _unreadable(function, text, k, f"cannot read {c!r}")
        k += 1


def parse(function: str, text: str, xs: Sequence[Array]) -> Subscripts:
    """The letters of the operands' axes and of the result's, with `...` written out as letters of its own.

    Raises ArgumentError for what does not parse, and ShapeError where letters and axes differ in number.
    """
    _checked(function, text)
    compact = text.replace(" ", "")
    left, arrow, right = compact.partition("->")
    parts = left.split(",")
    if len(parts) != len(xs):
        raise argument_error(f"{function}: {text!r} describes {len(parts)} operands, got {len(xs)}")
    for part, x in zip(parts, xs, strict=True):
        missing = x.ndim - len(part.replace("...", ""))
        if missing < 0 or (missing and "..." not in part):
            raise shape_error(f"{function}: {part!r} in {text!r} does not describe the {x.ndim} axes of {x.aval}")
    spans = [x.ndim - len(p.replace("...", "")) for p, x in zip(parts, xs, strict=True)]
    unused = "".join([c for c in LETTERS if c not in compact])
    widest = max(spans, default=0)
    if widest > len(unused):
        raise argument_error(f"{function}: more than {len(LETTERS)} different axes in {text!r}")
    dots = unused[:widest]
    inputs = tuple([p.replace("...", dots[widest - n:]) for p, n in zip(parts, spans, strict=True)])
    if not arrow:
        letters = "".join(parts).replace(".", "")
        return Subscripts(text, inputs, dots + "".join(sorted([c for c in set(letters) if letters.count(c) == 1])))
    if dots and "..." not in right:
        raise argument_error(f"{function}: the result of {text!r} must have '...', as operands have",
                             "Sum over those axes afterwards, or give them letters.")
    out = right.replace("...", dots)
    for c in out:
        if out.count(c) > 1 or c not in "".join(inputs):
            why = "occurs twice there" if out.count(c) > 1 else "is an axis of no operand"
            raise argument_error(f"{function}: {c!r} cannot be in the result of {text!r}: it {why}")
    return Subscripts(text, inputs, out)


def sizes_of(function: str, subscripts: Subscripts, xs: Sequence[Array]) -> dict[str, int]:
    """The size that each letter stands for; size 1 stretches.

    Raises ShapeError where a letter meets two sizes.
    """
    found: dict[str, tuple[int, Array, int]] = {}
    for x, labels in zip(xs, subscripts.inputs, strict=True):
        for axis, (label, n) in enumerate(zip(labels, x.shape, strict=True)):
            known = found.get(label)
            if known is None or known[0] == 1:
                found[label] = (n, x, axis)
            elif n not in (1, known[0]):
                letter = label if label in subscripts.text else "..."
                raise shape_error(f"{function}: {letter!r} in {subscripts.text!r} must have one size, got {known[0]} "
                                  f"(axis {known[2]} of {known[1].aval}) and {n} (axis {axis} of {x.aval})")
    return {label: n for label, (n, _, _) in found.items()}
