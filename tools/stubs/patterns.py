"""The shape rules, each once: broadcasting, matrix products, reductions, permutations, indexing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tools.stubs.notation import Row, row, rows

AXES = "NMKJ"
MAXIMUM_RANK = 4

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
""")


def _operand(pattern: tuple[str, ...], one: str, rank: int) -> str:
    """The last `rank` axes; those marked `one` have size 1.

    >>> _operand(("=", "l"), "l", 2)
    'N 1'
    """
    words = ["1" if mark == one else axis for mark, axis in zip(pattern, AXES, strict=False)]
    return " ".join(words[len(pattern) - rank :])


def _aligned(most: int) -> Iterator[tuple[str, str, str]]:
    """Sizes of two operands that broadcast, and of the result.

    The last axes of both, at most `most` of them, are equal or 1 on either side. The axes before are the same in both,
    or one of the two has no more; with `most = 3` that leaves out no pair up to rank 3.
    """
    for shared in range(1, most + 1):
        axes = AXES[:shared]
        for marks in itertools.product("=lr", repeat=shared):  # equal, 1 on the left, 1 on the right
            left, right, both = _operand(marks, "l", shared), _operand(marks, "r", shared), " ".join(axes)
            if marks[0] != "=":
                yield f"*L {left}", f"*L {right}", f"*L {both}"
            if shared < MAXIMUM_RANK:
                yield f"*L {left}", right, f"*L {both}"
                yield left, f"*L {right}", f"*L {both}"


def broadcast() -> Iterator[Row]:
    """Pairs of shapes and what they broadcast to, the first that fits wins: exact up to rank 4."""
    yield from GENERAL_BROADCAST
    for left, right, both in _aligned(MAXIMUM_RANK):
        found = Row((left, right), both)
        if found not in GENERAL_BROADCAST:
            yield found


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
*L P N K, P K M -> *L P N M
P N K, *L P K M -> *L P N M
*L P N K, 1 K M -> *L P N M
1 N K, *L P K M -> *L P N M
*L P N K, *L 1 K M -> *L P N M
*L 1 N K, *L P K M -> *L P N M
*L 1 N K, P K M -> *L P N M
P N K, *L 1 K M -> *L P N M
Q P N K, 1 P K M -> Q P N M
1 P N K, Q P K M -> Q P N M
Q P N K, 1 1 K M -> Q P N M
1 1 N K, Q P K M -> Q P N M
Q 1 N K, 1 P K M -> Q P N M
1 P N K, Q 1 K M -> Q P N M
""")

# Each row with each column, where both are stacks of matrices.
DOT = rows("""
*L K, K M -> *L M
*L K, K -> *L
K, *L K M -> *L M
*L K, P K M -> *L P M
*L K, P Q K M -> *L P Q M
*L, -> *L
, *L -> *L
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


def either(axis: int, rank: int) -> str:
    """The type of an axis counted from the front or from the back."""
    return f"Literal[{axis}, {axis - rank}]"


def _in_any_order() -> Iterator[tuple[str, Row, Row]]:
    """Several axes of arrays of rank 2 and 3, in any order and counted from either side."""
    for rank, count in ((2, 2), (3, 2), (3, 3)):
        for axes in itertools.combinations(range(rank), count):
            orders = [", ".join([either(a, rank) for a in order]) for order in itertools.permutations(axes)]
            written = " | ".join([f"tuple[{order}]" for order in orders])
            kept = " ".join([a for i, a in enumerate(AXES[:rank]) if i not in axes])
            ones = " ".join(["1" if i in axes else a for i, a in enumerate(AXES[:rank])])
            whole = (" ".join(AXES[:rank]),)
            yield written, Row(whole, kept), Row(whole, ones)


SEVERAL_REDUCTIONS = (*REDUCTIONS, *_in_any_order())

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


def _of_rank(rank: int, move: bool) -> Iterator[tuple[str, str, Row]]:
    """Any two axes of an array of one rank, which are swapped, or the first of which moves to the second."""
    for first, second in itertools.product(range(rank), repeat=2):
        names = [*AXES[:rank]]
        if move:
            names.insert(second, names.pop(first))
        else:
            names[first], names[second] = names[second], names[first]
        yield either(first, rank), either(second, rank), Row((" ".join(AXES[:rank]),), " ".join(names))


SWAPS = (
    *[(f"Literal[{a}]", f"Literal[{b}]", r) for a, b, r in
      [_swapped(a, b) for axes in ((0, 1, 2, 3), (-1, -2, -3)) for a, b in itertools.permutations(axes, 2)]],
    *[found for rank in range(1, MAXIMUM_RANK + 1) for found in _of_rank(rank, move=False)],
)
MOVES = tuple([found for rank in range(1, MAXIMUM_RANK + 1) for found in _of_rank(rank, move=True)])

# One letter an index: i an integer, : all of an axis, s another slice, n None (a new axis), a an integer array of
# rank 1, . the Ellipsis.
INDEX_TYPES = {
    "i": "int | Array[I, *tuple[()]]",
    ":": "slice[None, None, None]",
    "s": "slice[Any, Any, Any]",
    "n": "None",
    "a": "Array[I, P]",
    ".": "EllipsisType",
}
MOST_PARTS = 3


def _indexed(letters: tuple[str, ...]) -> Row:
    """The sizes that an index takes, and what becomes of them."""
    taken: list[str] = []
    left: list[str] = []
    for letter in letters:
        name = "*L" if letter == "." else "NMKJ"[len([t for t in taken if t != "*L"])]
        if letter != "n":
            taken.append(name)
        if letter in ":.":
            left.append(name)
        elif letter in "sn":
            left.append("?" if letter == "s" else "1")
    if "a" in letters:
        left.insert(_place_of_positions(letters), "P")
    if "." not in letters:
        taken, left = [*taken, "*L"], [*left, "*L"]
    return Row((" ".join(taken),), " ".join(left))


def _place_of_positions(letters: tuple[str, ...]) -> int:
    """Where the axis of the positions stands: in the place of the integers and arrays if these are neighbours,
    otherwise first."""
    places = [i for i, letter in enumerate(letters) if letter in "ia"]
    return places[0] if places[-1] - places[0] == len(places) - 1 else 0


def indexing() -> Iterator[tuple[str, Row]]:
    """Indices of up to three parts, and of four integers, whole axes and new axes: (type of the index, shapes). Those
    with arrays come last."""
    found = [letters for length in range(1, MOST_PARTS + 1) for letters in itertools.product(INDEX_TYPES, repeat=length)
             if letters.count(".") <= 1 and letters != (".",)]
    found += itertools.product("i:n", repeat=MOST_PARTS + 1)
    for letters in sorted(found, key=lambda letters: "a" in letters):
        types = [INDEX_TYPES[letter] for letter in letters]
        yield types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]", _indexed(letters)


INDEXING = tuple(indexing())

# Other indices: (type of the index, shapes).
GATHERS = (
    ("Array[I, P, Q]", row("N *L -> P Q *L")),
    ("list[int]", row("N *L -> ? *L")),
    ("Array[bool_, N]", row("N *L -> ? *L")),
    ("Array[bool_, N, M]", row("N M *L -> ? *L")),
    ("Array[bool_, N, M, K]", row("N M K *L -> ? *L")),
    ("np.ndarray[Any, Any]", row("N *L -> ...")),
)
