"""Kernels in WGSL: what a GPU runs, beside the NumPy function that says what it means."""
from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from lantern.errors import ArgumentError, CustomRuleError
from lantern.extend.definition import Definition, Params, Rule, as_many, check_definition
from lantern.extend.operation import Operation
from lantern.extend.rules import Layers, evaluate, inner_avals, make_primitive, of_parameter, out_avals
from lantern.extend.where import find_text
from lantern.lower.kernel import HostCall
from lantern.lower.routine import Place, Routine, Written
from lantern.source import user_source
from lantern.trace.aval import ShapedArray
from lantern.trace.primitive import Structured, SubLowering

MAKER = "lantern.extend.wgsl_kernel"
STORED = frozenset(map(np.dtype, ("float32", "int32", "uint32", "complex64", "float64", "int64", "uint64",
                                  "complex128")))       # those of more bits for references on the CPU
Size: TypeAlias = "int | Sequence[int]"


@dataclass(frozen=True, slots=True)
class Kernel:
    """The WGSL side of a definition."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    body: str
    header: str
    workgroup_size: tuple[int, int, int]
    threads: Rule | None
    grid: Rule | None
    body_place: Place | None
    header_place: Place | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WgslDefinition(Definition):
    """A definition whose GPU text the user wrote."""

    kernel: Kernel | None = None


def wgsl_kernel(name: str, body: str, *, shape: Rule, reference: Rule, outputs: str | Sequence[str] = "out",
                header: str = "", workgroup_size: Size | None = None, threads: Rule | None = None,
                grid: Rule | None = None, jvp: Rule | Sequence[Rule | None] | None = None, vjp: Rule | None = None,
                transpose: Rule | None = None) -> Operation:
    """An operation whose GPU kernel you write in WGSL. Everywhere else its NumPy reference runs.

    The positional parameters of `shape` are the operands, and their names are the names of the arrays in WGSL; its
    keyword-only parameters are static parameters of the operation, and constants in WGSL.

    name            an identifier, for messages and listings
    body            the statements that one invocation runs. `i` (u32) is its number; arrays are flat, in row-major
                    order: `out[i] = 2.0 * x[i];`. With `grid`, a whole WGSL module with a function `main` that takes
                    the builtins it wants (`@builtin(workgroup_id) group: vec3<u32>`) and may use workgroup memory
    shape           `(avals..., **params)` -> the result's type: an aval, or `lantern.ShapeDtypeStruct(shape, dtype)`;
                    a tuple of them for several results. Element types are float32, int32, uint32 and
                    complex64 (vec2<f32>)
    reference       `(NumPy arrays..., **params)` -> NumPy arrays of just these types
    outputs         the names of the results in WGSL
    header          declarations before the body: functions, structs, constants
    workgroup_size  invocations of a workgroup: 64; with `grid`, up to three numbers, which `@workgroup_size` in the
                    text may say as well
    threads         `(avals..., **params)` -> how many invocations run; default: one for each element of the first
                    result. Each element of each result must be written, by one invocation
    grid            `(avals..., **params)` -> up to three numbers of workgroups
    jvp, vjp, transpose   derivatives, as for `lantern.extend.primitive`; they may call further kernels

    For an array `x` there are the constants `x_size` and (from rank 1) `x_shape`, an array of u32. Functions of
    lantern's that agree on all drivers are there as well: `exp_f32`, `log_f32`, `tanh_f32`, `erf_f32`, `sin_f32`,
    `cos_f32`, `pow_f32`, `sqrt_f32`, `max_f32`, `min_f32`, `is_nan`, `is_finite`, and others of
    `backends/wgpu/prelude.wgsl`; of complex numbers `mul_c64`, `exp_c64` and others of `complex.wgsl`. Names that begin
    with `lantern_` are taken.

    Works under `jit` (one launch between others, nothing is read back), `vmap` (the same launch with more invocations
    or workgroups; operands that are not mapped are not copied), in loops, and under `grad` with `jvp` or `vjp`.
    `lantern.extend.check_kernel` compares it with its reference on every device.

    Raises ArgumentError and TypeError for what is missing or does not fit. On its first run: KernelError if the WGSL
    does not compile, naming your line; CustomRuleError if the reference gives other shapes or dtypes than `shape`.

    >>> import lantern, lantern.numpy as jnp, numpy as np
    >>> square = wgsl_kernel("square", "out[i] = x[i] * x[i];", shape=lambda x: x, reference=np.square,
    ...                      jvp=lambda primals, out, tangents: 2.0 * primals[0] * tangents[0])
    >>> square(jnp.arange(3.0)).tolist(), float(lantern.grad(square)(3.0))
    ([0.0, 1.0, 4.0], 6.0)
    """
    source = user_source()
    if not callable(shape):
        raise TypeError(f"{MAKER}({name!r}): shape is missing or no function: {shape!r}. It gives the types of the "
                        "results from those of the operands")
    inputs, constants = _parameters(name, shape)
    names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    for text, what in ((body, "body"), (header, "header")):
        if not isinstance(text, str) or (what == "body" and not text.strip()):      # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{MAKER}({name!r}): {what} must be WGSL text, got {text!r}")
    _check_names(name, (*inputs, *names, *constants))
    if grid is not None and threads is not None:
        raise ArgumentError(f"{MAKER}({name!r}): give threads (a body for each invocation) or grid (a module with a "
                            "function main), not both")
    kernel = Kernel(inputs, names, body, header, _size(name, workgroup_size, 64 if grid is None else _said(body)),
                    threads, grid, find_text(body, source), find_text(header, source))

    def abstract(*avals: ShapedArray, **params: Any) -> Any:
        return _stored(d, avals, shape(*avals, **params))

    abstract.__signature__ = inspect.signature(shape)       # pyright: ignore[reportFunctionMemberAccess]
    d = WgslDefinition(name, MAKER, source, abstract, reference, None, jvp, vjp, transpose, kernel)
    check_definition(d)
    _made[name] = d
    return Operation(d, wgsl_kernel_p, {"op": d})


_made: WeakValueDictionary[str, WgslDefinition] = WeakValueDictionary()


def kernel_called(name: str) -> WgslDefinition | None:
    """The definition last made under a name, as long as its operation lives: what an exported program looks for."""
    return _made.get(name)


def _parameters(name: str, shape: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of operands and of static parameters."""
    parameters = inspect.signature(shape).parameters.values()
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise ArgumentError(f"{MAKER}({name!r}): shape must name each operand, since these are the names of the arrays "
                            f"in WGSL; got {inspect.signature(shape)}")
    return (tuple([p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]),
            tuple([p.name for p in parameters if p.kind is p.KEYWORD_ONLY]))


