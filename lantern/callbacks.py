"""Calling ordinary Python from inside traced and compiled functions: `pure_callback`, `io_callback`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern import tree
from lantern.dtypes import KEY
from lantern.errors import ArgumentError
from lantern.flat import as_result, as_values, name_of
from lantern.ops.keys import random_unwrap
from lantern.source import user_source
from lantern.trace.array import is_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Primitive
from lantern.tracebacks import boundary
from lantern.transforms.callback import Callback, debug_callback_p, io_callback_p, pure_callback_p

METHODS = (None, "sequential", "sequential_unrolled", "expand_dims", "broadcast_all")


@boundary
def pure_callback(callback: Callable[..., Any], result_shape_dtypes: Any, *args: Any, vmap_method: str | None = None,
                  **kwargs: Any) -> Any:
    """`callback(*args, **kwargs)`, called on the host with read-only NumPy arrays, inside and outside of `jit`.

    `result_shape_dtypes` is a tree of ShapeDtypeStructs (or arrays) that says what the callback returns. The callback
    must be pure: the call may be left out, shared or repeated. Under `vmap`, `vmap_method` decides: "sequential" calls
    once for each element; "broadcast_all" once, all operands with one more axis in front; "expand_dims" once,
    operands that are not mapped with an axis of size 1.

    Raises CallbackError for results of another structure, shape or dtype, NotDifferentiableError under differentiation
    (use `custom_jvp` or `custom_vjp`), ArgumentError under `vmap` without a method. What the callback raises reaches
    the caller.

    >>> import numpy as np, lantern.numpy as jnp
    >>> from lantern import ShapeDtypeStruct, jit
    >>> jit(lambda x: pure_callback(np.cumsum, ShapeDtypeStruct((3,), "float32"), x))(jnp.ones(3)).tolist()
    [1.0, 2.0, 3.0]
    """
    if vmap_method not in METHODS:
        raise ArgumentError(f"pure_callback: vmap_method must be one of {', '.join(map(repr, METHODS))}, "
                            f"got {vmap_method!r}")
    return _call(pure_callback_p, callback, result_shape_dtypes, args, kwargs, {"vmap_method": vmap_method})


@boundary
def io_callback(callback: Callable[..., Any], result_shape_dtypes: Any, *args: Any, ordered: bool = False,
                **kwargs: Any) -> Any:
    """As `pure_callback`, for functions that do something: each call happens once, also if its result is not used.

    The calls of one program keep their order. Under `vmap` there is one call for each element; `ordered=True` refuses
    that with ArgumentError.

    >>> import lantern.numpy as jnp
    >>> from lantern import jit
    >>> seen = []
    >>> _ = jit(lambda x: (io_callback(lambda v: seen.append(float(v)), None, x), x)[1])(jnp.array(2.0))
    >>> seen
    [2.0]
    """
    return _call(io_callback_p, callback, result_shape_dtypes, args, kwargs, {"ordered": ordered})


def _call(primitive: Primitive, callback: Callable[..., Any], results: Any, args: tuple[Any, ...],
          kwargs: dict[str, Any], params: dict[str, Any]) -> Any:
    if not callable(callback):
        raise TypeError(f"{primitive.name}: wanted a function, got {callback!r}")
    leaves, treedef = tree.flatten((args, kwargs))
    title = f"{primitive.name}({name_of(callback)})"
    values = as_values(leaves, lambda: tree.paths(treedef, "arguments"), title)
    # A literal may be folded away before the program runs; an array is what the callback is promised.
    values = [np.asarray(x.value) if isinstance(x, Literal) else x for x in values]
    described, out_tree = tree.flatten(results)
    outs = tuple([_described(x, title) for x in described])
    function = Callback(callback, name_of(callback), treedef, (), out_tree)
    found = bind(primitive, *values, function=function, results=outs, **params)
    return tree.unflatten(out_tree, [as_result(x) for x in found])


def _described(x: Any, title: str) -> ShapedArray:
    try:
        return shaped(tuple([int(n) for n in x.shape]), np.dtype(x.dtype))
    except (AttributeError, TypeError):
        raise ArgumentError(f"{title}: result_shape_dtypes must hold shapes and dtypes (lantern.ShapeDtypeStruct), "
                            f"got {x!r}, at {user_source()}") from None


def call_for_effect(function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: dict[str, Any],
                    ordered: bool, ours: bool = False, deferred: bool = False) -> None:
    """Call a function for what it does; arguments that are no arrays reach it as they are, random keys as their words.

    `ours`: the function holds nothing of the user's, so that caches may keep programs that call it. `deferred`: it only
    looks, so that a device may call it when somebody next waits.
    """
    leaves, treedef = tree.flatten((tuple(args), kwargs))
    traced = [is_array(x) or isinstance(x, (np.ndarray, Literal)) or hasattr(x, "__lantern_array__") for x in leaves]
    statics = tuple([(i, x) for i, (x, t) in enumerate(zip(leaves, traced, strict=True)) if not t])
    operands = [x for x, t in zip(leaves, traced, strict=True) if t]
    values = as_values(operands, lambda: tree.paths(treedef, "arguments"), name)
    values = [_words(np.asarray(x.value) if isinstance(x, Literal) else x) for x in values]
    bind(debug_callback_p, *values, function=Callback(function, name, treedef, statics, None, ours, deferred),
         results=(),
         ordered=ordered)


def _words(x: Any) -> Any:
    return random_unwrap(x) if is_array(x) and x.aval.dtype is KEY else x
