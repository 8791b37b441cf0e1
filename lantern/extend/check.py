"""Whether an operation computes what its reference does: on every device, compiled, mapped, differentiated."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from lantern import tree
from lantern.api import vjp, vmap
from lantern.devices import DeviceLike, default_device, devices, find_device, on_device
from lantern.dtypes import is_complex, is_inexact
from lantern.errors import ArgumentError, DeviceError, KernelError
from lantern.extend.definition import Definition, as_many
from lantern.extend.operation import Operation
from lantern.extend.rules import evaluate
from lantern.flat import as_values
from lantern.jitted import jit
from lantern.testing import check_grads
from lantern.trace.context import typeof

AnyArray = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check_kernel` did: each comparison, the largest error among them relative to the largest number, and the
    devices that did not open."""

    name: str
    lines: tuple[str, ...]
    largest_error: float
    skipped: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.name}: {len(self.lines)} checks, largest error {self.largest_error:.1e}"
        return "\n".join([head, *self.lines, *self.skipped])


@dataclass(slots=True)
class _Checker:
    d: Definition
    f: Callable[..., Any]
    params: Mapping[str, Any]
    tolerance: float
    lines: list[str] = field(default_factory=list[str])
    skipped: list[str] = field(default_factory=list[str])
    largest: float = 0.0

    def reference(self, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        """What the NumPy function says."""
        return evaluate(self.d, (), self.params, arrays)

    def compare(self, how: str, f: Callable[..., Any], arrays: Sequence[AnyArray], wanted: Sequence[AnyArray],
                device: Any) -> None:
        """Run f on a device and compare."""
        with default_device(device):
            found = [np.asarray(x) for x in as_many(f(*[on_device(x, device) for x in arrays]))]
        shapes = ", ".join([str(typeof(x)) for x in arrays])
        error = max([self.error(f"{how} of {shapes} on {device} ({device.name})", k, x, y)
                     for k, (x, y) in enumerate(zip(found, wanted, strict=True))], default=0.0)
        self.largest = max(self.largest, error)
        self.lines.append(f"  {device}  {how} of {shapes}: error {error:.1e}")

    def error(self, what: str, number: int, found: AnyArray, wanted: AnyArray) -> float:
        """The largest difference, relative to the largest number. Raises KernelError if it is too large."""
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise KernelError(f"{self.d.place}: {what} gave {typeof(found)}, its reference {typeof(wanted)}")
        if not found.size:
            return 0.0
        x, y = [v.astype(np.complex128 if is_complex(v.dtype) else np.float64) for v in (found, wanted)]
        finite = np.isfinite(y)
        scale = max(1.0, float(np.max(np.abs(y[finite]), initial=0)))
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        off = np.where(same, 0.0, np.where(finite & np.isfinite(x), np.abs(x - y) / scale, np.inf))
        worst = float(off.max())
        if worst > (self.tolerance if is_inexact(wanted.dtype) else 0.0):
            place = np.unravel_index(int(off.argmax()), off.shape)
            index = f"[{', '.join(map(str, place))}]" if place else ""
            count = int((off > self.tolerance).sum())
            raise KernelError(f"{self.d.place}: {what} differs from its reference: element {index} of result {number} "
                              f"is {found[place]}, should be {wanted[place]} ({count} of {off.size} elements are off). "
                              "Every element must be written, by one invocation")
        return worst


def check_kernel(op: Operation, *samples: Any, params: Mapping[str, Any] | None = None,
                 devices: Sequence[DeviceLike] | None = None, tolerance: float = 1e-5, order: int = 1) -> Checked:
    """Compare an operation with its NumPy reference, and its derivative with differences.

    `samples` are operands as for a call, `params` its static parameters. Compared are, on every device that opens
    (`devices`: only on these, which must): the call, the compiled call, and the call under `vmap` over all operands
    and over each alone; for the samples, and for arrays of other, odd sizes as far as the shape rule takes them. With
    derivative rules also the derivatives up to `order` (`lantern.testing.check_grads`, on the CPU), and the gradient
    between devices.

    `tolerance` is the error allowed for floats, relative to the largest number; integers must agree exactly. Returns a
    report that prints what was compared. Raises KernelError with the device, the element and both values,
    AssertionError for a wrong derivative.

    >>> import lantern, numpy as np
    >>> double = lantern.extend.wgsl_kernel("double", "out[i] = 2.0 * x[i];", shape=lambda x: x,
    ...                                     reference=lambda x: x + x)
    >>> check_kernel(double, np.ones(3, np.float32), devices=["cpu"]).largest_error
    0.0
    """
    if not isinstance(op, Operation):       # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"check_kernel: wanted an operation of lantern.extend, got {op!r}")
    if not samples:
        raise ArgumentError(f"check_kernel({op.definition.name}): give sample operands")
    given = dict(params or {})
    values = as_values(samples, lambda: [f"sample {k}" for k in range(len(samples))], "check_kernel")
    arrays = [np.asarray(getattr(x, "value", x)) for x in values]
    checker = _Checker(op.definition, partial(op, **given), given, tolerance)
    places = [find_device(x) for x in (devices if devices is not None else _working_devices(checker))]
    cases = [arrays, *_odd(checker, arrays)]
    for device in places:
        for case in cases:
            _check_case(checker, case, device)
    _check_derivative(checker, op.definition, cases, places, order)
    return Checked(op.definition.name, tuple(checker.lines), checker.largest, tuple(checker.skipped))


def _working_devices(c: _Checker) -> Sequence[DeviceLike]:
    """Every device that opens: some drivers offer adapters that do not. The report names those."""
    found: list[DeviceLike] = []
    for device in devices():
        try:
            _ = device.backend
            found.append(device)
        except DeviceError as error:
            c.skipped.append(f"  {device}  not checked: {str(error).splitlines()[0]}")
    return found


def _check_case(c: _Checker, arrays: Sequence[AnyArray], device: Any) -> None:
    wanted = c.reference(arrays)
    c.compare("the call", c.f, arrays, wanted, device)
    c.compare("jit", jit(c.f), arrays, wanted, device)
    masks = [[True] * len(arrays), *([j == k for j in range(len(arrays))] for k in range(len(arrays)))]
    for mask in masks if len(arrays) > 1 else masks[:1]:
        rows = [[np.roll(x, k) if m else x for x, m in zip(arrays, mask, strict=True)] for k in range(3)]
        columns = zip(*rows, strict=True)
        stacked = [np.stack(column) if m else column[0] for column, m in zip(columns, mask, strict=True)]
        results = [np.stack(column) for column in zip(*[c.reference(row) for row in rows], strict=True)]
        axes: Any = tuple([0 if m else None for m in mask])
        mapped = cast("Callable[..., Any]", vmap)(c.f, in_axes=axes)
        c.compare(f"vmap{axes}".replace(",)", ")"), mapped, stacked, results, device)


def _odd(c: _Checker, arrays: Sequence[AnyArray]) -> list[list[AnyArray]]:
    """The samples with other, odd sizes: a little less, and more than a workgroup; equal sizes stay equal."""
    found: list[list[AnyArray]] = []
    changes: list[Callable[[int], int]] = [lambda n: max(1, n - 1 - n % 2), lambda n: n + 129 | 1]
    for change in changes:
        last = [np.resize(x, (*x.shape[:-1], change(x.shape[-1]))) if x.ndim else x for x in arrays]
        every = [np.resize(x, [change(n) if n < 64 else n for n in x.shape]) for x in arrays]
        for case in (last, every):
            if sum([x.size for x in case]) <= 1 << 20 and _accepted(c, case):
                found.append(case)
                break
    return found


def _accepted(c: _Checker, arrays: Sequence[AnyArray]) -> bool:
    """Whether the shape rule and the reference take arrays of these shapes."""
    try:
        c.reference(arrays)
    except Exception:       # whatever the user's functions raise for shapes that they do not take
        return False
    return True


def _check_derivative(c: _Checker, d: Definition, cases: Sequence[Sequence[AnyArray]], places: Sequence[Any],
                      order: int) -> None:
    if (d.jvp is None and d.vjp is None and d.transpose is None) or not any(is_inexact(x.dtype) for x in cases[0]):
        return
    with default_device("cpu"):
        modes = ("rev",) if d.jvp is None else ("fwd", "rev")
        check_grads(c.f, [on_device(x, find_device("cpu")) for x in cases[0]], order, modes)
    c.lines.append(f"  cpu:0  derivatives up to order {order} against differences")
    for case in cases:
        cts = [np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype) for y in c.reference(case)]
        wanted = _pulled(c.f, cts, find_device("reference"), *case)
        for device in places:
            c.compare("the gradient", partial(_pulled, c.f, cts, device), case, wanted, device)


def _pulled(f: Callable[..., Any], cts: Sequence[AnyArray], device: Any, *operands: Any) -> list[AnyArray]:
    """The cotangents of the operands that are floats or complex numbers."""
    arrays = [np.asarray(x) for x in operands]
    floats = [is_inexact(x.dtype) for x in arrays]
    with default_device(device):
        given = [on_device(x, device) for x in arrays]

        def of_floats(*moving: Any) -> Any:
            rest = iter(moving)
            return f(*[next(rest) if m else x for m, x in zip(floats, given, strict=True)])

        out, pull = vjp(of_floats, *[x for m, x in zip(floats, given, strict=True) if m])
        leaves, treedef = tree.flatten(out)
        seeds = [on_device(c, device) for c in cts]
        assert len(leaves) == len(seeds), "internal: not one cotangent a result"
        return [np.asarray(x) for x in pull(tree.unflatten(treedef, seeds))]
