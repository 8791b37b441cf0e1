"""Every primitive of the op table goes into a file and comes back, with its parameters, literals and lines."""
from __future__ import annotations

import pytest

import lantern
from lantern.errors import ExportError
from lantern.export.container import packed, unpacked
from lantern.export.programs import Reader, Writer
from lantern.trace.jaxpr import Jaxpr
from tests.ops.laws import bind_arrays, every_case, is_array
from tests.optable.table import Case, Row

STAYS = {"pure_callback", "io_callback", "debug_callback"}
INNER = {"tangent"}                                         # of linear programs, which nobody exports
REPLACED = {"custom_vmap", "custom_jvp", "custom_vjp"}      # their rules become programs: another text


def there_and_back(jaxpr: Jaxpr, order: int = 0) -> Jaxpr:
    """Through the bytes of a file."""
    writer = Writer()
    number = writer.jaxpr(jaxpr, order)
    header, arrays = unpacked(packed(writer.tables(), writer.arrays))
    reader = Reader(arrays)
    reader.tables(header)
    return reader.program(number)


@every_case()
def test_round_trip(row: Row, case: Case) -> None:
    f, arrays = bind_arrays(row, case, case.draw(), is_array)
    with lantern.default_device("reference"):
        jaxpr = lantern.make_jaxpr(f)(*arrays)
    if row.name in STAYS:
        with pytest.raises(ExportError, match=rf"{row.name} calls the Python function .*, at .*\. Leave it out"):
            there_and_back(jaxpr)
        return
    if row.name in INNER:
        with pytest.raises(ExportError, match=r"tangent: its parameter op=.* has no place in a file, at .*\. Leave"):
            there_and_back(jaxpr)
        return
    again = there_and_back(jaxpr)
    if row.name not in REPLACED:
        assert str(again) == str(jaxpr)
    assert again.out_avals == jaxpr.out_avals
    twice = there_and_back(again)
    assert str(twice) == str(again)


@every_case(lambda row, case: not row.reference_only and case is row.cases[0])
def test_costs_can_be_counted(row: Row, case: Case) -> None:
    """Of every primitive: numbers that cannot be negative, and a table with a line for each kernel."""
    f, arrays = bind_arrays(row, case, case.draw(), is_array)
    with lantern.default_device("cpu"):
        lowered = lantern.jit(f).lower(*arrays)
    costs, memory = lowered.cost_analysis(), lowered.memory_analysis()
    assert set(costs) == {"flops", "transcendentals", "bytes accessed"} and min(costs.values()) >= 0
    assert len(str(costs).splitlines()) == len(costs.kernels) + len(costs.notes) + 2
    assert memory.peak_memory_in_bytes >= memory.output_size_in_bytes - memory.alias_size_in_bytes >= 0
    assert costs["bytes accessed"] or not memory.output_size_in_bytes or not costs.kernels
