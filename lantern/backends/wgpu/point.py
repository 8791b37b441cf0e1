"""A body as a WGSL function of its coordinates and of the values that the caller loaded for it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.nest import Group, Memory, Scope, dtype_of, reachable, write_body
from lantern.backends.wgpu.stores import write_store
from lantern.lower.expr import Load, Reduced, Ref
from lantern.lower.kernel import Scatter, Stage, Store


@dataclass(frozen=True, slots=True)
class Point:
    """A function of the shader. `results` are the refs it returns: one as itself, several as the fields of a struct.

    No text: the only result is a value that the caller loaded.
    """

    name: str
    text: str
    coordinates: tuple[str, ...]
    loads: tuple[Ref, ...]
    reduced: tuple[str, ...]
    results: tuple[Ref, ...]

    def call(self, coordinates: Mapping[str, str], values: Mapping[Ref, str],
             reduced: Mapping[str, str] | None = None) -> str:
        """The expression of a call, from the coordinates by group name, the raw loaded values, and what earlier stages
        reduced (default: the variables of the same names)."""
        if not self.text:
            return values[self.results[0]]
        args = [coordinates[c] for c in self.coordinates] + [values[r] for r in self.loads]
        args += [(reduced or {}).get(r, r) for r in self.reduced]
        return f"{self.name}({', '.join(args)})"

    def result(self, called: str, ref: Ref) -> str:
        """One result out of what a call returned."""
        return called if len(self.results) == 1 else f"{called}.y{ref}"


def make_point(name: str, stage: Stage, memory: Memory, groups: Sequence[Group], hoisted: Sequence[Ref],
               results: Sequence[Ref], stores: Sequence[Store | Scatter] = ()) -> Point:
    """The function that computes `results` and makes `stores`; the loads and values `hoisted` come as parameters."""
    kernel, scope = memory.kernel, Scope(groups)
    unique = tuple(dict.fromkeys(results))
    wanted = [*unique, *store_refs(stores)]
    order = reachable(stage.body, wanted, hoisted)
    loads = tuple(r for r in order if r in hoisted)
    if not stores and len(unique) == 1 and unique[0] in loads and _raw_type(stage, memory, unique[0]) != "u32":
        return Point(name, "", (), loads, (), unique)
    names = write_body(scope, stage, memory, wanted, {r: f"x{r}" for r in loads})
    for store in stores:
        write_store(scope, store, memory, names)
    used = tuple(g.name for g in groups if g.name in scope.used)
    params = [f"{g}: u32" for g in used]
    params += [f"x{r}: {_raw_type(stage, memory, r)}" for r in loads]
    reduced: dict[str, str] = {}
    for r in order:
        instr = stage.body[r]
        if isinstance(instr, Reduced):
            reduced[f"r{instr.stage}_{instr.slot}"] = scalar.wgsl_type(dtype_of(kernel, stage, r))
    params += [f"{n}: {t}" for n, t in reduced.items()]
    kinds = [scalar.wgsl_type(dtype_of(kernel, stage, r)) for r in unique]
    head, returned = "", ""
    if len(unique) == 1:
        returned = f" -> {kinds[0]}"
        scope.add(f"return {names[unique[0]]};")
    elif unique:
        title = f"{name.title().replace('_', '')}Values"
        fields = ", ".join([f"y{r}: {k}" for r, k in zip(unique, kinds, strict=True)])
        head, returned = f"struct {title} {{ {fields} }}\n", f" -> {title}"
        scope.add(f"return {title}({', '.join([names[r] for r in unique])});")
    text = f"{head}fn {name}({', '.join(params)}){returned} {{\n" + "\n".join(scope.lines) + "\n}"
    return Point(name, text, used, loads, tuple(reduced), unique)


def store_refs(stores: Sequence[Store | Scatter]) -> list[Ref]:
    """The values that stores use."""
    found: list[Ref] = []
    for s in stores:
        found += [s.value] if isinstance(s, Store) else [s.index, s.value, s.keep]
    return found


def _raw_type(stage: Stage, memory: Memory, ref: Ref) -> str:
    load = stage.body[ref]
    if isinstance(load, Load):
        return scalar.storage_type(memory.arg_dtype(load.arg))
    return scalar.wgsl_type(dtype_of(memory.kernel, stage, ref))