def _check_names(name: str, names: Sequence[str]) -> None:
    for n in names:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", n) or n == "i" or n.startswith("lantern_") or "__" in n:
            raise ArgumentError(f"{MAKER}({name!r}): {n!r} cannot be the name of an array or a constant in WGSL "
                                "(taken: i, and names that begin with lantern_ or an underscore)")
    if len(set(names)) != len(names):
        raise ArgumentError(f"{MAKER}({name!r}): operands, results and parameters need different names, got "
                            f"{', '.join(names)}")


def _said(body: str) -> Size | None:
    """The numbers of `@workgroup_size(...)` in the user's text, if there are some."""
    found = re.search(r"@workgroup_size\s*\(([\d\s,u]+)\)", body)
    return None if found is None else [int(n) for n in re.findall(r"\d+", found[1])]


def _size(name: str, given: Size | None, default: Size | None) -> tuple[int, int, int]:
    if given is None and default is None:
        raise ArgumentError(f"{MAKER}({name!r}): with grid, workgroup_size is needed: up to three numbers")
    sizes = as_many(default if given is None else given)
    if not 1 <= len(sizes) <= 3 or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ArgumentError(f"{MAKER}({name!r}): workgroup_size must be one to three positive numbers, got {given!r}")
    if isinstance(default, list) and _three(sizes) != _three(default):
        raise ArgumentError(f"{MAKER}({name!r}): workgroup_size is {given!r}, but its WGSL says @workgroup_size("
                            f"{', '.join(map(str, default))}). Give one of them")
    return _three(sizes)


