"""Two kernels made one: a producer's expression put where its value was loaded, or both run over the same rows.

Wiring: `Wires` says at which argument of the new kernel each argument of an old one is bound.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lantern.dtypes import I32
from lantern.lower.expr import Body, Const, Gather, Guard, Instr, Load, LoopIndex, Reduced, Ref, ScalarOp
from lantern.lower.join import join
from lantern.lower.kernel import Dot, Kernel, Scatter, Stage, Store
from lantern.lower.rewrite import Leaf, close, copy, emit_affine, emit_inside, reindex, roots, started
from lantern.lower.tile import Affine, axis_of, decompose, find_split, identity, positions, substitute, through
from lantern.trace.aval import ShapedArray


@dataclass(frozen=True, slots=True)
class Wires:
    """How two kernels come together.

    values      consumer's argument -> producer's output, for what the consumer reads from the producer
    producer    producer's argument -> argument of the new kernel
    consumer    the same for the consumer's other arguments
    args        avals of the new kernel's arguments
    kept        the producer's outputs that are still needed; they come before the consumer's outputs
    """

    values: Mapping[int, int]
    producer: Mapping[int, int]
    consumer: Mapping[int, int]
    args: tuple[ShapedArray, ...]
    kept: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a kernel stores an output: the stage, its number, and the store."""

    number: int
    stage: Stage
    store: Store


def origin(kernel: Kernel, out: int) -> Origin | None:
    """The stage that stores an output; None for one that is scattered into."""
    for number, stage in enumerate(kernel.stages):
        for store in stage.stores:
            if store.out == out and isinstance(store, Store):
                return Origin(number, stage, store)
    return None


def loads_of(stage: Stage, args: Mapping[int, int]) -> list[Load]:
    """The stage's affine reads of some arguments."""
    return [i for i in stage.body if isinstance(i, Load) and i.arg in args]


def gathers(kernel: Kernel, args: Mapping[int, int]) -> bool:
    """Whether some arguments are read at computed places, or are what an output starts as."""
    read = any(isinstance(i, Gather) and i.arg in args for s in kernel.stages for i in s.body)
    return read or any(isinstance(x, Scatter) and x.start in args for s in kernel.stages for x in s.stores)


def coordinates(load: Load, sizes: tuple[int, ...], producer: Kernel, made: Origin) -> tuple[Affine, ...] | None:
    """At which point of the producer's loop a load's element was stored, as maps of the load's positions."""
    counts = list(sizes)
    for guard in load.guards:
        counts[guard.axis] = max(1, positions(guard))
    place = Affine(load.offset - made.store.offset, load.strides)
    return decompose(place, counts, producer.rows + made.stage.cols, made.store.strides)


def refine(consumer: Kernel, producer: Kernel, values: Mapping[int, int]) -> Kernel | None:
    """The consumer with axes cut until `coordinates` answers for all its loads of the producer's values; None if that
    cannot be."""
    for _ in range(12):
        found = _first_unclear(consumer, producer, values)
        if found is None:
            return consumer
        number, axis, inner = found
        if inner == 0:
            return None
        cut = cut_axis(consumer, number, axis, inner)
        if cut is None:
            return None
        consumer = cut
    return None


def _first_unclear(consumer: Kernel, producer: Kernel, values: Mapping[int, int]) -> tuple[int, int, int] | None:
    """(stage, axis, inner size) of the cut that a load needs (inner size 0: no cut helps); None if all are clear."""
    for number, stage in enumerate(consumer.stages):
        sizes = consumer.rows + stage.cols
        for load in loads_of(stage, values):
            made = origin(producer, values[load.arg])
            if made is None:
                return number, 0, 0
            if coordinates(load, sizes, producer, made) is None:
                place = Affine(load.offset - made.store.offset, load.strides)
                shape = producer.rows + made.stage.cols
                split = None if load.guards else find_split(place, sizes, shape, made.store.strides)
                return (number, 0, 0) if split is None else (number, *split)
    return None


def cut_axis(kernel: Kernel, number: int, axis: int, inner: int) -> Kernel | None:
    """The kernel with one axis of stage `number` (a row axis belongs to all) as two, the second of size `inner`."""
    width = len(kernel.rows)
    if axis < width:
        rows, row_axes = _cut(kernel.rows, axis, inner)
        dot = kernel.dot
        if dot is not None:
            in_m, in_batch = dot.batch <= axis < dot.batch + dot.m, axis < dot.batch
            dot = Dot(dot.batch + in_batch, dot.m + in_m, dot.n + (not in_m and not in_batch))
        columns = [(s.cols, identity(len(s.cols))) for s in kernel.stages]
        return reindex(kernel, rows, row_axes, columns, dot)
    columns = [_cut(s.cols, axis - width, inner) if k == number else (s.cols, identity(len(s.cols)))
               for k, s in enumerate(kernel.stages)]
    return reindex(kernel, kernel.rows, identity(width), columns, kernel.dot)


