"""The WGSL functions of `prelude.wgsl` and `complex.wgsl`: which of them a shader needs."""
from __future__ import annotations

import functools
import re
from importlib import resources

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_HARDWARE = "hardware_"
_DEFINED = re.compile(r"^fn ([a-z0-9_]+)\(", re.MULTILINE)


@functools.lru_cache(maxsize=1)
def blocks() -> dict[str, str]:
    """Function name -> its text with the comment and the declarations above it, in an order where callees come first.

    >>> blocks()["is_finite"]
    'fn is_finite(x: f32) -> bool { return magnitude(x) < 0x7f800000u; }'
    """
    found: dict[str, str] = {}
    for name in ("prelude.wgsl", "complex.wgsl"):
        text = resources.files(__package__ or "").joinpath(name).read_text("utf-8")
        for block in text.strip().split("\n\n")[1:]:
            found[_DEFINED.findall(block)[0]] = block.strip()
    return found


def functions_for(text: str, hardware: bool = False) -> str:
    """The text of all prelude functions that `text` calls, directly or not; `hardware`: those of this name first.

    >>> print(functions_for("let y = is_nan(x);"))
    fn magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }
    <BLANKLINE>
    fn is_nan(x: f32) -> bool { return magnitude(x) > 0x7f800000u; }
    """
    table = dict(blocks())
    if hardware:
        own = [(n, b) for n, b in table.items() if n.startswith(_HARDWARE)]
        table |= {name.removeprefix(_HARDWARE): block.replace(_HARDWARE, "") for name, block in own}
    wanted: set[str] = set()
    pending = [text]
    while pending:
        for word in set(_WORD.findall(pending.pop())):
            if word in table and word not in wanted:
                wanted.add(word)
                pending.append(table[word])
    return "\n\n".join([block for name, block in table.items() if name in wanted])
