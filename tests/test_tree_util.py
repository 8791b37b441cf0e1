"""The names that JAX programs import from `tree_util` and `flatten_util`, and what they do where it is not obvious."""
from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import tree_util as tu
from lantern.errors import ArgumentError
from lantern.flatten_util import ravel_pytree


class Point(NamedTuple):
    x: Any
    y: Any


@tu.register_pytree_with_keys_class
class Keyed:
    def __init__(self, a: Any, b: Any, name: str = "") -> None:
        self.a, self.b, self.name = a, b, name

    def tree_flatten_with_keys(self) -> Any:
        return ((tu.GetAttrKey("a"), self.a), (tu.DictKey("b"), self.b)), self.name

    @classmethod
    def tree_unflatten(cls, name: Any, children: Any) -> Keyed:
        return cls(*children, name)


class Plain:
    def __init__(self, xs: Any) -> None:
        self.xs = xs


tu.register_pytree_node(Plain, lambda p: (iter(p.xs), None), lambda _, xs: Plain(list(xs)))


def test_paths_of_every_container() -> None:
    given = {"b": [1, (2,)], "a": Point(3, Keyed(4, Plain([5, None, 6]))), "c": OrderedDict(z=7, y=8),
             "d": defaultdict(int, {2: 9})}
    pairs, treedef = tu.tree_flatten_with_path(given)
    assert [(tu.keystr(p), x) for p, x in pairs] == [
        ("['a'].x", 3), ("['a'].y.a", 4), ("['a'].y['b'][<flat index 0>]", 5), ("['a'].y['b'][<flat index 2>]", 6),
        ("['b'][0]", 1), ("['b'][1][0]", 2), ("['c']['z']", 7), ("['c']['y']", 8), ("['d'][2]", 9)]
    assert [x for _, x in pairs] == tu.tree_leaves(given) and treedef is tu.tree_structure(given)
    assert pairs[0][0] == (tu.DictKey("a"), tu.GetAttrKey("x")) and pairs[4][0] == (tu.DictKey("b"), tu.SequenceKey(0))
    assert tu.keystr(pairs[2][0], simple=True, separator="/") == "a/y/b/0"
    again = tu.tree_map_with_path(lambda path, x, y: (len(path), x + y), given, given)
    assert again["a"].y.b.xs == [(4, 10), None, (4, 12)]
    assert tu.tree_leaves_with_path([0], is_leaf=lambda x: isinstance(x, list)) == [((), [0])]


def test_registered_classes_go_through_transforms() -> None:
    slope = lantern.grad(lambda k: k.a * k.b)(Keyed(2.0, 3.0, "n"))
    assert (float(slope.a), float(slope.b), slope.name) == (3.0, 2.0, "n")
    assert lantern.jit(lambda p: tu.tree_map(lambda x: x + 1, p))(Plain([1, 2])).xs[1] == 3
    with pytest.raises(ArgumentError, match="Plain is registered as a pytree already"):
        tu.register_pytree_node(Plain, lambda p: ((), None), lambda _, xs: Plain([]))


def test_register_dataclass() -> None:
    @tu.register_dataclass
    @dataclass
    class Inferred:
        w: Any
        name: str = field(metadata={"static": True})

    assert tu.tree_leaves(Inferred(1.0, "n")) == [1.0]
    assert tu.tree_structure(Inferred(1.0, "n")) != tu.tree_structure(Inferred(1.0, "m"))
    assert [tu.keystr(p) for p, _ in tu.tree_leaves_with_path(Inferred([1], "n"))] == [".w[0]"]

    @dataclass
    class Other:
        a: Any
        b: Any
        c: Any = 0

    with pytest.raises(ArgumentError, match=r"Other has the fields a, b, c; data_fields and meta_fields name a, b"):
        tu.register_dataclass(Other, ["a"], ["b"])
    with pytest.raises(ArgumentError, match="give both data_fields and meta_fields"):
        tu.register_dataclass(Other, ["a"])
    with pytest.raises(ArgumentError, match="is no dataclass"):
        tu.register_dataclass(Plain)
    assert tu.tree_map(lambda x: x * 2, tu.register_dataclass(Other, ["a"], ["b"], ["c"])(1, 5, 9)) == Other(2, 5)


def test_partial_is_a_tree() -> None:
    inner = tu.Partial(lambda a, b, c: a * b + c, jnp.array(2.0), c=3.0)
    assert float(lantern.jit(lambda f, x: f(x))(inner, 4.0)) == 11.0
    assert float(lantern.grad(lambda f: f(4.0))(inner).args[0]) == 4.0
    assert [tu.keystr(p) for p, _ in tu.tree_leaves_with_path(inner)] == [".args[0]", ".keywords['c']"]
    assert tu.tree_structure(inner) == tu.tree_structure(tu.Partial(inner.func, 0, c=0))


def test_static_classes() -> None:
    @tu.register_static
    class Flag(str):
        pass

    assert float(lantern.jit(lambda f, x: x if f == "on" else -x)(Flag("on"), 1.0)) == 1.0
    assert float(lantern.jit(lambda f, x: x if f == "on" else -x)(Flag("off"), 1.0)) == -1.0


