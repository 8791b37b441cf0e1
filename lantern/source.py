"""Where the user wrote it: a code object and an offset, turned into file and line only when shown."""
from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import CodeType

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
EXAMPLES = PACKAGE + "examples" + os.sep


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the user's code.

    >>> str(Source(compile("x = 1", "model.py", "exec"), 0))
    'model.py:1 in <module>'
    """

    code: CodeType
    offset: int

    @property
    def line(self) -> int:
        """The line number, from 1."""
        lines = self.code.co_lines()
        return next((n for a, b, n in lines if a <= self.offset < b and n), self.code.co_firstlineno)

    @property
    def file(self) -> str:
        """The file's name without its folders, so that texts do not depend on the machine."""
        return os.path.basename(self.code.co_filename)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.code.co_name}"


def is_internal(filename: str) -> bool:
    """Whether a file belongs to the library and not to the user (the examples are the user's)."""
    return filename.startswith(PACKAGE) and not filename.startswith(EXAMPLES)


def user_source() -> Source | None:
    """The innermost frame outside the library."""
    frame = sys._getframe(1)    # pyright: ignore[reportPrivateUsage]
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return Source(frame.f_code, frame.f_lasti) if frame is not None else None
