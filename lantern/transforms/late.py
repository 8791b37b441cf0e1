"""The check for keys that are used twice, imported when somebody asks for it: most programs never do."""
from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from lantern import config
from lantern.source import Source
from lantern.trace.aval import ShapedArray
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Primitive


def reuse_is_checked() -> bool:
    """Whether somebody asked for the check."""
    mode = config.mode()
    return mode is not None and mode.debug_key_reuse


def _check() -> Any:
    return importlib.import_module("lantern.transforms.key_reuse")


def follow(primitive: Primitive, params: Mapping[str, Any], args: Sequence[Any], avals: Sequence[ShapedArray],
           source: Source | None) -> Sequence[Any]:
    """See `lantern.transforms.key_reuse.follow`."""
    return _check().follow(primitive, params, args, avals, source)


def follow_program(jaxpr: Jaxpr, args: Sequence[Any]) -> Sequence[Any]:
    """See `lantern.transforms.key_reuse.follow_program`."""
    return _check().follow_program(jaxpr, args)


def settle(made: Sequence[Any], known: Sequence[Any]) -> None:
    """See `lantern.transforms.key_reuse.settle`."""
    _check().settle(made, known)
