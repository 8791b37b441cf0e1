"""Where the user wrote it: a code object and an offset, turned into file and line only when shown."""
from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FrameType

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
EXAMPLES = PACKAGE + "examples" + os.sep


class Source:
    """A place in the user's code. Made for every traced operation: a plain slotted class; treat it as frozen.

    scope   what `named_scope` calls this part of the program
    role    "" or the part that the operation plays for the line: "derivative" (forwards), "gradient" (backwards)

    >>> str(Source(compile("x = 1", "model.py", "exec"), 0))
    'model.py:1 in <module>'
    """

    __slots__ = ("code", "offset", "role", "scope")

    def __init__(self, code: CodeType, offset: int, scope: str = "", role: str = "") -> None:
        self.code, self.offset, self.scope, self.role = code, offset, scope, role

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.code is other.code and (
            self.offset, self.scope, self.role) == (other.offset, other.scope, other.role)

    def __hash__(self) -> int:
        return hash((id(self.code), self.offset, self.scope, self.role))

    @property
    def line(self) -> int:
        """The line number, from 1."""
        lines = self.code.co_lines()
        return next((n for a, b, n in lines if a <= self.offset < b and n), self.code.co_firstlineno)

    @property
    def file(self) -> str:
        """The file's name without its folders, so that texts do not depend on the machine."""
        return os.path.basename(self.code.co_filename)

    @property
    def place(self) -> str:
        """For the middle of a sentence: "at model.py:1 in loss", "in the gradient of model.py:1 in loss"."""
        return f"in the {self.role} of {self}" if self.role else f"at {self}"

    def as_role(self, role: str) -> Source:
        """The same line for an operation that its derivative consists of."""
        return Source(self.code, self.offset, self.scope, role)

    def __str__(self) -> str:
        where = f"{self.file}:{self.line} in {self.code.co_name}"
        return f"{where} ({self.scope})" if self.scope else where


_scope: ContextVar[str] = ContextVar("lantern_scope", default="")


@contextmanager
def scoped(name: str) -> Generator[None]:
    """Operations traced inside the `with` block carry this name, after those of the blocks around it."""
    outer = _scope.get()
    token = _scope.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        _scope.reset(token)


def in_role(source: Source | None, role: str) -> Source | None:
    """The line for what a transform adds to its operation."""
    return source if source is None or source.role == role else source.as_role(role)


def is_internal(filename: str) -> bool:
    """Whether a file belongs to the library and not to the user (the examples are the user's)."""
    return filename.startswith(PACKAGE) and not filename.startswith(EXAMPLES)


def user_frame() -> FrameType | None:
    """The innermost running frame outside the library."""
    frame = sys._getframe(1)    # pyright: ignore[reportPrivateUsage]
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_source() -> Source | None:
    """Where the user's code is now."""
    frame = sys._getframe(1)    # pyright: ignore[reportPrivateUsage]    # not by `user_frame`: this is asked for each op
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return Source(frame.f_code, frame.f_lasti, _scope.get()) if frame is not None else None
