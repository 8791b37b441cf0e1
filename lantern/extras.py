"""Optional packages: one place that imports them, and says how to install what is missing."""
from __future__ import annotations

import importlib
from types import ModuleType

from lantern.errors import MissingExtraError

# Top-level package -> the extra of lantern-jit that brings it.
EXTRAS: dict[str, str] = {"sklearn": "examples", "rich": "examples", "PIL": "examples"}


def require_extra(name: str) -> ModuleType:
    """The module `name` of an optional package.

    Raises MissingExtraError, with the exact pip line, if the package is not installed; ValueError if no extra brings
    it.

    >>> require_extra("json.decoder")
    Traceback (most recent call last):
    ValueError: no extra of lantern-jit brings 'json'
    """
    package = name.partition(".")[0]
    if package not in EXTRAS:
        raise ValueError(f"no extra of lantern-jit brings {package!r}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise       # the package is here; something that it needs is not
        raise MissingExtraError(
            f"{name} is not installed. Install it with:\n    python -m pip install \"lantern-jit[{EXTRAS[package]}]\"\n"
            f"or, in a clone of lantern:\n    python -m pip install \".[{EXTRAS[package]}]\"") from None
