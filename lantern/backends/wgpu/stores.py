"""How values reach memory: stores of one element, and scatters, which fold values into elements."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from lantern.backends.wgpu import packed, scalar
from lantern.backends.wgpu.nest import Memory, Scope, address_parts
from lantern.backends.wgpu.pairs import add_atomically, is_wide
from lantern.dtypes import F32
from lantern.lower.expr import ReduceOp, Ref
from lantern.lower.kernel import Scatter, Store

_ATOMICS = {ReduceOp.SUM: "atomicAdd", ReduceOp.MAX: "atomicMax", ReduceOp.MIN: "atomicMin"}


def write_store(scope: Scope, store: Store | Scatter, memory: Memory, names: Mapping[Ref, str]) -> None:
    """Write one element, or fold a value into one."""
    aval = memory.kernel.outs[store.out]
    if aval.size == 0:
        return
    match store:
        case Store(out, value, offset, strides):
            place = scope.address(offset, address_parts(strides, (), scope.groups))
            for line in memory.store(out, place, names[value]):
                scope.add(line)
        case Scatter(out, index, value, keep, op):
            place, written = f"out{out}[u32({names[index]})]", scalar.to_storage(names[value], aval.dtype)
            if packed.per_word(aval.dtype) > 1:
                _scatter_packed(scope, store, memory, names)
                return
            if is_wide(aval.dtype) and op is not None:
                _guarded(scope, names[keep], add_atomically(f"out{out}", f"u32({names[index]})", written, op))
                return
            if op is None:
                scope.add(f"if ({names[keep]}) {{ {place} = {written}; }}")
                return
            if aval.dtype != F32 and op in _ATOMICS:
                scope.add(f"if ({names[keep]}) {{ {_ATOMICS[op]}(&{place}, {written}); }}")
                return
            kind = scalar.storage_type(aval.dtype)      # atomics of floats hold their bits
            old, bits = ("old", "{}") if kind != "f32" else ("bitcast<f32>(old)", "bitcast<u32>({})")
            folded = bits.format(scalar.combine(op, old, written, aval.dtype))
            scope.add(f"if ({names[keep]}) {{")
            scope.add(f"var old = atomicLoad(&{place});", 1)
            scope.add("loop {", 1)
            scope.add(f"let folded = {folded};", 2)
            scope.add(f"let found = atomicCompareExchangeWeak(&{place}, old, folded);", 2)
            scope.add("if (found.exchanged) { break; }", 2)
            scope.add("old = found.old_value;", 2)
            scope.add("}", 1)
            scope.add("}")


def _scatter_packed(scope: Scope, store: Scatter, memory: Memory, names: Mapping[Ref, str]) -> None:
    """Write an element of 8 or 16 bits, or fold a value into one."""
    dtype, index, value = memory.kernel.outs[store.out].dtype, f"u32({names[store.index]})", names[store.value]
    lines = memory.store(store.out, index, value)
    if store.op is not None:
        old = "(old != 0u)" if scalar.wgsl_type(dtype) == "bool" else "old"
        folded = scalar.to_storage(scalar.combine(store.op, old, value, dtype), dtype)
        lines = packed.update_one(f"out{store.out}", index, folded, dtype)
    _guarded(scope, names[store.keep], lines)


def _guarded(scope: Scope, test: str, lines: Sequence[str]) -> None:
    scope.add(f"if ({test}) {{")
    for line in lines:
        scope.add(line, 1)
    scope.add("}")