def test_folds_and_transposition() -> None:
    assert tu.tree_reduce(lambda a, b: a + b, [1, [2, 3]]) == 6
    with pytest.raises(TypeError, match="empty"):
        tu.tree_reduce(lambda a, b: a + b, [])
    assert tu.tree_reduce(lambda a, b: a + b, [], 5) == 5 and tu.tree_all([]) and not tu.tree_all([1, 0])
    rows = [{"a": i, "b": (i, -i)} for i in range(3)]
    turned = tu.tree_transpose(tu.tree_structure([0] * 3), None, rows)
    assert turned == {"a": [0, 1, 2], "b": ([0, 1, 2], [0, -1, -2])}
    assert tu.tree_transpose(tu.tree_structure(()), tu.tree_structure({"a": 0}), ()) == {"a": ()}
    with pytest.raises(ArgumentError, match="wanted"):
        tu.tree_transpose(tu.tree_structure([0, 0]), tu.tree_structure({"a": 0}), [{"a": 1}, {"b": 1}])
    assert tu.tree_broadcast([1, None], [{"x": 0, "y": 0}, None]) == [{"x": 1, "y": 1}, None]


def test_structures() -> None:
    treedef = tu.tree_structure({"a": (0, 0)})
    pair, = tu.treedef_children(treedef)
    assert not tu.treedef_is_leaf(pair) and all(map(tu.treedef_is_leaf, tu.treedef_children(pair)))
    assert tu.treedef_tuple([pair, pair]) == tu.tree_structure(((0, 0), (0, 0)))
    assert tu.build_tree(treedef, [[1, 2]]) == {"a": (1, 2)} and isinstance(treedef, tu.PyTreeDef)
    with pytest.raises(ArgumentError, match=r"has 1 children, got 2"):
        tu.build_tree(treedef, [1, 2])


# flatten_util

def test_ravel_of_one_dtype_takes_any() -> None:
    tree = {"w": jnp.ones((2, 3)), "b": jnp.arange(2.0), "none": None}
    flat, unravel = ravel_pytree(tree)
    assert flat.tolist() == [0, 1, 1, 1, 1, 1, 1, 1] and flat.dtype == jnp.float32
    assert unravel(flat.astype(jnp.float16))["w"].dtype == jnp.float16
    assert lantern.jit(lambda v: unravel(v)["w"].sum())(flat) == 6.0
    with pytest.raises(ArgumentError, match=r"unravel: wanted a vector of 8 elements, got f32\[9\], at .*\. Pass one"):
        unravel(jnp.ones(9))


def test_ravel_of_several_dtypes_gives_them_back() -> None:
    flat, unravel = ravel_pytree([jnp.arange(3), jnp.ones(2, jnp.float16), jnp.array([True])])
    assert flat.dtype == jnp.float16 and [x.dtype.name for x in unravel(flat)] == ["int32", "float16", "bool"]
    with pytest.raises(TypeError, match=r"unravel: wanted f16, .*, got f32\[6\], at .*\. Convert it with astype"):
        unravel(flat.astype(jnp.float32))
    mixed, back = ravel_pytree([1.0, jnp.ones(2, jnp.complex64)])
    assert mixed.dtype == jnp.complex64 and back(mixed)[0].dtype == jnp.float32


def test_ravel_of_nothing() -> None:
    flat, unravel = ravel_pytree({})
    assert flat.shape == (0,) and unravel(flat) == {}


def test_ravel_under_transforms(device: str) -> None:
    """A step on the vector is a step on the tree."""
    tree = {"w": jnp.ones((2, 2)), "b": jnp.arange(2.0)}
    flat, unravel = ravel_pytree(tree)

    def loss(v: Any) -> Any:
        p = unravel(v)
        return jnp.sum(p["w"] @ p["b"])

    np.testing.assert_array_equal(lantern.jit(lantern.grad(loss))(flat), [2, 2, 0, 1, 0, 1])
    stacked = lantern.vmap(lambda v: ravel_pytree(unravel(v))[0])(jnp.stack([flat, 2 * flat]))
    np.testing.assert_array_equal(stacked, np.stack([flat, 2 * np.asarray(flat)]))


# the front door

def test_names_that_programs_ask_for() -> None:
    with lantern.default_device("cpu"):
        assert lantern.default_backend() == "cpu"
    assert lantern.local_devices() == lantern.devices() and lantern.device_count() == len(lantern.devices())
    assert isinstance(lantern.devices("cpu")[0], lantern.Device) and lantern.process_index() == 0
    assert lantern.dlpack.from_dlpack is jnp.from_dlpack and lantern.jacobian is lantern.jacrev
    assert lantern.typing.ArrayLike is not None and lantern.dtypes.canonicalize_dtype(float) == jnp.float32
    lantern.config.update("jax_debug_nans", False)
    with pytest.raises(ValueError, match="config has no setting 'nonsense'"):
        lantern.config.update("jax_nonsense", True)
    with lantern.enable_x64():
        assert jnp.asarray(1.5).dtype == jnp.float64
    assert jnp.asarray(1.5).dtype == jnp.float32


def test_compile_time_evaluation() -> None:
    @functools.partial(lantern.jit)
    def f(x: Any) -> Any:
        with lantern.ensure_compile_time_eval():
            table = jnp.cumsum(jnp.arange(4))
            assert int(table[-1]) == 6
        return x * table

    assert f(2.0).tolist() == [0, 2, 6, 12] and "cumsum" not in str(f.trace(2.0).jaxpr)

    def inside(x: Any) -> Any:
        with lantern.ensure_compile_time_eval():
            return jnp.sin(x)

    with pytest.raises(lantern.errors.EscapedTracerError, match=r"ensure_compile_time_eval operands must have values"):
        lantern.jit(inside)(1.0)
