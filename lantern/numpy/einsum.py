"""einsum: sums of products written with letters for axes, as `"bik,bkj->bij"`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from lantern.dtypes import canonical
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, argument_error, array, cast, common_dtype, shape_error
from lantern.lax.precision import PrecisionLike, check_precision
from lantern.numpy.contraction import Labelled, contract_labels, summed
from lantern.numpy.contraction_order import (
    Method,
    Path,
    Step,
    canonical_method,
    contraction_path,
    kept_letters,
    steps_of,
)
from lantern.numpy.indexing import diagonal
from lantern.numpy.subscripts import Subscripts, interleaved, parse, sizes_of
from lantern.ops.shape import transpose
from lantern.trace.array import Array


def einsum(subscripts: Any, /, *operands: Any, optimize: Any = "optimal", precision: PrecisionLike = None,
           preferred_element_type: DTypeLike = None) -> Array:
    """The sum of products that the subscripts describe.

    A letter for each axis of each operand; letters missing after `->` are summed over; a letter twice in one operand
    takes the diagonal; `...` stands for axes that broadcast. Without `->` the result has the letters that occur once,
    in alphabetical order. Also `einsum(x, [0, 1], y, [1, 2], [0, 2])`. Operands meet in their common dtype, or in
    `preferred_element_type`, which is the result's.

    Operands are contracted two at a time, in the order that takes the fewest operations ("optimal"; a greedy order for
    more than ten), by "greedy", from left to right (False), or along a path as `einsum_path` returns it.

    Raises ArgumentError for subscripts that do not parse, ShapeError where letters meet different sizes.

    >>> import numpy as np
    >>> einsum("ij,jk->ik", np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    >>> einsum("ii", np.eye(3)).item()
    3.0
    """
    text, given = _read("einsum", subscripts, operands)
    check_precision("einsum", precision)
    dtype = None if preferred_element_type is None else canonical(preferred_element_type)
    return _program(len(given))(*given, text, canonical_method("einsum", optimize), dtype)


def einsum_path(subscripts: Any, /, *operands: Any, optimize: Any = "greedy") -> tuple[list[Any], str]:
    """The order in which einsum would contract these operands, for `einsum(..., optimize=path)`, and a text that says
    what each step costs. A step holds the positions of the operands that it takes away; its result goes to the end.

    Raises what `einsum` does.

    >>> import numpy as np
    >>> x, v = np.ones((30, 30)), np.ones(30)
    >>> path, text = einsum_path("ij,jk,k->i", x, x, v)
    >>> path
    ['einsum_path', (1, 2), (0, 1)]
    >>> print(text)
    ij,jk,k->i: 3.60e+03 operations (8.10e+04 without an order), at most 30 elements a step
      jk,k->j   1.80e+03 operations, 30 elements
      ij,j->i   1.80e+03 operations, 30 elements
    """
    text, given = _read("einsum_path", subscripts, operands)
    found, sizes, path = _plan("einsum_path", text, [array("einsum_path", x) for x in given],
                               canonical_method("einsum_path", optimize))
    steps = steps_of(found.inputs, found.out, sizes, path)
    return ["einsum_path", *path], _report(found, sizes, steps)


def _report(found: Subscripts, sizes: dict[str, int], steps: Sequence[Step]) -> str:
    (naive,) = steps_of(found.inputs, found.out, sizes, (tuple(range(len(found.inputs))),))
    total, widest = sum([s.operations for s in steps]), max([s.size for s in steps], default=0)
    names = [f"{','.join(s.inputs)}->{s.result}" for s in steps]
    width = max([len(n) for n in names], default=0) + 2
    lines = [f"{found.text}: {total:.2e} operations ({naive.operations:.2e} without an order), at most {widest} "
             "elements a step"]
    lines += [f"  {n:<{width}} {s.operations:.2e} operations, {s.size} elements"
              for n, s in zip(names, steps, strict=True)]
    return "\n".join(lines)


def _read(function: str, subscripts: Any, operands: Sequence[Any]) -> tuple[str, Sequence[ArrayLike]]:
    """Text and operands, however they were given."""
    text, given = (subscripts, operands) if isinstance(subscripts, str) else (
        interleaved(function, (subscripts, *operands)))
    if not given:
        raise argument_error(f"{function}: wanted at least one operand beside {text!r}")
    return text, given


@cache
def _program(count: int) -> Callable[..., Array]:
    """einsum of so many operands as one program."""
    def run(*arguments: Any) -> Array:
        text, method, dtype = arguments[count:]
        return _einsum(text, arguments[:count], method, dtype)

    run.__name__ = "einsum"
    return one_program(count)(run)


def _plan(function: str, text: str, xs: Sequence[Array], method: Method) -> tuple[Subscripts, dict[str, int], Path]:
    found = parse(function, text, xs)
    sizes = sizes_of(function, found, xs)
    return found, sizes, contraction_path(function, found.inputs, found.out, sizes, method)


def _einsum(text: str, operands: Sequence[Any], method: Method, preferred: Any) -> Array:
    xs = [array("einsum", x) for x in operands]
    found, _, path = _plan("einsum", text, xs, method)
    dtype = common_dtype(xs, function="einsum")[0]
    wide = dtype if preferred is None or preferred.itemsize < dtype.itemsize else preferred
    terms = [_diagonals(cast(x, wide), labels) for x, labels in zip(xs, found.inputs, strict=True)]
    for number, step in enumerate(path):
        taken = [terms[k] for k in step]
        terms = [t for k, t in enumerate(terms) if k not in step]
        last = number + 1 == len(path)
        terms.append(_contracted(taken, [*[t[1] for t in terms], found.out], found.out if last else None))
    (result, labels), = [summed(*t, found.out) for t in terms]
    result = transpose(result, [labels.index(c) for c in found.out])
    return result if preferred is None else cast(result, preferred)


def _contracted(terms: Sequence[Labelled], others: Sequence[str], out: str | None) -> Labelled:
    """The terms of one step joined from left to right; `others` need their letters later."""
    found = terms[0]
    for k, term in enumerate(terms[1:], 2):
        rest = [t[1] for t in terms[k:]]
        labels = kept_letters([found[1], term[1]], [*rest, *others]) if rest or out is None else out
        found = contract_labels("einsum", found, term, labels), labels
    return found


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
