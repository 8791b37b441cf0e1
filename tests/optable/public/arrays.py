"""Rows of public functions: lantern.numpy, whole arrays."""
from __future__ import annotations

import io
from typing import Any

import numpy as np

from tests.optable.public.row import B, C, K, M, N, S, U, V, W, one, same, told

F32 = np.float32
TENTH = F32(0.1)
X3 = np.arange(24, dtype=F32).reshape(2, 3, 4) % 7


def _file(m: Any) -> Any:
    """An array that was saved, read again."""
    file = io.BytesIO()
    np.save(file, S)
    file.seek(0)
    return m.load(file)


def _settings(m: Any) -> str:
    """What is printed with two digits."""
    m.set_printoptions(precision=2)
    try:
        return str(m.asarray(F32([0.123456])))
    finally:
        np.set_printoptions(precision=8)


CREATION = [
    one("numpy", "zeros", lambda m: m.zeros((2, 3))), one("numpy", "ones", lambda m: m.ones((2, 3))),
    one("numpy", "full", lambda m: m.full((2, 3), 7.5)), one("numpy", "eye", lambda m: m.eye(3, 4, k=1)),
    one("numpy", "identity", lambda m: m.identity(3)), one("numpy", "arange", lambda m: m.arange(2, 11, 3)),
    one("numpy", "linspace", lambda m: m.linspace(0, 1, 7)), one("numpy", "logspace", lambda m: m.logspace(0, 2, 5)),
    one("numpy", "array", lambda m: m.array([[1, 2], [3, 4]])), one("numpy", "asarray", lambda m: m.asarray([1.5, 2])),
    one("numpy", "empty", lambda m: m.empty((2, 3)).shape), *same("numpy", "copy", S, smooth=True),
    *same("numpy", "zeros_like ones_like", S),
    one("numpy", "empty_like", lambda m, x: m.empty_like(x).shape, S, mapped=False),
    one("numpy", "full_like", lambda m, x: m.full_like(x, 2), S),
    one("numpy", "astype", lambda m, x: m.astype(x, np.int32), S, twin=lambda x: x.astype(np.int32)),
    one("numpy", "meshgrid", lambda m, x, y: m.meshgrid(x, y), V, V[:3], smooth=True),
    one("numpy", "tril_indices", lambda m: m.tril_indices(4, 1)), one("numpy", "triu_indices",
                                                                     lambda m: m.triu_indices(4, -1)),
    one("numpy", "diag_indices", lambda m: m.diag_indices(3)), one("numpy", "load", _file, twin=lambda: S),
    one("numpy", "from_dlpack", lambda m: m.from_dlpack(S), twin=lambda: S),
    told("numpy", "set_printoptions", _settings, "[0.12]"),
]

SHAPES = [
    one("numpy", "reshape", lambda m, x: m.reshape(x, (2, -1)), S, smooth=True),
    one("numpy", "broadcast_to", lambda m, x: m.broadcast_to(x, (2, 5)), V, smooth=True),
    one("numpy", "broadcast_arrays", lambda m, x, y: m.broadcast_arrays(x, y), S, V[:4], smooth=True),
    one("numpy", "expand_dims", lambda m, x: m.expand_dims(x, 1), S, smooth=True),
    one("numpy", "squeeze", lambda m, x: m.squeeze(x, 1), S[:, None], smooth=True),
    *same("numpy", "ravel transpose tril triu atleast_1d atleast_2d", S, smooth=True),
    one("numpy", "permute_dims", lambda m, x: m.permute_dims(x, (2, 0, 1)), X3, twin=lambda x: x.transpose(2, 0, 1)),
    one("numpy", "matrix_transpose", lambda m, x: m.matrix_transpose(x), X3, twin=lambda x: x.swapaxes(1, 2)),
    one("numpy", "swapaxes", lambda m, x: m.swapaxes(x, 0, 2), X3), one("numpy", "moveaxis",
                                                                        lambda m, x: m.moveaxis(x, 0, -1), X3),
    one("numpy", "flip", lambda m, x: m.flip(x, 1), S, smooth=True),
    one("numpy", "roll", lambda m, x: m.roll(x, 2, 1), S, smooth=True),
    one("numpy", "tile", lambda m, x: m.tile(x, (2, 3)), S), one("numpy", "repeat", lambda m, x: m.repeat(x, 3, 1), S),
    one("numpy", "pad", lambda m, x: m.pad(x, ((1, 2), (0, 1)), constant_values=5), S, smooth=True),
    one("numpy", "concatenate", lambda m, x, y: m.concatenate([x, y], 1), S, U, smooth=True),
    one("numpy", "concat", lambda m, x, y: m.concat([x, y], axis=0), S, U, twin=lambda x, y: np.concatenate([x, y])),
    one("numpy", "stack", lambda m, x, y: m.stack([x, y], 1), S, U, smooth=True),
    *[one("numpy", name, lambda m, x, y, name=name: getattr(m, name)([x, y]), S, U) for name in (
        "hstack", "vstack", "dstack", "column_stack")],
    one("numpy", "block", lambda m, x, y: m.block([[x, y], [y, x]]), S, U), one("numpy", "append",
                                                                               lambda m, x, y: m.append(x, y, 1), S, U),
    one("numpy", "split", lambda m, x: m.split(x, 2, 1), S), one("numpy", "array_split",
                                                                 lambda m, x: m.array_split(x, 3, 1), S),
    one("numpy", "unstack", lambda m, x: m.unstack(x, axis=1), S, twin=lambda x: tuple(np.moveaxis(x, 1, 0))),
    *same("numpy", "diag diagonal", M, smooth=True),
    one("numpy", "take", lambda m, x, i: m.take(x, i % 3, 0), S, K),
    one("numpy", "take_along_axis", lambda m, x, i: m.take_along_axis(x, i, 1), S, np.argsort(S, 1).astype(np.int32)),
    *same("numpy", "ndim shape size isscalar", S, mapped=False),
    one("numpy", "broadcast_shapes", lambda m: m.broadcast_shapes((3, 1), (4,))),
    one("numpy", "unravel_index", lambda m, i: m.unravel_index(i, (3, 4)), K),
]

