"""Rules of `lantern.random`: a key is `Array[prng_key, *tuple[()]]`, a raw one `Array[u32, Literal[2]]`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tools.stubs.creation import Filled, shapes
from tools.stubs.notation import array
from tools.stubs.operators import FOREIGN, Rule
from tools.stubs.signature import Signature

KEY = array("", "prng_key")
RAW = array("2", "u32")
EITHER = f"{KEY} | {RAW}"


def _drawn(rule: Rule) -> Rule:
    def drawn(of: Signature) -> Iterator[str]:
        yield from rule(of.with_type("key", EITHER))

    return drawn


def key(of: Signature) -> Iterator[str]:
    """From a seed; from an array of seeds a batch of keys."""
    raw = of.name == "PRNGKey"
    for seed, sizes in (("int", ""), (array("*L", "I"), "*L"), ("np.ndarray[Any, Any] | np.generic", "...")):
        words = "..." if sizes == "..." else f"{sizes} 2".strip()
        yield from of.overload({"seed": seed}, array(words, "u32") if raw else array(sizes, "prng_key"))


def split(of: Signature) -> Iterator[str]:
    """A named number of keys, or one that is not known; two if none is given."""
    for number, sizes in (
        ("Literal[2] = 2", "2"),
        ("A", "A"),
        ("int", "?"),
        ("tuple[A, B]", "A B"),
        ("tuple[int, ...]", "..."),
    ):
        yield from of.overload({"key": KEY, "num": number}, array(sizes, "prng_key"))
        words = sizes if sizes == "..." else f"{sizes} 2"
        yield from of.overload({"key": RAW, "num": number}, array(words, "u32"))


def fold_in(of: Signature) -> Iterator[str]:
    """Another key."""
    for kind in (KEY, RAW):
        yield from of.overload({"key": kind, "data": f"{array('', 'I')} | {FOREIGN}"}, kind)


def key_data(of: Signature) -> Iterator[str]:
    """The words of keys along a last axis; raw keys as they are."""
    yield from of.overload({"keys": array("*L", "prng_key")}, array("*L 2", "u32"))
    yield from of.overload({"keys": array("*L", "u32")}, array("*L", "u32"))


def wrap_key_data(of: Signature) -> Iterator[str]:
    """Keys of words along a last axis."""
    yield from of.overload({"key_bits_array": array("*L 2", "u32")}, array("*L", "prng_key"))
    foreign = f"{array('...', 'u32')} | np.ndarray[Any, Any]"
    yield from of.overload({"key_bits_array": foreign}, array("...", "prng_key"))


def clone(of: Signature) -> Iterator[str]:
    """The same."""
    yield from of.overload({"key": array("*L", "D")}, array("*L", "D"))


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
    "PRNGKey": key,
    "split": split,
    "fold_in": fold_in,
    "key_data": key_data,
    "wrap_key_data": wrap_key_data,
    "clone": clone,
    **{
        name: _drawn(rule)
        for name, rule in {
            "normal": Filled(),
            "uniform": Filled(),
            **dict.fromkeys(["cauchy", "exponential", "gumbel", "laplace", "logistic", "maxwell"], Filled()),
            "rademacher": Filled("i32"),
            "randint": Filled("i32"),
            "bits": Filled("u32"),
            "bernoulli": bernoulli,
            "permutation": permutation,
        }.items()
    },
}
CONSTANTS = {"Key": f"Key: TypeAlias = {KEY}"}
