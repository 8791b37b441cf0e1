"""Random programs over literal sizes: pyright accepts what NumPy accepts, knows the shape, and reports the rest.

Half of the cases are wrong. More of them, or all:

    TYPE_CASES=500 python -m pytest -s tests/test_type_fuzz.py      so many of each family
    TYPE_CASES=all python -m pytest -s tests/test_type_fuzz.py      takes a quarter of an hour
"""
from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from tests.types.cases import FAMILIES, Case, Operand, annotation, sample
from tests.types.checker import SETTINGS, checked

EACH = 96
HEADER = ("from collections.abc import Callable", "from typing import Literal, reveal_type", "import lantern",
          "import lantern.numpy as jnp", "from lantern.typing import Array, bool_, f32, i32")
FILE = 500     # cases in a file


def verdict(case: Case, wanted: Operand | None, shown: str | None) -> str:
    """Whether a type checker knows a case: "exact" or "partly", or what is wrong. `shown` is None for an error."""
    if wanted is None:
        return "exact" if shown is None else "accepts what NumPy refuses"
    if shown is None:
        return "refuses what NumPy accepts"
    right = annotation(wanted.shape, wanted.dtype).replace(", *tuple[()]", "")
    if shown == right:
        return "exact"
    sizes, known = shown[6:-1].split(", "), right[6:-1].split(", ")
    vague = len(sizes) == len(known) and all([s in (k, "Any") for s, k in zip(sizes, known, strict=True)])
    return "partly" if vague and not case.exact else "has another shape"


def test_shapes_combine_as_in_numpy(tmp_path: Path) -> None:
    asked = os.environ.get("TYPE_CASES", str(EACH))
    cases = [found for family in FAMILIES.values() for found in sample(family, None if asked == "all" else int(asked))]
    for start in range(0, len(cases), FILE):
        lines = [*HEADER, *[case.line(i) for i, (case, _) in enumerate(cases[start:start + FILE])]]
        (tmp_path / f"cases_{start // FILE}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    reports = checked(tmp_path, SETTINGS | {"typeCheckingMode": "basic"}, seconds=3600)
    problems: list[str] = []
    count: Counter[str] = Counter()
    for i, (case, wanted) in enumerate(cases):
        report, line = reports[f"cases_{i // FILE}.py"], i % FILE + len(HEADER) + 1
        shown = None if report.errors.get(line) else report.revealed.get(line, "nothing")
        found = verdict(case, wanted, shown)
        count[f"{case.family} {'refused' if wanted is None else 'accepted'}"] += 1
        if found not in ("exact", "partly"):
            problems.append(f"pyright {found}: {case}: {shown}, NumPy {wanted}")
    sys.stdout.write(f"{len(cases)} programs: {', '.join([f'{n} {name}' for name, n in sorted(count.items())])}\n")
    assert not problems, f"{len(problems)} of {len(cases)}\n" + "\n".join(problems)