REDUCTIONS = [
    *same("numpy", "sum mean std var max min prod amax cumsum cumprod diff median average nanmean nanstd nanmax nanmin",
          W * (1 + np.arange(12, dtype=F32).reshape(3, 4) / 5), axis=1, smooth=True),
    *same("numpy", "all any count_nonzero", B, axis=1), *same("numpy", "argmax argmin argsort", S, axis=1),
    *same("numpy", "sort", S, axis=1, smooth=True),
    one("numpy", "cumulative_sum", lambda m, x: m.cumulative_sum(x, axis=1), S, twin=lambda x: np.cumsum(x, 1)),
    one("numpy", "cumulative_prod", lambda m, x: m.cumulative_prod(x, axis=1), S, twin=lambda x: np.cumprod(x, 1)),
    one("numpy", "quantile", lambda m, x: m.quantile(x, 0.3, axis=1), S, smooth=True),
    *same("numpy", "cov", S, smooth=True, tolerance=1e-4),
    one("numpy", "bincount", lambda m, i: m.bincount(i, length=6), K, twin=lambda i: np.bincount(i, minlength=6)),
    one("numpy", "histogram", lambda m, x: m.histogram(x, 4, (-2, 2)), S),
    one("numpy", "searchsorted", lambda m, x, y: m.searchsorted(x, y), np.sort(V), S),
    one("numpy", "convolve", lambda m, x, y: m.convolve(x, y, "same"), V, V[:3].copy(), smooth=True),
    one("numpy", "nonzero", lambda m, x: m.nonzero(x), N, mapped=False),
    one("numpy", "argwhere", lambda m, x: m.argwhere(x), N, mapped=False),
    one("numpy", "unique", lambda m, x: m.unique(x), N, mapped=False),
    one("numpy", "unique_values", lambda m, x: m.unique_values(x), N, twin=np.unique, mapped=False),
    one("numpy", "unique_counts", lambda m, x: tuple(m.unique_counts(x)), N, mapped=False,
        twin=lambda x: np.unique(x, return_counts=True)),
    one("numpy", "unique_inverse", lambda m, x: tuple(m.unique_inverse(x)), N.ravel(), mapped=False,
        twin=lambda x: np.unique(x, return_inverse=True)),
    one("numpy", "unique_all", lambda m, x: tuple(m.unique_all(x)), N.ravel(), mapped=False,
        twin=lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True)),
]

PRODUCTS = [
    *same("numpy", "dot matmul", S, M, smooth=True), *same("numpy", "inner", S, U, smooth=True),
    *same("numpy", "outer", V, K * F32(0.5), smooth=True), *same("numpy", "vdot", S, U, smooth=True),
    one("numpy", "vecdot", lambda m, x, y: m.vecdot(x, y), C, C[::-1].copy(), twin=lambda x, y: (x.conj() * y).sum(-1)),
    one("numpy", "tensordot", lambda m, x, y: m.tensordot(x, y, ((0, 1), (0, 1))), S, U, smooth=True),
    one("numpy", "einsum", lambda m, x, y: m.einsum("ij,kj->ki", x, y), S, U, smooth=True),
    *same("numpy", "trace", M, smooth=True), *same("numpy", "cross", V[:3].copy(), U[0, :3].copy(), smooth=True),
]

