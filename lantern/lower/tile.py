"""Index algebra: affine maps between loop nests, flat addresses as coordinates, loads seen through maps."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lantern.lower.expr import Const, Guard, Load


@dataclass(frozen=True, slots=True)
class Affine:
    """offset + sum(coefs[k] * position(k)) over the axes of a loop nest."""

    offset: int
    coefs: tuple[int, ...]

    def bounds(self, sizes: Sequence[int]) -> tuple[int, int]:
        """The least and greatest value over a nest of these sizes (none of them zero).

        >>> Affine(1, (2, -1)).bounds((3, 4))
        (-2, 5)
        """
        low = high = self.offset
        for c, n in zip(self.coefs, sizes, strict=True):
            if c > 0:
                high += c * (n - 1)
            elif c < 0:
                low += c * (n - 1)
        return low, high


def axis_of(rank: int, axis: int) -> Affine:
    """The map that is one axis itself.

    >>> axis_of(3, 1)
    Affine(offset=0, coefs=(0, 1, 0))
    """
    return Affine(0, tuple([int(k == axis) for k in range(rank)]))


def identity(rank: int) -> tuple[Affine, ...]:
    """Every axis as itself."""
    return tuple([axis_of(rank, k) for k in range(rank)])


def positions(guard: Guard) -> int:
    """How many positions a guard lets through.

    >>> positions(Guard(0, 1, 8, 3))
    3
    """
    return max(0, -(-(guard.stop - guard.start) // guard.step))


def decompose(place: Affine, sizes: Sequence[int], shape: Sequence[int],
              strides: Sequence[int]) -> tuple[Affine, ...] | None:
    """The coordinates, in an array of `shape` that lies at `strides` (dense, in any order), of flat element `place`.

    None where a coordinate would leave its axis, which means that a step of the loop crosses rows of the array.

    >>> decompose(Affine(1, (4, 1)), (3, 2), (3, 4), (4, 1))
    (Affine(offset=0, coefs=(1, 0)), Affine(offset=1, coefs=(0, 1)))
    >>> decompose(Affine(0, (1,)), (12,), (3, 4), (4, 1)) is None
    True
    """
    found = digits(place, shape, strides)
    if found is None:
        return None
    for coordinate, n in zip(found, shape, strict=True):
        low, high = coordinate.bounds(sizes)
        if low < 0 or high >= n:
            return None
    return found


def digits(place: Affine, shape: Sequence[int], strides: Sequence[int]) -> tuple[Affine, ...] | None:
    """`decompose` without the check that coordinates stay inside; None if a remainder is left."""
    order = sorted(range(len(shape)), key=strides.__getitem__, reverse=True)
    columns: list[list[int]] = [[0] * (len(place.coefs) + 1) for _ in shape]
    for k, number in enumerate((place.offset, *place.coefs)):
        rest, sign = abs(number), 1 if number >= 0 else -1
        for j in order:
            if strides[j]:
                digit, rest = divmod(rest, strides[j])
                columns[j][k] = sign * digit
        if rest:
            return None
    return tuple([Affine(c[0], tuple(c[1:])) for c in columns])


def find_split(place: Affine, sizes: Sequence[int], shape: Sequence[int],
               strides: Sequence[int]) -> tuple[int, int] | None:
    """(axis, inner size): cutting this axis of the loop in two brings `decompose` nearer; None where nothing helps.

    >>> find_split(Affine(0, (1,)), (12,), (3, 4), (4, 1))
    (0, 4)
    """
    found = digits(place, shape, strides)
    if found is None:
        return None
    for coordinate, n in zip(found, shape, strict=True):
        for k, c in enumerate(coordinate.coefs):
            inner = n // c if c > 0 and n % c == 0 else 0
            if 0 < inner < sizes[k] and sizes[k] % inner == 0 and c * (sizes[k] - 1) >= n:
                return k, inner
    return None


def substitute(load: Load, axes: Sequence[Affine], sizes: Sequence[int],
               under: Sequence[Guard] = ()) -> Load | Const | None:
    """The load with its axes replaced by maps of another nest's axes; None where guards cannot be said there.

    `sizes` are those of the new nest. `under` holds guards of the new nest: where one stands on an axis, the maps speak
    of its positions, and the result is right only inside it (outside it is never out of range). A load that is outside
    its guards throughout is its fill.
    """
    rank = len(sizes)
    if not load.guards and not under:
        return Load(load.arg, *_through(load.offset, load.strides, axes, rank))
    walk = _Walk(rank, sizes, under)
    guards = {g.axis: g for g in load.guards}
    walk.offset = load.offset
    for j, (stride, axis) in enumerate(zip(load.strides, axes, strict=True)):
        guard = guards.get(j)
        if guard is None:
            walk.plain(stride, axis)
            continue
        inside = walk.guarded(stride, axis, guard)
        if inside is None:
            return None
        if not inside:
            return load.fill
    return walk.finish(load)


def _through(offset: int, strides: Sequence[int], axes: Sequence[Affine], rank: int) -> tuple[int, tuple[int, ...]]:
    out = [0] * rank
    for stride, axis in zip(strides, axes, strict=True):
        if stride:
            offset += stride * axis.offset
            for k, c in enumerate(axis.coefs):
                if c:
                    out[k] += stride * c
    return offset, tuple(out)


def through(place: Affine, axes: Sequence[Affine], rank: int) -> Affine:
    """A map seen through maps: `place` speaks of axes that are themselves functions of `rank` others.

    >>> through(Affine(1, (10,)), [Affine(2, (3, 4))], 2)
    Affine(offset=21, coefs=(30, 40))
    """
    return Affine(*_through(place.offset, place.coefs, axes, rank))


class _Walk:
    """An address under construction: per axis a coefficient of its index and one of its position within its guard."""

    def __init__(self, rank: int, sizes: Sequence[int], under: Sequence[Guard]) -> None:
        self.offset = 0
        self.index, self.position = [0] * rank, [0] * rank
        self.guards: dict[int, Guard] = {g.axis: g for g in under}
        self.under = dict(self.guards)
        self.extents, self.sizes = sizes, list(sizes)
        for g in under:
            self.sizes[g.axis] = max(1, positions(g))

    def plain(self, stride: int, axis: Affine) -> None:
        """Add stride * axis; an axis with a guard of step 1 is counted by index, so that guards can be joined."""
        self.offset += stride * axis.offset
        for k, c in enumerate(axis.coefs):
            guard = self.under.get(k)
            if guard is None:
                self.index[k] += stride * c
            elif guard.step == 1:
                self.index[k] += stride * c
                self.offset -= stride * c * guard.start
            else:
                self.position[k] += stride * c

    def guarded(self, stride: int, axis: Affine, guard: Guard) -> bool | None:
        """Add stride * (axis' position within its guard). False: always outside; None: cannot be said."""
        low, high = axis.bounds(self.sizes)
        if high < guard.start or low >= guard.stop or (low == high and (low - guard.start) % guard.step):
            return False
        if low == high or (low >= guard.start and high < guard.stop and guard.step == 1):
            self.plain(stride, Affine(axis.offset - guard.start, axis.coefs) if guard.step == 1
                       else Affine((low - guard.start) // guard.step, (0,) * len(axis.coefs)))
            return True
        used = [k for k, c in enumerate(axis.coefs) if c and self.sizes[k] > 1]
        if len(used) != 1:
            return None
        k = used[0]
        c, offset = axis.coefs[k], axis.offset
        outer = self.under.get(k)
        if outer is not None:
            if outer.step != 1:
                return None
            offset -= c * outer.start
        if guard.step != 1:
            if c != 1 or k in self.guards:
                return None
            self.guards[k] = Guard(k, guard.start - offset, guard.stop - offset, guard.step)
            self.position[k] += stride
            return True
        self.join(k, *_solve(c, offset, guard))
        self.offset += stride * (offset - guard.start)
        self.index[k] += stride * c
        return self.guards[k].step == 1 or None

    def join(self, axis: int, start: int, stop: int) -> None:
        """Both the guard that stands on an axis (of step 1) and this one must hold."""
        old = self.guards.get(axis)
        if old is not None:
            start, stop = max(start, old.start), min(stop, old.stop)
        self.guards[axis] = Guard(axis, start, max(start, stop), 1 if old is None else old.step)

    def finish(self, load: Load) -> Load | Const | None:
        """The load; guards that always hold are dropped."""
        kept: list[Guard] = []
        strides = list(self.index)
        offset = self.offset
        for k in sorted(self.guards):
            guard = self.guards[k]
            strides[k] = self.index[k] * guard.step + self.position[k]
            offset += self.index[k] * guard.start
            if guard.step == 1 and guard.start <= 0 and guard.stop >= self.extents[k]:
                offset -= strides[k] * guard.start
            else:
                kept.append(guard)
        return Load(load.arg, offset, tuple(strides), tuple(kept), load.fill if kept else None)


def _solve(c: int, offset: int, guard: Guard) -> tuple[int, int]:
    """The i with guard.start <= offset + c * i < guard.stop, as start and stop."""
    if c > 0:
        return -((offset - guard.start) // c), -((offset - guard.stop) // c)
    return -((guard.stop - 1 - offset) // -c), (offset - guard.start) // -c + 1
