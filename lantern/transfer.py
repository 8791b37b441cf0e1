"""Moving trees of arrays between host and devices, and asking for shapes without values."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np

from lantern import tree
from lantern.backends.array import DeviceArray
from lantern.devices import DeviceLike, current_device, find_device, placed
from lantern.flat import Flat, as_value, stand_in
from lantern.flat import ShapeDtypeStruct as ShapeDtypeStruct
from lantern.trace.array import Array
from lantern.trace.staging import Tracer

T = TypeVar("T")
A = TypeVar("A", bound=Array[Any, *tuple[Any, ...]])


@overload
def device_put(x: A, device: DeviceLike | None = None) -> A: ...
@overload
def device_put(x: Any, device: DeviceLike | None = None) -> Any: ...
def device_put(x: Any, device: DeviceLike | None = None) -> Any:
    """A tree of arrays on `device`. Tracers stay where their trace is.

    Without a device: on the default one, and values from the host stay loose: they follow an array that was put
    somewhere.

    >>> device_put({"w": [1.0]}, "cpu")["w"][0].device
    Device(cpu:0, 'CPU (NumPy)')
    """
    place = current_device() if device is None else find_device(device)

    def put(leaf: Any) -> Any:
        if isinstance(leaf, Tracer):
            return leaf
        value = as_value(leaf, place, lambda: "x", "device_put")
        if device is None:
            return value
        if isinstance(leaf, DeviceArray):
            return placed(leaf, place)
        value.loose = False
        return value

    return tree.map(put, x)


def device_get(x: Any) -> Any:
    """A tree of arrays as NumPy arrays. On a traced value it takes the value as a constant, if it is known: what is
    computed from it has no gradient.

    >>> device_get(device_put(2.0))
    array(2., dtype=float32)
    """
    def get(leaf: Any) -> Any:
        if isinstance(leaf, Tracer):
            leaf = leaf.concrete("device_get(x)", cuts=True)
        return np.asarray(leaf)

    return tree.map(get, x)


def block_until_ready(x: T) -> T:
    """Wait until every array of the tree has been computed; returns the tree.

    >>> float(block_until_ready(device_put(2.0)))
    2.0
    """
    for leaf in tree.leaves(x):
        if isinstance(leaf, DeviceArray):
            leaf.block_until_ready()
    return x


def eval_shape(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of f's results, without computing: a tree of ShapeDtypeStruct. Arguments are arrays or
    ShapeDtypeStructs.

    >>> import lantern.numpy as jnp
    >>> eval_shape(lambda x: x @ x.T, ShapeDtypeStruct((2, 3), jnp.float32))
    ShapeDtypeStruct(shape=(2, 2), dtype=dtype('float32'))
    """
    given, named = tree.map(stand_in, (args, kwargs))
    flat = Flat(f, given, named, "eval_shape")
    avals = flat.trace(None, stage_all=True).jaxpr.out_avals
    return tree.unflatten(flat.out_tree, [ShapeDtypeStruct(a.shape, a.dtype) for a in avals])
