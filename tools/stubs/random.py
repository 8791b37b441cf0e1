"""Rules of `lantern.random`: a key is `Array[u32, Literal[2]]`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tools.stubs.creation import Filled, shapes
from tools.stubs.notation import array
from tools.stubs.operators import FOREIGN, Rule
from tools.stubs.signature import Signature

KEY = "Array[u32, Literal[2]]"


def _drawn(rule: Rule) -> Rule:
    def drawn(of: Signature) -> Iterator[str]:
        yield from rule(of.with_type("key", KEY))

    return drawn


def key(of: Signature) -> Iterator[str]:
    """From a seed; from an array of seeds a batch of keys."""
    yield from of.overload({"seed": "int"}, KEY)
    yield from of.overload({"seed": array("*L", "I")}, array("*L 2", "u32"))
    yield from of.overload({"seed": "np.ndarray[Any, Any] | np.generic"}, array("...", "u32"))


def split(of: Signature) -> Iterator[str]:
    """A named number of keys, or one that is not known; two if none is given."""
    for number, sizes in (
        ("Literal[2] = 2", "2 2"),
        ("A", "A 2"),
        ("int", "? 2"),
        ("tuple[A, B]", "A B 2"),
        ("tuple[int, ...]", "..."),
    ):
        yield from of.overload({"key": KEY, "num": number}, array(sizes, "u32"))


def fold_in(of: Signature) -> Iterator[str]:
    """Another key."""
    yield from of.overload({"key": KEY, "data": f"{array('', 'I')} | {FOREIGN}"}, KEY)


def bernoulli(of: Signature) -> Iterator[str]:
    """The shape of the probabilities, or the one that is asked for."""
    for p, sizes in (("float = 0.5", ""), (array("*L", "F"), "*L")):
        yield from of.overload({"p": p, "shape": "None = None"}, array(sizes, "bool_"))
    for p, (written, sizes) in itertools.product((f"{array('...', 'F')} | {FOREIGN}", "float = 0.5"), shapes()):
        yield from of.overload({"p": p, "shape": written}, array(sizes, "bool_"))


def permutation(of: Signature) -> Iterator[str]:
    """The numbers below a size, or the rows of an array, in another order."""
    for x, result in (
        ("A", array("A", "i32")),
        ("int", array("?", "i32")),
        (array("*L"), array("*L")),
        ("np.ndarray[Any, Any]", array("...", "Any")),
    ):
        yield from of.overload({"x": x}, result)


RULES: Mapping[str, Rule] = {
    "key": key,
    "split": split,
    "fold_in": fold_in,
    **{
        name: _drawn(rule)
        for name, rule in {
            "normal": Filled(),
            "uniform": Filled(),
            "randint": Filled("i32"),
            "bits": Filled("u32"),
            "bernoulli": bernoulli,
            "permutation": permutation,
        }.items()
    },
}
CONSTANTS = {"Key": f"Key: TypeAlias = {KEY}"}
