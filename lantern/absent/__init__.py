"""Names of JAX that lantern leaves out: the error says what to use instead, or which name was meant.

Each module of the vocabulary ends with `__getattr__ = Absent(__name__)`. Python calls that for names that the module
lacks; `hasattr` keeps working, and type checkers take the stubs, which know nothing of it. Modules that few programs
use are `parts`: they are imported when they are first asked for, so that importing lantern stays quick.
"""
from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping
from types import ModuleType

from lantern.absent.hints import HINTS


class Absent:
    """What a module answers for names that it does not have.

    >>> Absent("lantern.numpy")("polyfit")
    Traceback (most recent call last):
    AttributeError: lantern.numpy has no polyfit: build the columns with ... and solve with `numpy.linalg.lstsq`
    >>> Absent("lantern.absent")("Absnt")
    Traceback (most recent call last):
    AttributeError: lantern.absent has no Absnt. Did you mean Absent?
    """

    __slots__ = ("hints", "module", "parts")

    def __init__(self, module: str, parts: tuple[str, ...] = ()) -> None:
        self.module, self.parts = module, parts
        self.hints: Mapping[str, str] = {
            name: hint for names, hint in HINTS.get(module, {}).items() for name in names.split()}

    def __call__(self, name: str) -> ModuleType:
        """A part, imported now. Raises AttributeError for any other name."""
        if name in self.parts:
            return importlib.import_module(f"{self.module}.{name}")
        raise AttributeError(self.message(name), name=name)

    def message(self, name: str) -> str:
        """What is told of a missing name."""
        what = f"{self.module} has no {name}"
        if name in self.hints:
            return f"{what}: {self.hints[name]}"
        if name.startswith("__"):       # looked for by Python and by tools, not by people
            return what
        known = [*[n for n in vars(sys.modules[self.module]) if not n.startswith("_")], *self.parts]
        close = difflib.get_close_matches(name, known)
        return f"{what}. Did you mean {' or '.join(close)}?" if close else what