TYPES = [
    *[told("numpy", name, lambda m, name=name: getattr(m, name), getattr(np, name)) for name in ("pi", "inf", "nan",
                                                                                                  "newaxis")],
    told("numpy", "finfo", lambda m: float(m.finfo(F32).eps), 2.0 ** -23),
    told("numpy", "iinfo", lambda m: m.iinfo(np.int8).max, 127),
    told("numpy", "issubdtype", lambda m: m.issubdtype(F32, m.floating), True),
    told("numpy", "isdtype", lambda m: m.isdtype(m.float32, "real floating"), True),
    told("numpy", "can_cast", lambda m: (m.can_cast(np.int8, np.int32), m.can_cast(np.int32, np.int8)), (True, False)),
    told("numpy", "result_type", lambda m: m.result_type(F32, np.int32), np.dtype(F32)),
    told("numpy", "promote_types", lambda m: m.promote_types(np.int8, np.int32), np.dtype(np.int32)),
]

METHODS = [
    *[one("Array", name, call, S, smooth=True) for name, call in (
        ("sum", lambda x: x.sum(1)), ("mean", lambda x: x.mean(1)), ("std", lambda x: x.std(1)),
        ("var", lambda x: x.var(1)), ("max", lambda x: x.max(1)), ("min", lambda x: x.min(1)),
        ("prod", lambda x: x.prod(1)), ("cumsum", lambda x: x.cumsum(1)), ("reshape", lambda x: x.reshape(2, -1)),
        ("T", lambda x: x.T), ("transpose", lambda x: x.transpose(1, 0)), ("swapaxes", lambda x: x.swapaxes(0, 1)),
        ("flatten", lambda x: x.flatten()), ("ravel", lambda x: x.ravel()), ("repeat", lambda x: x.repeat(2, 1)),
        ("clip", lambda x: x.clip(-0.55, 0.7)), ("dot", lambda x: x.dot(x.T)))],
    one("Array", "squeeze", lambda x: x.squeeze(1), S[:, None]), one("Array", "round", lambda x: x.round(1), S),
    one("Array", "argmax", lambda x: x.argmax(1), S), one("Array", "argsort", lambda x: x.argsort(1), S),
    one("Array", "astype", lambda x: x.astype(np.int32), S), one("Array", "copy", lambda x: x.copy(), S),
    one("Array", "take", lambda x: x.take(np.array([2, 0]), 1), S), one("Array", "all", lambda x: x.all(1), B),
    one("Array", "any", lambda x: x.any(1), B), one("Array", "conj", lambda x: x.conj(), C),
    one("Array", "real", lambda x: x.real, C), one("Array", "imag", lambda x: x.imag, C),
    one("Array", "mT", lambda x: x.mT, X3, twin=lambda x: x.swapaxes(1, 2)),
    one("Array", "sort", lambda x: x.sort(1), S, twin=lambda x: np.sort(x, 1)),
    one("Array", "block_until_ready", lambda x: x.block_until_ready(), S, twin=lambda x: x, mapped=False),
    *[one("Array", name, call, S, mapped=False) for name, call in (
        ("shape", lambda x: x.shape), ("ndim", lambda x: x.ndim), ("size", lambda x: x.size),
        ("dtype", lambda x: x.dtype), ("nbytes", lambda x: x.nbytes), ("itemsize", lambda x: x.itemsize),
        ("tolist", lambda x: x.tolist()))],
    one("Array", "item", lambda x: x[0, 0].item(), S, mapped=False),
    one("Array", "device", lambda x: str(x.device), S, twin=lambda x: "cpu:0", mapped=False),
    one("Array", "at", lambda x: x.at[1].set(0.5), S, twin=lambda x: np.stack([x[0], 0 * x[1] + 0.5, x[2]]),
        smooth=True),
]


def _changed(x: Any, by: Any) -> Any:
    found = x.copy()
    found[1] = by(x[1])
    return found


AT = [
    one("Array.at", "set", lambda x: x.at[1].set(2), S, twin=lambda x: _changed(x, lambda _: 2)),
    one("Array.at", "add", lambda x: x.at[1].add(2), S, twin=lambda x: _changed(x, lambda r: r + 2), smooth=True),
    one("Array.at", "multiply", lambda x: x.at[1].multiply(2), S, twin=lambda x: _changed(x, lambda r: r * 2)),
    one("Array.at", "max", lambda x: x.at[1].max(0.1), S, twin=lambda x: _changed(x, lambda r: np.maximum(r, TENTH))),
    one("Array.at", "min", lambda x: x.at[1].min(0.1), S, twin=lambda x: _changed(x, lambda r: np.minimum(r, TENTH))),
    one("Array.at", "get", lambda x: x.at[np.array([0, 2])].get(), S, twin=lambda x: x[[0, 2]]),
]

ROWS = [*CREATION, *SHAPES, *REDUCTIONS, *PRODUCTS, *TYPES, *METHODS, *AT]
