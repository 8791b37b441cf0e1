"""Every primitive has a row, and what a row leaves out has a reason."""
from __future__ import annotations

import re
from pathlib import Path

from lantern.trace.primitive import registry
from tests.optable import ROWS

# Tests in the same process make primitives of their own, called test_...
PRIMITIVES = {name: primitive for name, primitive in registry().items() if not name.startswith("test_")}


def test_every_primitive_has_a_row_and_every_row_a_primitive() -> None:
    assert set(PRIMITIVES) == set(ROWS)
    assert all(name == row.name for name, row in ROWS.items())


def test_primitives_without_a_kernel_say_why() -> None:
    for name, primitive in PRIMITIVES.items():
        assert (primitive.lower is None) == bool(ROWS[name].reference_only), name


def test_differentiable_primitives_have_a_rule() -> None:
    for name, primitive in PRIMITIVES.items():
        assert (primitive.jvp is None) == (primitive.jvp_joint is not None), name
        assert ROWS[name].order in (0, 2), name
        assert not ROWS[name].order or any(case.smooth for case in ROWS[name].cases), name


def test_primitives_are_made_in_ops_transforms_and_extend_only() -> None:
    root = Path(__file__).parents[2] / "lantern"
    makers = {path.relative_to(root).parts[0] for path in root.rglob("*.py")
              if re.search(r"^\s*(\w+ = |return )?Primitive\(", path.read_text(), re.MULTILINE)}
    assert makers <= {"ops", "transforms", "extend"}
