"""The compiler's passes, imported when the first program is lowered: a sixth of the time of importing lantern."""
from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from lantern.lower.kernel import Target
from lantern.trace.jaxpr import Jaxpr

if TYPE_CHECKING:
    from lantern.lower.passes import Lowering


def lower_jaxpr(jaxpr: Jaxpr, target: Target, donated: Collection[int] = ()) -> Lowering:
    """See `lantern.lower.passes.lower_jaxpr`."""
    passes: Any = importlib.import_module("lantern.lower.passes")
    return passes.lower_jaxpr(jaxpr, target, donated)
