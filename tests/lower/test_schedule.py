"""Memory: slots are used again, freed, cleared, and taken over in place only where every access is the point's own."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lantern.backends.emulate import run_program
from lantern.errors import InternalError
from lantern.lower.kernel import Alloc, Clear, Dispatch, Free, Program
from lantern.lower.schedule import in_place
from lantern.lower.verify import check_program
from lantern.ops import dot, elementwise, index, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.jaxpr import literal
from tests.lower.helpers import CPU, f32, i32, kernels, lower, sample


def chain(x: Any, w: Any) -> Any:
    for _ in range(6):
        x = dot.dot_general(x, w, ((1,), (0,)))
    return x


def test_a_chain_of_products_needs_two_slots() -> None:
    program = lower(chain, f32(8, 8), f32(8, 8)).program
    assert sum(isinstance(s, Alloc) for s in program.steps) == 2
    assert sum(isinstance(s, Free) for s in program.steps) == 1


def test_a_donated_input_is_overwritten_where_that_is_safe() -> None:
    def step(w: Any, g: Any) -> Any:
        return elementwise.sub(w, elementwise.mul(g, 0.1))

    plain, donating = lower(step, f32(5), f32(5)).program, lower(step, f32(5), f32(5), donated=[0]).program
    assert plain.outputs[0] not in plain.inputs
    assert donating.outputs == (donating.inputs[0],) and donating.donated == {donating.inputs[0]}


def test_a_transposed_read_is_not_in_place() -> None:
    program = lower(lambda x: shape.transpose(elementwise.exp(x), (1, 0)), f32(3, 3), donated=[0]).program
    assert program.outputs[0] != program.inputs[0]


def test_a_donated_product_operand_is_not_written_while_it_is_read() -> None:
    program = lower(lambda x, w: dot.dot_general(x, w, ((1,), (0,))), f32(4, 4), f32(4, 4), donated=[0, 1]).program
    assert not set(program.outputs) & set(program.inputs)


def test_a_kernel_of_several_stages_in_place() -> None:
    """Every stage reads the row that the last one overwrites, so the rows may be where they were."""
    def centred(x: Any) -> Any:
        return elementwise.sub(x, broadcast_in_dim(reduce.reduce_sum(x, (1,)), (4, 6), (0,)))

    (kernel,) = kernels(centred, f32(4, 6))
    assert len(kernel.stages) == 2 and in_place(kernel, 0, 0)
    program = lower(centred, f32(4, 6), donated=[0]).program
    x = sample(f32(4, 6), 0)
    np.testing.assert_allclose(run_program(program, [x])[0], x - x.sum(1, keepdims=True), rtol=1e-5)


def test_an_unused_donated_input_is_freed() -> None:
    program = lower(lambda x, y: elementwise.neg(x), f32(3), f32(7), donated=[1]).program
    assert Free(program.inputs[1]) in program.steps


def test_outputs_may_be_inputs_literals_and_each_other() -> None:
    def f(x: Any) -> list[Any]:
        y = elementwise.exp(x)
        return [x, y, y, literal(2.0, np.dtype("float32")), shape.reshape(x, (3, 2))]

    program = lower(f, f32(2, 3)).program
    assert program.outputs[0] == program.inputs[0] == program.outputs[4] and program.outputs[1] == program.outputs[2]
    x = sample(f32(2, 3), 0)
    found = run_program(program, [x])
    assert found[3] == 2.0 and found[4].shape == (3, 2)
    np.testing.assert_array_equal(found[0], x)


def test_scatters_add_to_cleared_memory() -> None:
    def f(x: Any, i: Any) -> Any:
        return elementwise.mul(index.scatter_add(x, i, 0, 7), 2.0)

    program = lower(f, f32(4), i32(4)).program
    clear = next(k for k, s in enumerate(program.steps) if isinstance(s, Clear))
    assert isinstance(program.steps[clear + 1], Dispatch)
    kernels(f, f32(4), i32(4), target=CPU)


def _broken(program: Program, steps: tuple[Any, ...]) -> Program:
    return Program(program.slots, program.inputs, program.outputs, program.out_avals, steps, program.donated)


@pytest.mark.parametrize("wrong", ["no alloc", "freed early", "input written", "not in place"])
def test_the_checker_sees(wrong: str) -> None:
    program = lower(chain, f32(8, 8), f32(8, 8)).program
    steps = program.steps
    first = next(s for s in steps if isinstance(s, Dispatch))
    match wrong:
        case "no alloc":
            steps = tuple([s for s in steps if not isinstance(s, Alloc)])
        case "freed early":
            steps = (*steps[:2], Free(first.outs[0]), *steps[2:])
        case "input written":
            steps = (*steps, Dispatch(first.kernel, first.args, (program.inputs[0],)))
        case _:
            steps = (*steps, Dispatch(first.kernel, (program.outputs[0], first.args[1]), program.outputs))
    with pytest.raises(InternalError, match="internal:"):
        check_program(_broken(program, steps))
