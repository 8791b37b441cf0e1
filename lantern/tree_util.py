"""JAX's `tree_util`: the functions of `lantern.tree` under the names that JAX programs import, and keys of paths."""
from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias, TypeVar, cast

from lantern import tree as _tree
from lantern.errors import ArgumentError
from lantern.tree import TreeDef as PyTreeDef
from lantern.tree import all_leaves as all_leaves
from lantern.tree import register_pytree_node_class as register_pytree_node_class

C = TypeVar("C", bound=type)
IsLeaf: TypeAlias = "Callable[[Any], bool] | None"


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """The position in a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"


@dataclass(frozen=True, slots=True)
class DictKey:
    """The key in a dict."""

    key: Hashable

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """The name of a field."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class FlattenedIndexKey:
    """The position among the children of a class that was registered without keys."""

    key: int

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


KeyPath: TypeAlias = "tuple[Any, ...]"
_keys: dict[type, Callable[[Any], Sequence[Any]]] = {}


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], PyTreeDef]:
    """The leaves and the structure: `lantern.tree.flatten`.

    >>> tree_flatten({"b": 1, "a": 2})[0]
    [2, 1]
    """
    return _tree.flatten(tree, is_leaf)


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable[Any]) -> Any:
    """The tree of this structure: `lantern.tree.unflatten`.

    >>> tree_unflatten(tree_structure((0, [0])), [1, 2])
    (1, [2])
    """
    return _tree.unflatten(treedef, leaves)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves in order: `lantern.tree.leaves`."""
    return _tree.leaves(tree, is_leaf)


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> PyTreeDef:
    """The structure without the leaves: `lantern.tree.structure`."""
    return _tree.structure(tree, is_leaf)


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """f at every leaf: `lantern.tree.map`.

    >>> tree_map(lambda x, y: x - y, (3, {"a": 2}), (1, {"a": 1}))
    (2, {'a': 1})
    """
    return _tree.map(f, tree, *rest, is_leaf=is_leaf)


tree_reduce = _tree.reduce
tree_all = _tree.all
tree_transpose = _tree.transpose


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> Any:
    """A tree like `full_tree` whose leaves are those of a prefix of it, repeated.

    >>> tree_broadcast((1, 2), ([0, 0], {"a": 0}))
    ([1, 1], {'a': 2})
    """
    return tree_unflatten(tree_structure(full_tree), _tree.broadcast_prefix(prefix_tree, full_tree, is_leaf))


# paths

def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[tuple[KeyPath, Any]], PyTreeDef]:
    """Pairs of path and leaf, and the structure. A path is a tuple of DictKey, SequenceKey, GetAttrKey and others.

    >>> tree_flatten_with_path({"w": [1.5]})[0]
    [((DictKey(key='w'), SequenceKey(idx=0)), 1.5)]
    """
    found: list[tuple[KeyPath, Any]] = []
    _walk((), tree, is_leaf, found)
    return found, tree_structure(tree, is_leaf)


def _walk(path: KeyPath, x: Any, is_leaf: IsLeaf, found: list[tuple[KeyPath, Any]]) -> None:
    node = _tree.node_of(x.__class__)
    if node is None or (is_leaf is not None and is_leaf(x)):
        found.append((path, x))
        return
    children = list(node.flatten(x)[0])
    for key, child in zip(_keys_of(node, x, len(children)), children, strict=True):
        _walk((*path, key), child, is_leaf, found)


def _keys_of(node: _tree.Node, x: Any, count: int) -> Sequence[Any]:
    if node.kind in _keys:
        return _keys[node.kind](x)
    if node.kind in (dict, OrderedDict, defaultdict):
        static = cast("Any", node.flatten(x)[1])
        return [DictKey(k) for k in (static[1] if node.kind is defaultdict else static)]
    if node.kind in (list, tuple):
        return [SequenceKey(i) for i in range(count)]
    names = list(node.names(x))
    return [GetAttrKey(n[1:]) if n.startswith(".") else FlattenedIndexKey(i) for i, n in enumerate(names)]


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """Pairs of path and leaf."""
    return tree_flatten_with_path(tree, is_leaf)[0]


def tree_map_with_path(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """f of the path (a tuple of keys) and the leaf, at every leaf.

    >>> tree_map_with_path(lambda path, x: keystr(path) + f"={x}", {"a": (1, 2)})
    {'a': ("['a'][0]=1", "['a'][1]=2")}
    """
    pairs, treedef = tree_flatten_with_path(tree, is_leaf)
    columns = [[p for p, _ in pairs], [x for _, x in pairs], *[_tree.flatten_up_to(treedef, r) for r in rest]]
    return tree_unflatten(treedef, [f(*row) for row in zip(*columns, strict=True)])


def keystr(keys: KeyPath, *, simple: bool = False, separator: str = "") -> str:
    """A path as text; `simple`: names and numbers alone, with `separator` between.

    >>> keystr((DictKey("w"), SequenceKey(0))), keystr((DictKey("w"), SequenceKey(0)), simple=True, separator="/")
    ("['w'][0]", 'w/0')
    """
    return separator.join([_plain(k) if simple else str(k) for k in keys])


def _plain(key: Any) -> str:
    match key:
        case DictKey(k) | SequenceKey(k) | GetAttrKey(k) | FlattenedIndexKey(k):
            return str(k)
        case _:
            return str(key)


# registration

def register_pytree_node(nodetype: type, flatten_func: Callable[[Any], tuple[Iterable[Any], Any]],
                         unflatten_func: Callable[[Any, Any], Any],
                         flatten_with_keys_func: Callable[[Any], tuple[Iterable[Any], Any]] | None = None) -> None:
    """Make a class a container: `flatten(x) -> (children, aux)`, `unflatten(aux, children) -> x`; aux is hashed.

    Raises ArgumentError, a ValueError, if it is one already.
    """
    def flatten(x: Any) -> tuple[Sequence[Any], Hashable]:
        children, aux = flatten_func(x)
        return tuple(children), aux

    def keys(x: Any) -> Sequence[Any]:
        if flatten_with_keys_func is None:
            return [FlattenedIndexKey(i) for i in range(len(flatten(x)[0]))]
        return [k for k, _ in flatten_with_keys_func(x)[0]]

    _tree.register_node(nodetype, flatten, lambda aux, xs: unflatten_func(aux, tuple(xs)),
                        lambda x: [str(k) for k in keys(x)])
    _keys[nodetype] = keys


def register_pytree_with_keys(nodetype: type, flatten_with_keys: Callable[[Any], tuple[Iterable[Any], Any]],
                              unflatten_func: Callable[[Any, Any], Any],
                              flatten_func: Callable[[Any], tuple[Iterable[Any], Any]] | None = None) -> None:
    """The same with keys for paths: `flatten_with_keys(x) -> (pairs of key and child, aux)`."""
    def flatten(x: Any) -> tuple[Iterable[Any], Any]:
        pairs, aux = flatten_with_keys(x)
        return [child for _, child in pairs], aux

    register_pytree_node(nodetype, flatten_func or flatten, unflatten_func, flatten_with_keys)


def register_pytree_with_keys_class(cls: C) -> C:
    """A decorator for classes with `tree_flatten_with_keys(self)` and the classmethod `tree_unflatten`."""
    kind = cast("Any", cls)
    register_pytree_with_keys(cls, lambda x: x.tree_flatten_with_keys(), kind.tree_unflatten)
    return cls


def register_dataclass(nodetype: C, data_fields: Sequence[str] | None = None, meta_fields: Sequence[str] | None = None,
                       drop_fields: Sequence[str] = ()) -> C:
    """Make a dataclass a container of its data fields; meta fields belong to the structure.

    Without lists: fields with `metadata={"static": True}` are meta fields. Raises ArgumentError unless each field of
    the constructor (but those of `drop_fields`) is named once.

    >>> from dataclasses import dataclass
    >>> @functools.partial(register_dataclass, data_fields=["w"], meta_fields=["name"])
    ... @dataclass
    ... class Layer:
    ...     w: float
    ...     name: str
    >>> tree_leaves(Layer(2.0, "first"))
    [2.0]
    """
    kind: Any = nodetype
    if not is_dataclass(kind):
        raise ArgumentError(f"register_dataclass: {nodetype!r} is no dataclass")
    wanted = [f for f in fields(kind) if f.init and f.name not in drop_fields]
    if data_fields is None or meta_fields is None:
        if data_fields is not None or meta_fields is not None:
            raise ArgumentError("register_dataclass: give both data_fields and meta_fields, or none of them")
        meta_fields = [f.name for f in wanted if f.metadata.get("static", False)]
        data_fields = [f.name for f in wanted if f.name not in meta_fields]
    if sorted([*data_fields, *meta_fields]) != sorted([f.name for f in wanted]):
        raise ArgumentError(f"register_dataclass: {nodetype.__name__} has the fields "
                            f"{', '.join([f.name for f in wanted])}; data_fields and meta_fields name "
                            f"{', '.join([*data_fields, *meta_fields])}")
    data, meta = tuple(data_fields), tuple(meta_fields)

    def flatten(x: Any) -> tuple[Sequence[Any], Hashable]:
        return [getattr(x, f) for f in data], tuple([getattr(x, f) for f in meta])

    def unflatten(values: Any, children: Any) -> Any:
        return make(**dict(zip(data, children, strict=True)), **dict(zip(meta, values, strict=True)))

    make: Callable[..., Any] = nodetype
    register_pytree_node(nodetype, flatten, unflatten,
                         lambda x: ([(GetAttrKey(f), getattr(x, f)) for f in data], None))
    return nodetype


def register_static(cls: C) -> C:
    """Make instances of a class parts of the structure: no leaves, compared by `==` and hashed.

    >>> @register_static
    ... class Name(str):
    ...     pass
    >>> tree_leaves([Name("x"), 1])
    [1]
    """
    register_pytree_node(cls, lambda x: ((), x), lambda x, _: x)
    return cls


class Partial(functools.partial[Any]):
    """`functools.partial` whose arguments are leaves: it can be passed to and returned from transformed functions.

    >>> tree_map(lambda x: x * 2, Partial(pow, 3))(2)
    36
    """


register_pytree_with_keys(Partial,
                          lambda p: (((GetAttrKey("args"), p.args), (GetAttrKey("keywords"), p.keywords)), p.func),
                          lambda func, xs: Partial(func, *xs[0], **xs[1]))


# structures

def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether a structure is that of a leaf."""
    return treedef.node is None


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of a container's children."""
    return list(treedef.children)


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple of trees.

    >>> str(treedef_tuple([tree_structure(0), tree_structure([0])]))
    '(*, [*])'
    """
    children = list(treedefs)
    node = _tree.node_of(tuple)
    assert node is not None, "internal: a tuple is a container"
    return _tree.assembled(node, None, children, [f"[{i}]" for i in range(len(children))])


def build_tree(treedef: PyTreeDef, xs: Any) -> Any:
    """A tree of this structure, of nested sequences with its leaves.

    >>> build_tree(tree_structure({"a": 0, "b": (0, 0)}), [1, [2, 3]])
    {'a': 1, 'b': (2, 3)}
    """
    if treedef.node is None:
        return xs
    parts = list(xs)
    if len(parts) != len(treedef.children):
        raise ArgumentError(f"build_tree: the structure {treedef} has {len(treedef.children)} children, got "
                            f"{len(parts)}")
    children = [build_tree(d, x) for d, x in zip(treedef.children, parts, strict=True)]
    return treedef.node.unflatten(treedef.static, children)
