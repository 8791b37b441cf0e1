"""The shape rules, each once: broadcasting, matrix products, reductions, permutations, indexing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tools.stubs.notation import Row, row, rows

AXES = "NMKJ"

GENERAL_BROADCAST = rows("""
*L, *L -> *L
*L, -> *L
, *L -> *L
*L N, *L 1 -> *L N
*L 1, *L N -> *L N
*L N, N -> *L N
N, *L N -> *L N
*L N M, N M -> *L N M
N M, *L N M -> *L N M
*L N M K, N M K -> *L N M K
N M K, *L N M K -> *L N M K
*L N M, N 1 -> *L N M
N 1, *L N M -> *L N M
*L N M, 1 M -> *L N M
1 M, *L N M -> *L N M
""")


def _operand(pattern: tuple[str, ...], one: str, rank: int) -> str:
    """The last `rank` axes; those marked `one` have size 1.

    >>> _operand(("=", "l"), "l", 2)
    'N 1'
    """
    words = ["1" if mark == one else axis for mark, axis in zip(pattern, AXES, strict=False)]
    return " ".join(words[len(pattern) - rank :])


def broadcast() -> Iterator[Row]:
    """Pairs of shapes and what they broadcast to, the first that fits wins: exact up to rank 3; with rank 4, one of the
    two has all the ones."""
    yield from GENERAL_BROADCAST
    for left, right in ((2, 2), (3, 3), (3, 2), (2, 3), (3, 1), (1, 3), (2, 1), (1, 2)):
        rank, shared = max(left, right), min(left, right)
        for marks in itertools.product("=lr", repeat=shared):  # equal, 1 on the left, 1 on the right
            pattern = ("=",) * (rank - shared) + marks
            if left != right or set(marks) != {"="}:
                yield Row((_operand(pattern, "l", left), _operand(pattern, "r", right)), " ".join(AXES[:rank]))
    for shared in (4, 3):
        for ones in itertools.product("=1", repeat=shared):
            if "1" in ones and "=" in ones:
                full, small = " ".join(AXES), _operand(("=",) * (4 - shared) + ones, "1", shared)
                yield Row((full, small), full)
                yield Row((small, full), full)


BROADCAST = tuple(broadcast())

# The first row must not be `*L N K, *L K M`: inside a function over `x: Float[*L, K]` pyright would take N apart.
MATMUL = rows("""
*L K, K M -> *L M
*L N K, *L K M -> *L N M
*L N K, K -> *L N
K, *L K M -> *L M
K, K ->
N K, *L K M -> *L N M
1 N K, P K M -> P N M
P N K, 1 K M -> P N M
""")


def _reduced(axes: tuple[int, ...], axis_type: str) -> tuple[str, Row, Row]:
    """The rows of one axis argument: (its type, without the axes, with keepdims)."""
    from_front = axes[0] >= 0
    length = max(axes) + 1 if from_front else -min(axes)
    names = [*"PQRNMKJ"[:length]]
    positions = {a % length for a in axes}
    kept = [n for i, n in enumerate(names) if i not in positions]
    ones = ["1" if i in positions else n for i, n in enumerate(names)]
    whole, without, with_ones = [_with_rest(words, from_front) for words in (names, kept, ones)]
    return axis_type, Row((whole,), without), Row((whole,), with_ones)


def _with_rest(words: list[str], from_front: bool) -> str:
    return " ".join([*words, "*L"] if from_front else ["*L", *words])


def axis_type(axes: tuple[int, ...]) -> str:
    """The type of a literal axis argument: one axis, or a tuple of several."""
    literals = [f"Literal[{a}]" for a in axes]
    return literals[0] if len(axes) == 1 else f"tuple[{', '.join(literals)}]"


ONE_AXIS = tuple([(a,) for a in (0, -1, 1, -2, 2, -3, 3, -4)])
SEVERAL_AXES = ((0, 1), (-2, -1), (1, 2), (0, 2), (0, 1, 2), (-3, -2, -1), (1, 2, 3))
REDUCTIONS = tuple([_reduced(axes, axis_type(axes)) for axes in (*ONE_AXIS, *SEVERAL_AXES)])
ONE_AXIS_REDUCTIONS = REDUCTIONS[: len(ONE_AXIS)]

PERMUTATIONS = tuple(
    [
        (order, Row((" ".join(AXES[:rank]),), " ".join([AXES[i] for i in order])))
        for rank in (1, 2, 3, 4)
        for order in itertools.permutations(range(rank))
    ]
)


def _swapped(first: int, second: int) -> tuple[int, int, Row]:
    length = max(first, second) + 1 if first >= 0 else -min(first, second)
    names = [*AXES[:length]]
    swapped = [*names]
    swapped[first], swapped[second] = names[second], names[first]
    outer = "{} *L" if first >= 0 else "*L {}"
    return first, second, Row((outer.format(" ".join(names)),), outer.format(" ".join(swapped)))


SWAPS = tuple([_swapped(a, b) for axes in ((0, 1, 2, 3), (-1, -2, -3)) for a, b in itertools.permutations(axes, 2)])

# One letter an index: i an integer, : all of an axis, s another slice, n None (a new axis).
INDEX_TYPES = {"i": "int", ":": "slice[None, None, None]", "s": "slice[Any, Any, Any]", "n": "None"}


def _indexed(letters: tuple[str, ...], names: str) -> tuple[list[str], list[str]]:
    """The axes that an index consumes, and what becomes of them."""
    taken: list[str] = []
    left: list[str] = []
    for letter in letters:
        name = names[len(taken)]
        match letter:
            case "i":
                taken.append(name)
            case ":":
                taken.append(name)
                left.append(name)
            case "s":
                taken.append(name)
                left.append("?")
            case _:
                left.append("1")
    return taken, left


def _index_row(letters: tuple[str, ...], dots: str) -> tuple[str, Row]:
    taken, left = _indexed(letters, "NMK")
    types = [INDEX_TYPES[letter] for letter in letters]
    if dots == "before":
        return f"tuple[EllipsisType, {', '.join(types)}]", Row((" ".join(["*L", *taken]),), " ".join(["*L", *left]))
    if dots == "after":
        types.append("EllipsisType")
    index = types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"
    return index, Row((" ".join([*taken, "*L"]),), " ".join([*left, "*L"]))


def indexing() -> Iterator[tuple[str, Row]]:
    """Basic indices of up to three parts: (type of the index, shapes)."""
    for length, dots in ((1, "none"), (2, "none"), (1, "before"), (2, "before"), (1, "after"), (3, "none")):
        for letters in itertools.product(INDEX_TYPES, repeat=length):
            yield _index_row(letters, dots)


INDEXING = tuple(indexing())

# Integer arrays as indices gather: (type of the index, shapes).
GATHERS = (
    ("Array[I, *tuple[()]]", row("N *L -> *L")),
    ("Array[I, P]", row("N *L -> P *L")),
    ("Array[I, P, Q]", row("N *L -> P Q *L")),
    ("list[int]", row("N *L -> ? *L")),
    ("np.ndarray[Any, Any]", row("N *L -> ...")),
    ("tuple[Array[I, P], Array[I, P]]", row("N M *L -> P *L")),
    ("tuple[Array[I, P], int]", row("N M *L -> P *L")),
    ("tuple[int, Array[I, P]]", row("N M *L -> P *L")),
    ("tuple[slice[None, None, None], Array[I, P]]", row("N M *L -> N P *L")),
    ("tuple[Array[I, P], slice[None, None, None]]", row("N M *L -> P M *L")),
    ("tuple[EllipsisType, Array[I, P]]", row("*L N -> *L P")),
)
