"""vectorize against NumPy's, and what the other functions of functions refuse."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads

R = np.random.default_rng(3)
A = R.normal(size=(2, 1, 3)).astype(np.float32)
B = R.normal(size=(4, 3)).astype(np.float32)
MATRICES = R.normal(size=(5, 2, 3)).astype(np.float32)


@pytest.mark.parametrize("signature, f, args", [
    ("(n),(n)->()", lambda a, b: (a * b).sum(), (A, B)),
    ("(m,n),(n)->(m)", lambda a, b: a @ b, (MATRICES, B[0])),
    ("(n)->(n),()", lambda a: (a * 2, a.max()), (B,)),
    ("(),(n)->(n)", lambda a, b: b * a, (np.float32([[1], [2]]), B)),
    (None, lambda a, b: a * b + 1, (A, B)),
    ("(n),()->(n)", lambda a, k: a + k, (B[:1], np.float32(3))),
])
def test_vectorize(signature: str | None, f: Any, args: tuple[Any, ...]) -> None:
    wanted = np.vectorize(f, signature=signature)(*args)
    for call in (jnp.vectorize(f, signature=signature), lantern.jit(jnp.vectorize(f, signature=signature))):
        found = call(*args)
        pairs = zip(found, wanted, strict=True) if isinstance(wanted, tuple) else [(found, wanted)]
        for x, y in pairs:
            assert x.shape == y.shape
            np.testing.assert_allclose(x, y, rtol=1e-6)
    check_grads(jnp.vectorize(f, signature=signature), args, order=1)


def test_excluded_arguments_go_through() -> None:
    def power(x: Any, n: Any, *, scale: Any, name: str = "") -> Any:
        assert x.shape == ()
        assert n == 2 and name == "square"
        return scale * x ** n

    f = jnp.vectorize(power, excluded={1, "name"})
    np.testing.assert_allclose(f(B, 2, scale=B[:, :1], name="square"), B[:, :1] * B ** 2, rtol=1e-6)
    assert f.__name__ == "power"


@pytest.mark.parametrize("make, error, message", [
    (lambda: jnp.vectorize(jnp.sum, signature="(n)->"), ArgumentError, r"signature '\(n\)->' does not parse, at "),
    (lambda: jnp.vectorize(jnp.dot, signature="(n),(n)->()")(B), ArgumentError, "has 2 operands, got 1"),
    (lambda: jnp.vectorize(jnp.dot, signature="(n),(n)->()")(B, B[:, :2]), ShapeError,
     r"the size n of '\(n\),\(n\)->\(\)' is 3 and 2, got f32\[4,3\] and f32\[4,2\], at test_functional"),
    (lambda: jnp.vectorize(jnp.sum, signature="(m,n)->()")(B[0]), ShapeError, r"wants the axes \(m,n\), got"),
    (lambda: jnp.vectorize(lambda x: x, signature="(n)->()")(B), ShapeError,
     r"a result of the axes \(\), got f32\[3\]"),
    (lambda: jnp.vectorize(lambda x: (x, x), signature="(n)->(n)")(B), ArgumentError, "has 1 results, got 2"),
    (lambda: jnp.vectorize(jnp.add)(B, B[:2]), ShapeError, "vectorize: shapes .* cannot be broadcast together"),
    (lambda: jnp.apply_along_axis(jnp.sum, 2, B), ArgumentError,
     r"apply_along_axis: axis 2 is out of range for f32\[4,3\]"),
    (lambda: jnp.apply_over_axes(lambda x, k: x[0, 0], B, (0,)), ShapeError, "must keep the rank or remove axis 0"),
    (lambda: jnp.piecewise(B, [B > 0], []), ArgumentError, "functions as conditions, or one more, got 0 for 1"),
])
def test_mistakes(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
