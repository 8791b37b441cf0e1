"""Pytrees: nested containers with arrays (or anything else) at the leaves.

dict (by sorted key), list, tuple, None, namedtuple, and what is registered: classes by two functions, dataclasses by
their fields. Everything else is a leaf.
"""
from __future__ import annotations

import builtins
import dataclasses
import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, overload
from weakref import WeakValueDictionary

from lantern.errors import ArgumentError

T = TypeVar("T")
C = TypeVar("C", bound=type)
Path = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Node:
    """How one kind of container is taken apart and put together.

    flatten    container -> (children, static data that can be hashed)
    unflatten  (static data, children) -> container
    names      (container) -> one piece of path for each child, such as `['w']` or `.bias`
    """

    kind: type
    flatten: Callable[[Any], tuple[Sequence[Any], Hashable]]
    unflatten: Callable[[Any, Sequence[Any]], Any]
    names: Callable[[Any], Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TreeDef:
    """The structure of a pytree without its leaves. Interned: equal structures are one object, so comparing is free.

    >>> str(structure({"w": 1, "b": [2, None]}))
    "{'b': [*, None], 'w': *}"
    """

    node: Node | None       # None: a leaf
    static: Hashable
    children: tuple[TreeDef, ...]
    num_leaves: int
    names: tuple[str, ...] = ()

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Rebuild the tree; see `unflatten`."""
        return unflatten(self, leaves)

    def __reduce__(self) -> Any:
        return (_rebuilt, (self.node.kind, self.static, self.children, self.names)) if self.node else (_leaf, ())

    def __str__(self) -> str:
        if self.node is None:
            return "*"
        parts = [str(c) for c in self.children]
        kind = self.node.kind
        if kind is type(None):
            return "None"
        if kind in (dict, OrderedDict, defaultdict):
            return "{" + ", ".join(f"{n[1:-1]}: {p}" for n, p in zip(self.names, parts, strict=True)) + "}"
        if kind is list:
            return f"[{', '.join(parts)}]"
        if kind is tuple:
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        fields = [f"{n.lstrip('.')}={p}" for n, p in zip(self.names, parts, strict=True)]
        return f"{kind.__name__}({', '.join(fields)})"


LEAF = TreeDef(None, None, (), 1)
_table: WeakValueDictionary[Any, TreeDef] = WeakValueDictionary()


def _leaf() -> TreeDef:
    return LEAF


def _interned(node: Node, static: Hashable, children: tuple[TreeDef, ...], names: tuple[str, ...]) -> TreeDef:
    key = (node, static, children)
    found = _table.get(key)
    if found is None:
        found = _table.setdefault(key, TreeDef(node, static, children, sum([c.num_leaves for c in children]), names))
    return found


def _sorted_keys(d: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(d)
    except TypeError as error:
        raise ArgumentError(f"dict keys of a pytree must be comparable, got {list(d)}: {error}") from None


def _index_names(xs: Sequence[Any]) -> list[str]:
    return [f"[{i}]" for i in range(len(xs))]


def _flatten_dict(d: dict[Any, Any]) -> tuple[list[Any], Hashable]:
    keys = _sorted_keys(d)
    return [d[k] for k in keys], tuple(keys)


def _key_names(d: dict[Any, Any]) -> list[str]:
    return [f"[{k!r}]" for k in _sorted_keys(d)]


def _build_defaultdict(static: Any, children: Sequence[Any]) -> Any:
    return defaultdict(static[0], zip(static[1], children, strict=True))


_NODES: dict[type, Node] = {
    dict: Node(dict, _flatten_dict, lambda keys, xs: dict(zip(keys, xs, strict=True)), _key_names),
    OrderedDict: Node(OrderedDict, lambda d: (list(d.values()), tuple(d)),
                      lambda keys, xs: OrderedDict(zip(keys, xs, strict=True)), lambda d: [f"[{k!r}]" for k in d]),
    defaultdict: Node(defaultdict, lambda d: (_flatten_dict(d)[0], (d.default_factory, _flatten_dict(d)[1])),
                      _build_defaultdict, _key_names),
    list: Node(list, lambda xs: (xs, None), lambda _, xs: list(xs), _index_names),
    tuple: Node(tuple, lambda xs: (xs, None), lambda _, xs: tuple(xs), _index_names),
    type(None): Node(type(None), lambda _: ((), None), lambda _, xs: None, lambda _: ()),
}


def _node_of(kind: Any) -> Node | None:
    node = _NODES.get(kind)
    if node is None and tuple in kind.__mro__ and hasattr(kind, "_fields"):
        node = _NODES[kind] = Node(kind, lambda t: (tuple(t), None), lambda _, xs: kind(*xs),
                                   lambda _: [f".{f}" for f in kind._fields])
    return node


def _rebuilt(kind: Any, static: Hashable, children: tuple[TreeDef, ...], names: tuple[str, ...]) -> TreeDef:
    node = _node_of(kind)
    if node is None:
        raise ArgumentError(f"{kind} is not registered as a pytree in this process")
    return _interned(node, static, children, names)


def node_of(kind: type) -> Node | None:
    """How a class is taken apart, if it is a container."""
    return _node_of(kind)


def registered(module: str, name: str) -> Node | None:
    """The container whose class is called so, among those that this process has met or registered."""
    for kind, node in list(_NODES.items()):
        if (kind.__module__, kind.__qualname__) == (module, name):
            return node
    return None


def assembled(node: Node, static: Hashable, children: Sequence[TreeDef], names: Sequence[str]) -> TreeDef:
    """The structure with these parts; `names` are pieces of path, one for each child."""
    return _interned(node, static, tuple(children), tuple(names))


def _collect(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> TreeDef:
    kind: Any = tree.__class__
    node = _NODES.get(kind) or _node_of(kind)
    if node is None or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return LEAF
    children, static = node.flatten(tree)
    below: list[TreeDef] = []
    for c in children:      # most children are leaves: no call for these
        kind = c.__class__
        if is_leaf is None and kind not in _NODES and tuple not in kind.__mro__:
            leaves.append(c)
            below.append(LEAF)
        else:
            below.append(_collect(c, leaves, is_leaf))
    defs = tuple(below)
    found = _table.get((node, static, defs))
    return _interned(node, static, defs, tuple(node.names(tree))) if found is None else found


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeDef]:
    """The leaves in order, and the structure from which `unflatten` rebuilds the tree.

    `is_leaf(x)` true stops there. Raises ArgumentError for dict keys that cannot be sorted.

    >>> flatten({"b": 1, "a": (2, None)})[0]
    [2, 1]
    """
    leaves: list[Any] = []
    return leaves, _collect(tree, leaves, is_leaf)


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """The tree of structure `treedef` with these leaves.

    Raises ArgumentError if their number is not that of the structure.

    >>> unflatten(structure({"a": 0, "b": 0}), [1, 2])
    {'a': 1, 'b': 2}
    """
    given = list(leaves)
    if len(given) != treedef.num_leaves:
        raise ArgumentError(f"unflatten: the structure {treedef} has {treedef.num_leaves} leaves, got {len(given)}")
    return _build(treedef, iter(given))


def _build(treedef: TreeDef, rest: Any) -> Any:
    if treedef.node is None:
        return next(rest)
    children = [next(rest) if c.node is None else _build(c, rest) for c in treedef.children]
    return treedef.node.unflatten(treedef.static, children)


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves in order.

    >>> leaves([1, {"x": 2}])
    [1, 2]
    """
    return flatten(tree, is_leaf)[0]


def structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeDef:
    """The structure without the leaves.

    >>> structure((1, 2)) == structure((3, 4))
    True
    """
    return flatten(tree, is_leaf)[1]


def all_leaves(xs: Iterable[Any]) -> bool:
    """Whether none of `xs` is a container.

    >>> all_leaves([1, 2]), all_leaves([1, (2,)])
    (True, False)
    """
    return builtins.all(_node_of(x.__class__) is None for x in xs)


# The first three say to type checkers what the parameters of a lambda are.
@overload
def map(f: Callable[[Any], Any], tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
@overload
def map(f: Callable[[Any, Any], Any], tree: Any, second: Any, /, *,
        is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
@overload
def map(f: Callable[[Any, Any, Any], Any], tree: Any, second: Any, third: Any, /, *,
        is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
@overload
def map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
def map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """f at every leaf; further trees must have `tree` as a prefix of their structure.

    Raises ArgumentError that names the place where structures part.

    >>> map(lambda x, y: x + y, {"a": 1}, {"a": 2})
    {'a': 3}
    """
    xs, treedef = flatten(tree, is_leaf)
    columns = [xs, *[flatten_up_to(treedef, r) for r in rest]]
    return unflatten(treedef, [f(*row) for row in zip(*columns, strict=True)])


def flatten_up_to(treedef: TreeDef, tree: Any, path: str = "tree") -> list[Any]:
    """The subtrees of `tree` that stand where `treedef` has leaves.

    >>> flatten_up_to(structure((0, 0)), (1, [2, 3]))
    [1, [2, 3]]
    """
    if treedef.node is None:
        return [tree]
    node = _node_of(tree.__class__)
    if node is None or node is not treedef.node:
        raise ArgumentError(f"{path}: wanted {treedef}, got {tree!r} of type {type(tree).__name__}")
    children, static = node.flatten(tree)
    if static != treedef.static or len(children) != len(treedef.children):
        raise ArgumentError(f"{path}: wanted the structure {treedef}, got {structure(tree)}")
    names = treedef.names or node.names(tree)
    return [x for n, d, c in zip(names, treedef.children, children, strict=True) for x in flatten_up_to(d, c, path + n)]


def broadcast_prefix(prefix: Any, tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """One entry a leaf of `tree`: each leaf of `prefix` serves all leaves below it.

    >>> broadcast_prefix((0, None), ([1, 2], 3), is_leaf=lambda x: x is None)
    [0, 0, None]
    """
    entries, treedef = flatten(prefix, is_leaf)
    subtrees = flatten_up_to(treedef, tree)
    return [e for e, s in zip(entries, subtrees, strict=True) for _ in range(structure(s).num_leaves)]


_MISSING: Any = object()


def reduce(function: Callable[[Any, Any], Any], tree: Any, initializer: Any = _MISSING,
           is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Fold the leaves in order. Raises TypeError for a tree without leaves and without `initializer`.

    >>> reduce(lambda a, b: a + b, {"x": 1, "y": (2, 3)})
    6
    """
    found = leaves(tree, is_leaf)
    return functools.reduce(function, found if initializer is _MISSING else [initializer, *found])


def all(tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether all leaves are true.

    >>> all({"a": True, "b": [1, 0]})
    False
    """
    return builtins.all(leaves(tree, is_leaf))


def transpose(outer_treedef: TreeDef, inner_treedef: TreeDef | None, tree: Any) -> Any:
    """A tree of structure `outer` whose leaves are trees of structure `inner` (None: that of the first), inside out.

    Raises ArgumentError where the tree has another structure.

    >>> transpose(structure([0, 0]), structure({"a": 0, "b": 0}), [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    {'a': [1, 3], 'b': [2, 4]}
    """
    subtrees = flatten_up_to(outer_treedef, tree)
    if inner_treedef is None:
        if not subtrees:
            raise ArgumentError("transpose: the inner structure must be given where the outer one has no leaves")
        inner_treedef = structure(subtrees[0])
    rows = [flatten_up_to(inner_treedef, s) for s in subtrees]
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * inner_treedef.num_leaves
    return unflatten(inner_treedef, [unflatten(outer_treedef, column) for column in columns])


def paths(treedef: TreeDef, prefix: str = "") -> list[str]:
    """One readable name a leaf.

    >>> paths(structure({"w": [0, 0]}), "params")
    ["params['w'][0]", "params['w'][1]"]
    """
    if treedef.node is None:
        return [prefix]
    return [p for n, c in zip(treedef.names, treedef.children, strict=True) for p in paths(c, prefix + n)]


def flatten_with_path(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[tuple[str, Any]], TreeDef]:
    """Pairs of path (a string) and leaf, and the structure. `lantern.tree_util` has JAX's paths, tuples of keys.

    >>> flatten_with_path({"w": [1, 2]})[0]
    [("['w'][0]", 1), ("['w'][1]", 2)]
    """
    found, treedef = flatten(tree, is_leaf)
    return list(zip(paths(treedef), found, strict=True)), treedef


def leaves_with_path(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[tuple[str, Any]]:
    """Pairs of path (a string) and leaf."""
    return flatten_with_path(tree, is_leaf)[0]


@overload
def map_with_path(f: Callable[[str, Any], Any], tree: Any, *,
                  is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
@overload
def map_with_path(f: Callable[..., Any], tree: Any, *rest: Any,
                  is_leaf: Callable[[Any], bool] | None = None) -> Any: ...
def map_with_path(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """As `map`, with the path of the leaf (a string such as `['w'][0]`) as first argument.

    >>> map_with_path(lambda path, x: path, {"w": [0, 0]})
    {'w': ["['w'][0]", "['w'][1]"]}
    """
    xs, treedef = flatten(tree, is_leaf)
    columns = [paths(treedef), xs, *[flatten_up_to(treedef, r) for r in rest]]
    return unflatten(treedef, [f(*row) for row in zip(*columns, strict=True)])


def register_node(kind: type[T], flatten: Callable[[T], tuple[Sequence[Any], Hashable]],
                  unflatten: Callable[[Any, Sequence[Any]], T],
                  names: Callable[[T], Sequence[str]] | None = None) -> None:
    """Make a class a container: `flatten(x) -> (children, static)`, `unflatten(static, children) -> x`.

    Raises ArgumentError if the class is registered already.
    """
    if kind in _NODES:
        raise ArgumentError(f"{kind.__name__} is registered as a pytree already")
    _NODES[kind] = Node(kind, flatten, unflatten, names or (lambda x: _index_names(flatten(x)[0])))


def register_pytree_node(nodetype: type, flatten_func: Callable[[Any], tuple[Iterable[Any], Any]],
                         unflatten_func: Callable[[Any, Any], Any]) -> None:
    """JAX's form of `register_node`: children may be any iterable. `lantern.tree_util` takes keys for paths as well."""
    def flatten(x: Any) -> tuple[Sequence[Any], Hashable]:
        children, aux = flatten_func(x)
        return tuple(children), aux

    register_node(nodetype, flatten, lambda aux, xs: unflatten_func(aux, tuple(xs)))


def register_pytree_node_class(cls: C) -> C:
    """A decorator for classes with `tree_flatten(self)` and the classmethod `tree_unflatten(cls, aux, children)`.

    >>> @register_pytree_node_class
    ... class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    ...     def tree_flatten(self):
    ...         return (self.a, self.b), None
    ...     @classmethod
    ...     def tree_unflatten(cls, aux, children):
    ...         return cls(*children)
    >>> map(lambda x: x + 1, Pair(1, 2)).b
    3
    """
    kind: Any = cls
    register_pytree_node(cls, _flatten_itself, kind.tree_unflatten)
    return cls


def _flatten_itself(x: Any) -> tuple[Iterable[Any], Any]:
    return x.tree_flatten()


@overload
def register_dataclass(kind: C, *, static: Sequence[str] = ()) -> C: ...
@overload
def register_dataclass(kind: None = None, *, static: Sequence[str] = ()) -> Callable[[C], C]: ...
def register_dataclass(kind: Any = None, *, static: Sequence[str] = ()) -> Any:
    """Make a dataclass a container of its fields; the fields in `static` are part of the structure (and are hashed).

    Also a decorator. Raises ArgumentError if it is no dataclass or has no such field.

    >>> @register_dataclass
    ... @dataclasses.dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     y: float
    >>> map(lambda v: v * 2, Point(1, 2))
    Point(x=2, y=4)
    """
    if kind is None:
        return partial(register_dataclass, static=static)
    if not hasattr(kind, "__dataclass_fields__"):
        raise ArgumentError(f"register_dataclass: {kind!r} is not a dataclass")
    fields = [f.name for f in dataclasses.fields(kind) if f.init]
    missing = [s for s in static if s not in fields]
    if missing:
        raise ArgumentError(f"register_dataclass: {kind.__name__} has no field {', '.join(missing)}; "
                            f"it has {', '.join(fields)}")
    dynamic = [f for f in fields if f not in static]

    def take_apart(x: Any) -> tuple[list[Any], Hashable]:
        return [getattr(x, f) for f in dynamic], tuple([getattr(x, f) for f in static])

    def put_together(values: Any, children: Sequence[Any]) -> Any:
        return kind(**dict(zip(dynamic, children, strict=True)), **dict(zip(static, values, strict=True)))

    register_node(kind, take_apart, put_together, lambda _: [f".{f}" for f in dynamic])
    return kind
