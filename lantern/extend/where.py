"""Where a piece of text stands in the user's source: error messages about a user's WGSL name its line."""
from __future__ import annotations

import linecache
import os

from lantern.lower.routine import Place
from lantern.source import Source


def find_text(text: str, source: Source | None) -> Place | None:
    """The file and line in which `text` begins, in the file of `source`; None if it does not stand there as it is.

    Indentation does not count. Of several places the last one before the call at `source` is taken, else the next.
    """
    if source is None or not text.strip():
        return None
    lines = [line.strip() for line in linecache.getlines(source.code.co_filename)]
    wanted = [line.strip() for line in text.split("\n")]
    skipped = next(k for k, line in enumerate(wanted) if line)
    wanted = wanted[skipped:]
    while not wanted[-1]:
        wanted.pop()
    starts = [k for k in range(len(lines) - len(wanted) + 1) if _stands(wanted, lines[k:k + len(wanted)])]
    if not starts:
        return None
    line = min(starts, key=lambda k: (k >= source.line, abs(k + 1 - source.line)))
    return Place(os.path.basename(source.code.co_filename), line + 1 - skipped)


def _stands(wanted: list[str], lines: list[str]) -> bool:
    """The first and the last line may share theirs with quotes and whatever stands around the string."""
    return (wanted[1:-1] == lines[1:-1] and wanted[0] in lines[0] and wanted[-1] in lines[-1]
            and (len(wanted) == 1 or (lines[0].endswith(wanted[0]) and lines[-1].startswith(wanted[-1]))))
