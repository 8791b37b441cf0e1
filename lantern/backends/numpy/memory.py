"""Where values lie while code is generated: variables, scratch memory, and views of both."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lantern.backends.numpy.runtime import LARGE, elements
from lantern.dtypes import is_float, short_name
from lantern.lower.expr import Const, DType, row_major
from lantern.trace.aval import ShapedArray


@dataclass(slots=True, eq=False)
class Memory:
    """A variable of the generated code that holds memory. `shape` is that of its array, None for raw bytes.

    Fixed memory is scratch that a frame allocates once: its views are made once, too. Everything else (arguments,
    results, large scratch) is there from call to call, and so are its views. Memory that a loop moves has no variable
    of its own, only its views have: `place` tells what it is in each step.
    """

    name: str
    size: int                               # bytes
    fixed: bool
    dtype: DType | None = None
    shape: tuple[int, ...] | None = None
    block: Block | None = None              # where the variable is assigned; None: at the start of the function
    place: Row | Turn | None = None
    lasting: bool = False                   # never written: an argument of the program that is not donated


@dataclass(slots=True)
class Block:
    """Statements of one indentation: of the function, of a branch or, where it `repeats`, of a loop.

    `heads` are the loop's variables and what they run over.
    """

    parent: Block | None = None
    repeats: bool = False
    lines: list[str] = field(default_factory=list[str])
    views: dict[object, str] = field(default_factory=dict[object, str])
    heads: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def chain(self) -> list[Block]:
        """This block and all around it, outermost last."""
        found: list[Block] = []
        block: Block | None = self
        while block is not None:
            found.append(block)
            block = block.parent
        return found

    @property
    def outside(self) -> Block:
        """The innermost block around that no loop runs again: this one, or the one of the outermost loop."""
        found: Block = self
        for block in self.chain:
            if block.repeats and block.parent is not None:
                found = block.parent
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of `size` elements of `whole` in each step of a loop, of `count` rows in all, from the last one if
    `reverse`."""

    whole: Memory
    count: int
    size: int
    reverse: bool
    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """Position `position` of memories that each step of a loop passes on: the next step finds here what this step finds
    at the next position. Views of all of them are made before the loop; their variables take turns."""

    memories: tuple[Memory, ...]
    position: int
    block: Block
    names: dict[object, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Elements of a memory: element k along axis i is `strides[i] * k` elements further; `shape` counts them."""

    memory: Memory
    dtype: DType
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Value:
    """A computed node: where it lies (None: in an array of its own, `name`), and the scratch to give back after use.

    An array that lies somewhere gets its variable when one is asked for, by `Writer.see`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    layout: Layout | None = None
    scratch: Memory | None = None
    constant: Const | None = None
    fixed: str = ""         # the whole array's variable, if it is the same in every call


def dense(memory: Memory, dtype: DType, shape: tuple[int, ...]) -> Layout:
    """Row-major elements from the start of a memory."""
    return Layout(memory, dtype, 0, shape, row_major(shape))


def merged(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, int] | None:
    """Size and stride of one axis that walks as these do together; None if there is none.

    >>> merged((2, 3), (3, 1)), merged((2, 3), (1, 2)), merged((), ())
    ((6, 1), None, (1, 0))
    """
    size, stride = 1, 0
    for n, s in zip(reversed(shape), reversed(strides), strict=True):
        if n == 1:
            continue
        if size != 1 and s != stride * size:
            return None
        if size == 1:
            stride = s
        size *= n
    return size, stride


@dataclass(slots=True)
class Code:
    """The two parts of a generated function: what a frame does once, and what each call does."""

    once: list[str] = field(default_factory=list[str])
    block: Block = field(default_factory=Block)         # where statements go
    names: dict[str, object] = field(default_factory=dict[str, object])     # its globals
    views: dict[object, str] = field(default_factory=dict[object, str])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    idle: list[Memory] = field(default_factory=list[Memory])

    @property
    def lines(self) -> list[str]:
        """The statements of the block being written."""
        return self.block.lines

    def new(self, letter: str) -> str:
        """A fresh variable."""
        number = self.counts[letter] = self.counts.get(letter, -1) + 1
        return f"{letter}{number}"

    def dtype(self, dtype: DType) -> str:
        """The name of a dtype."""
        name = f"{short_name(dtype)}_" if short_name(dtype) == "bool" else short_name(dtype)
        self.names[name] = dtype
        return name

    def use(self, function: object, name: str) -> str:
        """The name of a function."""
        self.names[name] = function
        return name

    def once_made(self, key: object, letter: str, expression: str) -> str:
        """A variable that each frame computes once."""
        name = self.views.get(key)
        if name is None:
            name = self.views[key] = self.new(letter)
            self.once.append(f"{name} = {expression}")
        return name

    def constant(self, value: Const) -> str:
        """A number as an array of rank 0: ufuncs take these fastest, and they have an exact dtype."""
        name = self.views.get(value)
        if name is None:
            number = float(value.value) if is_float(value.dtype) else value.value.item()
            text = repr(number) if np.isfinite(number) else f"{type(number).__name__}('{number}')"
            expression = f"array({text}, {self.dtype(value.dtype)})"
            if Const.of(number, value.dtype) != value:      # NaNs keep their bits
                expression = f"frombuffer({value.bits.to_bytes(value.dtype.itemsize, 'little')!r}, " \
                             f"{self.dtype(value.dtype)}).reshape(())"
            name = self.once_made(value, "c", expression)
        return name

    def scratch(self, size: int) -> Memory:
        """Raw memory of at least `size` bytes: idle memory if some fits, the most recently used first."""
        for k in range(len(self.idle) - 1, -1, -1):
            if size <= self.idle[k].size <= 2 * size + 256:
                return self.idle.pop(k)
        name, fixed, outside = self.new("m"), size < LARGE, self.block.outside
        if fixed:
            self.once.append(f"{name} = block({max(size, 1)})")
        else:
            outside.lines.append(f"{name} = pool.take({size})")
        return Memory(name, size, fixed, block=outside)

    def give_back(self, memory: Memory) -> None:
        """What is written from here on may use this scratch memory."""
        self.idle.append(memory)

    def view(self, layout: Layout) -> str:
        """An array with this layout: a variable that exists, or a new one."""
        memory, dtype, shape = layout.memory, layout.dtype, layout.shape
        if 0 in shape:
            return self.once_made((dtype, shape), "z", f"empty({shape}, {self.dtype(dtype)})")
        match memory.place:
            case Row():
                return self._view_of_row(layout, memory.place)
            case Turn():
                return self._view_of_turn(layout, memory.place)
            case None:
                pass
        if (dtype, shape) == (memory.dtype, memory.shape) and _whole(layout):
            return memory.name
        key = (memory.name, layout.offset, dtype, shape, layout.strides)
        if memory.fixed:
            return self.once_made(key, "v", self._expression(layout))
        block = self.block      # out of the loops in which it would be the same in every step
        for around in self.block.chain:
            if key in around.views:
                return around.views[key]
            if around is memory.block:
                break
            if around.repeats and around.parent is not None:
                block = around.parent
        name = block.views[key] = self.new("v")
        block.lines.append(f"{name} = {self._expression(layout)}")
        return name

    def _view_of_row(self, layout: Layout, row: Row) -> str:
        key = (layout.memory.name, layout.offset, layout.dtype, layout.shape, layout.strides)
        name = row.block.views.get(key)
        if name is None:
            name = row.block.views[key] = self.new("r")
            shape, strides = (row.count, *layout.shape), (row.size, *layout.strides)
            whole = self.view(Layout(row.whole, layout.dtype, layout.offset, shape, strides))
            whole = f"{whole}[::-1]" if row.reverse else whole
            row.block.heads[name] = whole if layout.shape else f"{self.use(elements, 'elements')}({whole})"
        return name

    def _view_of_turn(self, layout: Layout, turn: Turn) -> str:
        key = (layout.offset, layout.dtype, layout.shape, layout.strides)
        names = turn.names.get(key)
        if names is None:
            names = turn.names[key] = tuple([self.new("w") for _ in turn.memories])
            first = [self.view(Layout(memory, layout.dtype, *key[:1], *key[2:])) for memory in turn.memories]
            assert turn.block.parent is not None
            turn.block.parent.lines.append(f"{', '.join(names)} = {', '.join(first)}")
        return names[turn.position]

    def _expression(self, layout: Layout) -> str:
        memory, dtype, shape = layout.memory, layout.dtype, layout.shape
        known = memory.shape is not None and dtype == memory.dtype
        if known and _whole(layout):
            return f"{memory.name}.reshape({shape})"
        if known and len(shape) == 2 and memory.shape == shape[::-1] and _whole(_transposed(layout)):
            return f"{memory.name}.T"
        if _whole(layout):
            return f"ndarray({shape}, {self.dtype(dtype)}, {memory.name})"
        itemsize = dtype.itemsize
        strides = tuple([s * itemsize for s in layout.strides])
        return f"ndarray({shape}, {self.dtype(dtype)}, {memory.name}, {layout.offset * itemsize}, {strides})"


def _whole(layout: Layout) -> bool:
    """Row-major from the start; for typed memory also to its end, so that it is a reshape."""
    full = layout.memory.shape is None or math.prod(layout.shape) == math.prod(layout.memory.shape)
    lies = tuple([0 if n == 1 else s for n, s in zip(layout.shape, layout.strides, strict=True)])
    return full and layout.offset == 0 and lies == row_major(layout.shape)


def _transposed(layout: Layout) -> Layout:
    return Layout(layout.memory, layout.dtype, layout.offset, layout.shape[::-1], layout.strides[::-1])


def slot_memory(name: str, aval: ShapedArray, place: Row | Turn | None = None, lasting: bool = False) -> Memory:
    """The memory of an argument, a result or a row, whose array has the aval's shape."""
    return Memory(name, aval.nbytes, False, aval.dtype, aval.shape, place=place, lasting=lasting)