def _three(sizes: Sequence[int]) -> tuple[int, int, int]:
    x, y, z = (*sizes, 1, 1)[:3]
    return x, y, z


def _stored(d: WgslDefinition, avals: Sequence[ShapedArray], found: Any) -> Any:
    """The results' types as they are, if WGSL can have arrays of all these types."""
    many = as_many(found)
    assert d.kernel is not None, "internal: a WGSL definition has a kernel"
    if len(many) != len(d.kernel.outputs):
        raise CustomRuleError(f"{d.place}: its shape rule gave {len(many)} results, and outputs names "
                              f"{len(d.kernel.outputs)}: {', '.join(d.kernel.outputs)}")
    for name, x in zip((*d.kernel.inputs, *d.kernel.outputs), (*avals, *many), strict=True):
        if np.dtype(getattr(x, "dtype", np.float32)) not in STORED:
            raise CustomRuleError(f"{d.place}: {name} is {x}; arrays in a WGSL kernel hold float32, int32, uint32 or "
                                  "complex64. Convert with astype before and after")
    return found


def _lower(avals: Sequence[ShapedArray], lower: SubLowering, **params: Any) -> Routine | HostCall:
    d, layers, known = of_parameter(params)
    args, outs = tuple([a.strong() for a in avals]), tuple(out_avals(d, layers, known, avals))
    function = partial(_evaluated, d, layers, known)
    if not all([a.size for a in args]) and any([a.size for a in outs]):     # a GPU binds no empty buffer
        return HostCall(function, args, outs, d.name)
    return Routine(function, written(d, layers, known, avals), args, outs, d.name)


def _evaluated(d: Definition, layers: Layers, params: Params, *arrays: Any) -> Sequence[Any]:
    return evaluate(d, layers, params, arrays)


def written(d: Definition, layers: Layers, params: Params, avals: Sequence[ShapedArray]) -> Written:
    """The user's WGSL with all that belongs to operands of these types.

    Raises CustomRuleError if `grid` or `threads` gives no numbers, ArgumentError for parameters that are no numbers.
    """
    kernel = d.kernel if isinstance(d, WgslDefinition) else None
    assert kernel is not None, "internal: only kernels are written"
    inner = inner_avals(layers, avals)
    grid = None if kernel.grid is None else _counts(d, "grid", kernel.grid(*inner, **params))
    threads = math.prod(out_avals(d, (), params, inner)[0].shape)
    if kernel.threads is not None:
        threads = math.prod(_counts(d, "threads", kernel.threads(*inner, **params)))
    return Written(kernel.inputs, kernel.outputs, kernel.body, kernel.header, _constants(d, params),
                   kernel.workgroup_size, threads, grid, layers, kernel.body_place, kernel.header_place)


def _counts(d: Definition, rule: str, found: Any) -> tuple[int, int, int]:
    sizes = as_many(found)
    if not 1 <= len(sizes) <= 3 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise CustomRuleError(f"{d.place}: its {rule} rule must give positive whole numbers, got {found!r}")
    return _three([int(n) for n in sizes])


def _constants(d: Definition, params: Mapping[str, Any]) -> tuple[tuple[str, bool | int | float], ...]:
    """The static parameters that WGSL can know: numbers that are finite."""
    found: list[tuple[str, bool | int | float]] = []
    for name, value in params.items():
        number: Any = value.item() if isinstance(value, np.generic) else value  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(number, (bool, int, float)) or not math.isfinite(number):
            raise ArgumentError(f"{d.place}: the parameter {name} is a constant in WGSL and must be a finite number or "
                                f"bool, got {value!r}")
        found.append((name, number))
    return tuple(sorted(found))


wgsl_kernel_p = make_primitive("wgsl_kernel", of_parameter, Structured(_lower))
