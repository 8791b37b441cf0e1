"""Pytrees: kinds of containers, order, registration, prefixes, messages."""
from __future__ import annotations

import dataclasses
import pickle
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantern import tree
from lantern.errors import ArgumentError


class Point(NamedTuple):
    x: Any
    y: Any


@tree.register_dataclass(static=("name",))
@dataclasses.dataclass(frozen=True)
class Layer:
    w: Any
    b: Any
    name: str


def test_kinds_and_order() -> None:
    t = {"b": [1, (2, None)], "a": Point(3, OrderedDict(z=4, y=5)), "c": Layer(6, 7, "l"), "d": defaultdict(list, k=8)}
    assert tree.leaves(t) == [3, 4, 5, 1, 2, 6, 7, 8]
    again = tree.unflatten(tree.structure(t), tree.leaves(t))
    assert again == t and type(again["a"]) is Point and type(again["d"]) is defaultdict
    assert tree.paths(tree.structure(t), "t")[:4] == ["t['a'].x", "t['a'].y['z']", "t['a'].y['y']", "t['b'][0]"]


def test_structures_are_interned_and_static_fields_are_part_of_them() -> None:
    assert tree.structure({"a": 1, "b": (2,)}) is tree.structure({"b": (3,), "a": 4})
    assert tree.structure(Layer(1, 2, "a")) is tree.structure(Layer(3, 4, "a"))
    assert tree.structure(Layer(1, 2, "a")) is not tree.structure(Layer(1, 2, "b"))
    assert str(tree.structure({"w": [1, None], "p": Point(1, 2)})) == "{'p': Point(x=*, y=*), 'w': [*, None]}"


def test_map_and_its_messages() -> None:
    assert tree.map(lambda x, y: x + y, [1, {"a": 2}], [10, {"a": 20}]) == [11, {"a": 22}]
    assert tree.map_with_path(lambda p, x: f"{p}={x}", {"a": [1]}) == {"a": ["['a'][0]=1"]}
    with pytest.raises(ArgumentError, match=r"tree\['a'\]: wanted"):
        tree.map(lambda x, y: x, {"a": [1]}, {"a": 2})
    with pytest.raises(ArgumentError, match="has 2 leaves, got 3"):
        tree.unflatten(tree.structure([1, 2]), [1, 2, 3])
    with pytest.raises(ArgumentError, match="must be comparable"):
        tree.leaves({1: 1, "a": 2})
    with pytest.raises(ArgumentError, match="no field other"):
        tree.register_dataclass(Layer, static=("other",))
    with pytest.raises(ArgumentError, match="registered as a pytree already"):
        tree.register_dataclass(Layer)
    assert tree.reduce(lambda a, b: a + b, [1, [2, 3]], 10) == 16


trees = st.recursive(st.integers(), lambda c: st.lists(c, max_size=3)
                     | st.dictionaries(st.text(max_size=2), c, max_size=3)
                     | st.tuples(c, c) | st.none() | st.builds(Point, c, c), max_leaves=12)


@given(trees)
def test_round_trip(t: Any) -> None:
    leaves, structure = tree.flatten(t)
    assert tree.unflatten(structure, leaves) == t
    assert tree.structure(tree.unflatten(structure, [0] * len(leaves))) is structure
    assert len(tree.paths(structure)) == structure.num_leaves == len(leaves)
    assert tree.map(lambda x: x, t) == t


def test_structures_copy_to_the_same_object() -> None:
    assert pickle.loads(pickle.dumps(tree.LEAF)) is tree.LEAF
    structure = tree.structure({"a": [1, Point(2, None)], "b": Layer(1, 2, "n")})
    assert pickle.loads(pickle.dumps(structure)) is structure
