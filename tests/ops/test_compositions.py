"""The transforms compose in any order: for every differentiable primitive all ways to the same derivative agree."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.api import grad, hessian, jvp, vjp, vmap
from lantern.jitted import jit
from lantern.ops.complex import real
from lantern.ops.elementwise import mul
from lantern.ops.reduce import reduce_sum
from tests.ops.laws import (
    bind_arrays,
    close,
    difference,
    differentiable,
    direction,
    every_case,
    is_floating,
    widened,
    x64,
)
from tests.optable.table import Case, Row


def total(x: Any, weights: Any) -> Any:
    """The weighted sum of all elements, or its real part."""
    found = reduce_sum(mul(x, weights), tuple(range(np.ndim(weights))))
    return real(found) if found.dtype.kind == "c" else found


@every_case(differentiable)
def test_compositions(row: Row, case: Case) -> None:
    with x64():
        args = widened(case.draw())
        other = widened(case.draw(1))
        for place in [k for k, x in enumerate(args) if is_floating(x)]:
            f, (x,) = bind_arrays(row, case, args, lambda a, chosen=args[place]: a is chosen)
            if np.asarray(f(x)).size:
                check_compositions(f, x, other[place])


def check_compositions(f: Any, x: Any, y: Any) -> None:
    """f: one array to one array; y: another point of the same shape."""
    (weights,) = direction([np.asarray(f(x))], 1)
    (along,) = direction([x], 2)

    def s(x: Any) -> Any:
        return total(f(x), weights)

    slope = np.asarray(grad(s)(x))
    close(np.real(np.sum(slope * along)), difference(lambda x: [s(x)], [x], [along])[0])
    close(jit(grad(jit(s)))(x), slope, 1e-12)

    (curve,) = difference(lambda x: [grad(s)(x)], [x], [along])
    close(grad(lambda x: total(grad(jit(s))(x), along))(x), curve)
    if x.dtype.kind != "c":
        close(np.tensordot(np.asarray(hessian(jit(s))(x)), along, x.ndim), curve)
    close(jvp(lambda x: vjp(s, x)[1](1.0)[0], (x,), (along,))[1], curve)
    close(vjp(lambda x: jvp(s, (x,), (along,))[1], x)[1](1.0)[0], curve)

    several = np.stack([x, y])
    close(vmap(grad(jit(s)))(several), np.stack([slope, np.asarray(grad(s)(y))]), 1e-9)
    square = np.stack([several, several[::-1]])
    want = np.stack([np.stack([np.asarray(f(a)) for a in row]) for row in square])
    close(jit(vmap(vmap(f)))(square), want, 1e-9)
