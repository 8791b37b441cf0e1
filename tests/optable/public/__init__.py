"""The public half of the op table: a row for each T1 and T2 name of tools/parity_names.toml."""
from __future__ import annotations

from tests.optable.public import arrays, elementwise, linear, programs, transforms
from tests.optable.public.row import Public

FAMILIES = (elementwise.ROWS, arrays.ROWS, linear.ROWS, programs.ROWS, transforms.ROWS)
PUBLIC: dict[tuple[str, str], Public] = {(row.module, row.name): row for family in FAMILIES for row in family}
assert len(PUBLIC) == sum(map(len, FAMILIES)), "a name has two rows"
