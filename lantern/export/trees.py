"""Structures of pytrees in files: built-in containers by a tag, others by the name of a class that is registered."""
from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from lantern import tree
from lantern.errors import ArgumentError, ExportError

C = TypeVar("C", bound=type)
Encode = Callable[[Any], Any]

_TAGS: dict[str, type] = {"dict": dict, "OrderedDict": OrderedDict, "list": list, "tuple": tuple, "None": type(None)}
_NAMES = {kind: tag for tag, kind in _TAGS.items()}
_registered: dict[str, type] = {}


def register_pytree_node_serialization(nodetype: C, *, serialized_name: str) -> C:
    """Let files call a registered container class `serialized_name`; else they call it by its module and name.

    Raises ArgumentError if the class is no registered container or the name is taken.
    """
    if tree.node_of(nodetype) is None:
        raise ArgumentError(f"export: {nodetype.__name__} is no container; register it with "
                            "lantern.tree.register_node or register_dataclass first")
    if _registered.get(serialized_name, nodetype) is not nodetype:
        raise ArgumentError(f"export: the name {serialized_name!r} belongs to "
                            f"{_registered[serialized_name].__name__} already")
    _registered[serialized_name] = nodetype
    return nodetype


def register_namedtuple_serialization(nodetype: C, *, serialized_name: str) -> C:
    """The same for a namedtuple.

    >>> from typing import NamedTuple
    >>> class Point(NamedTuple):
    ...     x: float
    >>> register_namedtuple_serialization(Point, serialized_name="doc_point").__name__
    'Point'
    """
    return register_pytree_node_serialization(nodetype, serialized_name=serialized_name)


def encoded(treedef: tree.TreeDef, encode: Encode) -> Any:
    """A structure as JSON; `encode` writes static data."""
    node = treedef.node
    if node is None:
        return "*"
    children = [encoded(c, encode) for c in treedef.children]
    if node.kind in _NAMES:
        keys = [] if treedef.static is None else [encode(treedef.static)]
        return [_NAMES[node.kind], children, *keys]
    try:
        static = encode(treedef.static)
    except ExportError as error:
        what = "a defaultdict; pass a dict" if node.kind is defaultdict else f"the container {node.kind.__name__}"
        raise ExportError(f"export: the structure {treedef} holds {what}, whose static data cannot be written: {error}"
                          ) from None
    name = next((n for n, kind in _registered.items() if kind is node.kind), None)
    where = name if name is not None else [node.kind.__module__, node.kind.__qualname__]
    return ["class", children, static, where, list(treedef.names)]


def decoded(data: Any, decode: Callable[[Any], Any], wrong: Callable[[str], ExportError]) -> tree.TreeDef:
    """The structure again; `wrong` makes the error for what is none."""
    match data:
        case "*":
            return tree.LEAF
        case [str(tag), list(parts), *rest] if tag in _TAGS or tag == "class":      # pyright: ignore[reportUnknownVariableType]
            children = [decoded(c, decode, wrong) for c in parts]       # pyright: ignore[reportUnknownVariableType]
            if tag == "class":
                return _of_class(children, rest, decode, wrong)     # pyright: ignore[reportUnknownArgumentType]
            return _built_in(tag, children, decode(rest[0]) if rest else None, wrong)
        case _:
            raise wrong("a structure of arguments or results is not understood")


def _built_in(tag: str, children: Sequence[tree.TreeDef], static: Any, wrong: Callable[[str], ExportError],
              ) -> tree.TreeDef:
    node = tree.node_of(_TAGS[tag])
    assert node is not None, "internal: a built-in container is a container"
    if tag in ("dict", "OrderedDict"):
        if not isinstance(static, tuple) or len(set(static)) != len(children) or len(static) != len(children):     # pyright: ignore[reportUnknownArgumentType]
            raise wrong("the keys of a dict do not fit its values")
        return tree.assembled(node, static, children, [f"[{k!r}]" for k in static])     # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if static is not None or (tag == "None" and children):
        raise wrong(f"a {tag} with contents that it cannot have")
    return tree.assembled(node, None, children, [f"[{i}]" for i in range(len(children))])


def _of_class(children: Sequence[tree.TreeDef], rest: Sequence[Any], decode: Callable[[Any], Any],
              wrong: Callable[[str], ExportError]) -> tree.TreeDef:
    match rest:
        case [static, str() | [str(), str()] as where, list(names)] if (    # pyright: ignore[reportUnknownVariableType]
                len(names) == len(children) and all(isinstance(n, str) for n in names)):     # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            node = _node_called(where, wrong)
            data: Hashable = decode(static)
            return tree.assembled(node, data, children, names)      # pyright: ignore[reportUnknownArgumentType]
        case _:
            raise wrong("the container of a structure is not understood")


def _node_called(where: str | Sequence[str], wrong: Callable[[str], ExportError]) -> tree.Node:
    if isinstance(where, str):
        kind, name = _registered.get(where), where
        node = None if kind is None else tree.node_of(kind)
    else:
        module, name = where
        node, name = tree.registered(module, name), f"{module}.{name}"
    if node is None:
        raise wrong(f"its arguments or results are of the container class {name}, which is not registered in this "
                    "process. Import the module that defines it before loading (a namedtuple: call "
                    "export.register_namedtuple_serialization)")
    return node