def _cut(sizes: tuple[int, ...], axis: int, inner: int) -> tuple[tuple[int, ...], tuple[Affine, ...]]:
    rank = len(sizes) + 1
    new = (*sizes[:axis], sizes[axis] // inner, inner, *sizes[axis + 1:])
    both = Affine(0, tuple([inner if k == axis else int(k == axis + 1) for k in range(rank)]))
    axes = [both if k == axis else axis_of(rank, k + (k > axis)) for k in range(len(sizes))]
    return new, tuple(axes)


def inline(producer: Kernel, consumer: Kernel, wires: Wires) -> Kernel | None:
    """The consumer with each load of the producer's values replaced by the expression that makes them. Only for values
    that depend on no reduction; the producer itself is not part of the result."""
    if gathers(consumer, wires.values):
        return None
    refined = refine(consumer, producer, wires.values)
    if refined is None:
        return None
    stages: list[Stage] = []
    for stage in refined.stages:
        sizes = refined.rows + stage.cols
        into = Body(len(sizes))
        place = copy(into, stage, roots(stage), _replacing(producer, wires, sizes, 0))
        if place is None:
            return None
        made = close(into, stage, place, stage.cols, identity(into.rank))
        stages.append(replace(made, stores=started(made.stores, wires.consumer)))
    return replace(refined, args=wires.args, stages=tuple(stages), name=_name(producer, consumer))


def _name(producer: Kernel, consumer: Kernel) -> str:
    names = dict.fromkeys([*producer.name.split("_"), *consumer.name.split("_")])
    return "_".join([n for n in names if n][-6:])


def _replacing(producer: Kernel, wires: Wires, sizes: tuple[int, ...], first: int) -> Leaf:
    """The consumer's leaf rule: loads of the producer's values become what makes them; stages count from `first`."""
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref | None:
        match instr:
            case Load(arg) if arg in wires.values:
                return _graft(into, instr, sizes, producer, wires)
            case Load(arg, offset, strides, guards, fill):
                return into.add(Load(wires.consumer[arg], offset, strides, guards, fill))
            case Gather(arg, index):
                return into.gather(wires.consumer[arg], index)
            case Reduced(stage, slot):
                return into.reduced(stage + first, slot)
            case LoopIndex():
                return into.add(instr)
    return leaf


def _graft(into: Body, load: Load, sizes: tuple[int, ...], producer: Kernel, wires: Wires) -> Ref | None:
    """The producer's expression at the element that a load reads; outside the load's guards, its fill."""
    made = origin(producer, wires.values[load.arg])
    axes = None if made is None else coordinates(load, sizes, producer, made)
    if made is None or axes is None:
        return None
    leaf = _through_load(load, axes, sizes, wires)
    place = copy(into, made.stage, [made.store.value], leaf)
    if place is None:
        return None
    value = place[made.store.value]
    if not load.guards:
        return value
    assert load.fill is not None, "internal: a guarded load has a fill"
    root = made.stage.body[made.store.value]
    moved = into.instrs[value]
    if isinstance(root, Load) and isinstance(moved, Load) and root.fill in (None, load.fill):
        return into.add(replace(moved, fill=load.fill))
    inside = emit_inside(into, load)
    return into.apply(ScalarOp.SELECT, inside, value, into.add(load.fill), dtype=load.fill.dtype)


def _through_load(load: Load, axes: Sequence[Affine], sizes: tuple[int, ...], wires: Wires) -> Leaf:
    """The producer's leaf rule, its axes being maps of the positions of `load` in the consumer's nest."""
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref | None:
        match instr:
            case LoopIndex(axis):
                return _emit_position(into, axes[axis], load.guards)
            case Load():
                bound = replace(instr, arg=wires.producer[instr.arg])
                if load.guards and bound.fill is None:
                    assert load.fill is not None, "internal: a guarded load has a fill"
                    dtype = wires.args[bound.arg].dtype
                    bound = replace(bound, fill=Const(dtype, 0))
                seen = substitute(bound, axes, sizes, load.guards)
                return None if seen is None else into.add(seen)
            case Gather(arg, index):
                # outside the guards the positions are out of range, and so might the gather's index be
                return None if load.guards else into.gather(wires.producer[arg], index)
            case Reduced():
                return into.add(instr)
    return leaf


def _emit_position(into: Body, axis: Affine, guards: Sequence[Guard]) -> Ref:
    """An affine map of positions, which are not indices where guards stand on axes."""
    held = {g.axis: g for g in guards}
    if not any(axis.coefs[k] for k in held):
        return emit_affine(into, axis)
    plain = Affine(axis.offset, tuple([0 if k in held else c for k, c in enumerate(axis.coefs)]))
    total = emit_affine(into, plain)
    for k, guard in held.items():
        c = axis.coefs[k]
        if c:
            term = into.apply(ScalarOp.SUB, into.index(k), into.const(guard.start, I32), dtype=I32)
            if guard.step != 1:
                term = into.apply(ScalarOp.FLOORDIV, term, into.const(guard.step, I32), dtype=I32)
            if c != 1:
                term = into.apply(ScalarOp.MUL, term, into.const(c, I32), dtype=I32)
            total = into.apply(ScalarOp.ADD, total, term, dtype=I32)
    return total


def is_pointwise(kernel: Kernel) -> bool:
    """One stage of elementwise work: no rows, no reductions, no scatters."""
    return not kernel.rows and len(kernel.stages) == 1 and is_plain(kernel)


def is_plain(kernel: Kernel) -> bool:
    """A single stage without reductions or scatters."""
    stage = kernel.stages[0]
    return len(kernel.stages) == 1 and not stage.reductions and not any(isinstance(s, Scatter) for s in stage.stores)


def absorb(producer: Kernel, consumer: Kernel, wires: Wires) -> Kernel | None:
    """One kernel that does the work of both over common rows; the consumer reads the producer's values where they are
    made. None unless the rows agree one to one (and the columns, for an elementwise producer)."""
    if gathers(consumer, wires.values):
        return None
    refined = refine(consumer, producer, wires.values)
    if refined is None:
        return None
    consumer = refined
    number, load = next((k, i) for k, s in enumerate(consumer.stages) for i in loads_of(s, wires.values))
    made = origin(producer, wires.values[load.arg])
    axes = None if made is None else coordinates(load, consumer.rows + consumer.stages[number].cols, producer, made)
    if made is None or axes is None or load.guards:
        return None
    if is_pointwise(producer):
        moved = _over_columns(producer, consumer, number, axes, made)
        return None if moved is None else _together(moved, consumer, wires)
    if is_pointwise(consumer):
        consumer, axes = _with_rows(consumer, producer, axes)
    if producer.dot is not None and any(s.cols for s in consumer.stages):
        return None
    moved = _over_rows(producer, consumer, axes)
    return None if moved is None else _together(moved, consumer, wires)


def _over_columns(producer: Kernel, consumer: Kernel, number: int, axes: Sequence[Affine],
                  made: Origin) -> Kernel | None:
    """An elementwise producer over the rows and columns of one of the consumer's stages, if its points are these."""
    rows, cols = consumer.rows, consumer.stages[number].cols
    seen = through(Affine(made.store.offset, made.store.strides), axes, len(rows) + len(cols))
    if not is_dense(seen, rows + cols, producer.outs[made.store.out].size):
        return None
    stage = producer.stages[0]
    into = Body(len(rows) + len(cols))
    place = copy(into, stage, roots(stage), _substituting(axes, rows + cols))
    if place is None:
        return None
    return replace(producer, rows=rows, stages=(close(into, stage, place, cols, axes),))


def _substituting(axes: Sequence[Affine], sizes: tuple[int, ...]) -> Leaf:
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref | None:
        match instr:
            case LoopIndex(axis):
                return emit_affine(into, axes[axis])
            case Load():
                seen = substitute(instr, axes, sizes)
                return None if seen is None else into.add(seen)
            case _:
                return into.add(instr)
    return leaf


def is_dense(place: Affine, sizes: Sequence[int], count: int) -> bool:
    """Whether a flat address takes every value from 0 to count - 1 once.

    >>> is_dense(Affine(0, (1, 3)), (3, 2), 6), is_dense(Affine(0, (1, 0)), (3, 2), 6)
    (True, False)
    """
    expected = 1
    for stride, n in sorted(zip(place.coefs, sizes, strict=True)):
        if n != 1:
            if stride != expected:
                return False
            expected *= n
    return place.offset == 0 and expected == count


def _row_number(producer: Kernel, axes: Sequence[Affine], rank: int) -> Affine:
    """The producer's row, counted in row-major order, as a map of the consumer's axes."""
    steps: list[int] = []
    total = 1
    for n in reversed(producer.rows):
        steps.append(total)
        total *= n
    return through(Affine(0, tuple(reversed(steps))), axes[:len(producer.rows)], rank)


def _with_rows(consumer: Kernel, producer: Kernel, axes: Sequence[Affine]) -> tuple[Kernel, list[Affine]]:
    """An elementwise consumer with those axes as rows that say which row of the producer it reads."""
    domain = consumer.stages[0].cols
    row = _row_number(producer, axes, len(domain))
    used = sorted([k for k, c in enumerate(row.coefs) if c], key=lambda k: -row.coefs[k])
    rest = [k for k in range(len(domain)) if k not in used]
    order = used + rest
    back = [order.index(k) for k in range(len(domain))]
    moved = [axis_of(len(domain), back[k]) for k in range(len(domain))]
    stage = consumer.stages[0]
    sizes = tuple([domain[k] for k in order])
    into = Body(len(domain))
    place = copy(into, stage, roots(stage), _substituting(moved, sizes))
    assert place is not None, "internal: an order of axes is no obstacle to guards"
    width = len(used)
    viewed = replace(consumer, rows=sizes[:width], stages=(close(into, stage, place, sizes[width:], moved),))
    return viewed, [through(a, moved, len(domain)) for a in axes]


def _over_rows(producer: Kernel, consumer: Kernel, axes: Sequence[Affine]) -> Kernel | None:
    """The producer over the consumer's rows, if each of them is one of its own."""
    width = len(consumer.rows)
    row = _row_number(producer, axes, len(axes[0].coefs) if axes else width)
    rows = Affine(row.offset, row.coefs[:width])
    if any(row.coefs[width:]) or not is_dense(rows, consumer.rows, producer.row_count):
        return None
    row_axes = [Affine(a.offset, a.coefs[:width]) for a in axes[:len(producer.rows)]]
    dot = producer.dot
    if dot is not None:
        ends = [dot.batch, dot.batch + dot.m, len(producer.rows)]
        counts = [len({k for a in row_axes[s:e] for k, c in enumerate(a.coefs) if c})
                  for s, e in zip([0, *ends], ends, strict=False)]
        dot = Dot(*counts)
        if sorted(row.coefs[:width], reverse=True) != list(row.coefs[:width]):
            return None
    columns = [(s.cols, identity(len(s.cols))) for s in producer.stages]
    return reindex(producer, consumer.rows, row_axes, columns, dot)


def _together(producer: Kernel, consumer: Kernel, wires: Wires) -> Kernel | None:
    """Both kernels' stages in one, over rows that are already the same."""
    stages: list[Stage] = []
    number = {out: k for k, out in enumerate(wires.kept)}
    for stage in producer.stages:
        into = Body(len(producer.rows) + len(stage.cols))
        place = copy(into, stage, roots(stage), _bound(wires.producer))
        assert place is not None, "internal: binding arguments never fails"
        made = close(into, stage, place, stage.cols, identity(into.rank))
        kept = tuple([replace(s, out=number[s.out]) for s in made.stores if s.out in number])
        stages.append(replace(made, stores=kept))
    for stage in consumer.stages:
        sizes = consumer.rows + stage.cols
        into = Body(len(sizes))
        place = copy(into, stage, roots(stage), _replacing(producer, wires, sizes, len(producer.stages)))
        if place is None or not _rows_agree(stage, sizes, producer, consumer, wires):
            return None
        made = close(into, stage, place, stage.cols, identity(into.rank))
        stores = tuple([replace(s, out=s.out + len(number)) for s in made.stores])
        stages.append(replace(made, stores=stores))
    outs = (*[producer.outs[k] for k in wires.kept], *consumer.outs)
    merged = Kernel(wires.args, outs, consumer.rows, tuple(stages), producer.dot, _name(producer, consumer))
    return join(merged)


def _bound(places: Mapping[int, int]) -> Leaf:
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
        match instr:
            case Load(arg, offset, strides, guards, fill):
                return into.add(Load(places[arg], offset, strides, guards, fill))
            case Gather(arg, index):
                return into.gather(places[arg], index)
            case _:
                return into.add(instr)
    return leaf


def _rows_agree(stage: Stage, sizes: tuple[int, ...], producer: Kernel, consumer: Kernel, wires: Wires) -> bool:
    """Whether every load of a value that depends on a reduction reads what the current row made."""
    width = len(consumer.rows)
    for load in loads_of(stage, wires.values):
        made = origin(producer, wires.values[load.arg])
        if made is None or not uses_reductions(made.stage.body):
            continue
        axes = coordinates(load, sizes, producer, made)
        if axes is None or list(axes[:width]) != [axis_of(len(sizes), k) for k in range(width)]:
            return False
    return True


def uses_reductions(body: Sequence[Instr]) -> bool:
    """Whether something in a body depends on earlier stages."""
    return any(isinstance(i, Reduced) for i in body)
