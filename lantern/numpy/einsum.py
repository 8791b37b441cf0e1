"""einsum: sums of products written with letters for axes, as `"bik,bkj->bij"`.

Operands are contracted two at a time, each time the pair that shrinks memory most (the greedy order of opt_einsum).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.lax.operands import ArrayLike, argument_error, array, cast, common_dtype, shape_error, size_of
from lantern.numpy.contraction import Labelled, contract_labels, summed
from lantern.numpy.indexing import diagonal
from lantern.ops.shape import transpose
from lantern.trace.array import Array

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(subscripts: Any, /, *operands: Any, optimize: Any = "greedy") -> Array:
    """The sum of products that the subscripts describe.

    A letter for each axis of each operand; letters missing after `->` are summed over; a letter twice in one operand
    takes the diagonal; `...` stands for axes that broadcast. Without `->` the result has the letters that occur once,
    in alphabetical order. Also `einsum(x, [0, 1], y, [1, 2], [0, 2])`. `optimize` is accepted for NumPy's sake.

    Raises ArgumentError for subscripts that do not parse, ShapeError where letters meet different sizes.

    >>> import numpy as np
    >>> einsum("ij,jk->ik", np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    >>> einsum("ii", np.eye(3)).item()
    3.0
    """
    text, given = (subscripts, operands) if isinstance(subscripts, str) else _interleaved((subscripts, *operands))
    xs = [array("einsum", x) for x in given]
    if not xs:
        raise argument_error("einsum: wanted at least one operand")
    dtype = common_dtype(xs)[0]
    inputs, out = _parse(text, xs)
    sizes = _sizes(text, xs, inputs)
    terms = [_diagonals(cast(x, dtype), labels) for x, labels in zip(xs, inputs, strict=True)]
    while len(terms) > 1:
        i, j = _best_pair(terms, out, sizes)
        rest = [t for k, t in enumerate(terms) if k not in (i, j)]
        labels = _kept(terms[i][1], terms[j][1], [*[t[1] for t in rest], out])
        if not rest:
            return contract_labels("einsum", terms[i], terms[j], out)
        terms = [*rest, (contract_labels("einsum", terms[i], terms[j], labels), labels)]
    found, labels = summed(*terms[0], out)
    return transpose(found, [labels.index(c) for c in out])


def _interleaved(arguments: Sequence[Any]) -> tuple[str, Sequence[ArrayLike]]:
    """`x, [0, 1], y, [1, 2], [0, 2]` as subscripts and operands."""
    numbers = sorted({n for labels in arguments[1::2] for n in labels if n is not Ellipsis})
    if len(arguments) % 2:
        numbers = sorted({*numbers, *[n for n in arguments[-1] if n is not Ellipsis]})
    if len(numbers) > len(_LETTERS):
        raise argument_error(f"einsum: at most {len(_LETTERS)} different axes, got {len(numbers)}")

    def text(labels: Sequence[Any]) -> str:
        return "".join(["..." if n is Ellipsis else _LETTERS[numbers.index(n)] for n in labels])

    pairs = len(arguments) // 2 * 2
    inputs = ",".join([text(labels) for labels in arguments[1:pairs:2]])
    return (f"{inputs}->{text(arguments[-1])}" if len(arguments) % 2 else inputs), arguments[:pairs:2]


def _parse(text: str, xs: Sequence[Array]) -> tuple[list[str], str]:
    """The letters of each operand's axes and of the result's, with `...` written out as letters of its own."""
    compact = text.replace(" ", "")
    left, arrow, right = compact.partition("->")
    parts = left.split(",")
    if len(parts) != len(xs):
        raise argument_error(f"einsum: {text!r} has {len(parts)} operands, got {len(xs)}")
    for part in (*parts, right):
        if not part.replace("...", "", 1).isalpha() and part not in ("", "..."):
            raise argument_error(f"einsum: cannot read {part!r} in {text!r}",
                                 "Each operand has letters and at most one '...'.")
    spans = [x.ndim - len(p.replace("...", "")) if "..." in p else 0 for p, x in zip(parts, xs, strict=True)]
    unused = "".join([c for c in _LETTERS if c not in compact])
    widest = max([0, *spans])
    if widest > len(unused):
        raise argument_error(f"einsum: too many axes in {text!r}")
    dots = unused[:widest]
    inputs = [p.replace("...", dots[widest - max(n, 0):]) for p, n in zip(parts, spans, strict=True)]
    for part, labels, x in zip(parts, inputs, xs, strict=True):
        if len(labels) != x.ndim:
            raise shape_error(f"einsum: {part!r} in {text!r} does not describe the {x.ndim} axes of {x.aval}")
    if not arrow:
        letters = "".join(parts).replace(".", "")
        return inputs, dots + "".join(sorted([c for c in set(letters) if letters.count(c) == 1]))
    if dots and "..." not in right and any(n > 0 for n in spans):
        raise argument_error(f"einsum: the result of {text!r} must have '...', as operands have")
    out = right.replace("...", dots)
    wrong = [c for c in out if out.count(c) > 1 or c not in "".join(inputs)]
    if wrong:
        raise argument_error(f"einsum: {wrong[0]!r} must occur once in the result of {text!r}, and in an operand")
    return inputs, out


def _sizes(text: str, xs: Sequence[Array], inputs: Sequence[str]) -> dict[str, int]:
    """The size that each letter stands for; size 1 stretches.

    Raises ShapeError where a letter meets two sizes.
    """
    found: dict[str, tuple[int, Array, int]] = {}
    for x, labels in zip(xs, inputs, strict=True):
        for axis, (label, n) in enumerate(zip(labels, x.shape, strict=True)):
            known = found.get(label)
            if known is None or known[0] == 1:
                found[label] = (n, x, axis)
            elif n not in (1, known[0]):
                raise shape_error(f"einsum: {label!r} in {text!r} must have one size, got {known[0]} (axis {known[2]} "
                                  f"of {known[1].aval}) and {n} (axis {axis} of {x.aval})")
    return {label: n for label, (n, _, _) in found.items()}


def _diagonals(x: Array, labels: str) -> Labelled:
    """Letters that occur twice in one operand: the diagonal of their axes."""
    for label in labels:
        while labels.count(label) > 1:
            first, second = labels.index(label), labels.rindex(label)
            if x.shape[first] != x.shape[second]:
                raise shape_error(f"einsum: axes {first} and {second} of {x.aval} must have one size")
            x = diagonal(x, 0, first, second)
            labels = "".join([c for k, c in enumerate(labels) if k not in (first, second)]) + label
    return x, labels


def _kept(a: str, b: str, others: Sequence[str]) -> str:
    """The letters that a product of two operands keeps: those that are needed later."""
    later = "".join(others)
    return "".join([c for c in dict.fromkeys(a + b) if c in later])


def _best_pair(terms: Sequence[Labelled], out: str, sizes: dict[str, int]) -> tuple[int, int]:
    """The pair whose product is smallest compared with its operands; of equals, the one with the fewest
    multiplications."""
    best: tuple[tuple[int, int], tuple[int, int]] | None = None
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            a, b = terms[i][1], terms[j][1]
            others = [t[1] for k, t in enumerate(terms) if k not in (i, j)]
            result = size_of([sizes[c] for c in _kept(a, b, [*others, out])])
            growth = result - size_of([sizes[c] for c in a]) - size_of([sizes[c] for c in b])
            cost = (growth, size_of([sizes[c] for c in dict.fromkeys(a + b)]))
            if best is None or cost < best[0]:
                best = (cost, (i, j))
    assert best is not None
    return best[1]
