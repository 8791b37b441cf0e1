"""More activations, gates and normalisation, with jax.nn's names and arguments.

Each is right and has a finite derivative wherever the function itself is finite; NaN stays NaN.
"""
from __future__ import annotations

import math

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, AxisLike, argument_error, array, canonical_axis, inexact, shape_error
from lantern.nn.functions import relu6, sigmoid, softplus
from lantern.numpy.arithmetic import abs, add, clip, divide, multiply, negative, sqrt, square, subtract
from lantern.numpy.creation import astype
from lantern.numpy.logic import greater, greater_equal, less, less_equal
from lantern.numpy.logic import where as choose
from lantern.numpy.reductions import mean, sum
from lantern.numpy.shaping import broadcast_to, part
from lantern.numpy.ufuncs import exp, expm1, log, log1p, tanh
from lantern.ops.elementwise import rsqrt
from lantern.scipy.special.entropies import logsumexp
from lantern.trace.array import Array


def identity(x: ArrayLike) -> Array:
    """x itself, as an array.

    >>> identity(3.0).item()
    3.0
    """
    return array("identity", x)


@one_program(1)
def hard_sigmoid(x: ArrayLike) -> Array:
    """relu6(x + 3) / 6: a sigmoid of straight lines.

    >>> hard_sigmoid(0.0).item()
    0.5
    """
    return divide(relu6(add(inexact("hard_sigmoid", x), 3)), 6)


@one_program(1)
def hard_silu(x: ArrayLike) -> Array:
    """x * hard_sigmoid(x), also called hard swish (Howard et al., Searching for MobileNetV3, 2019).

    >>> hard_silu(3.0).item()
    3.0
    """
    a = inexact("hard_silu", x)
    return multiply(a, hard_sigmoid(a))


def hard_swish(x: ArrayLike) -> Array:
    """As `hard_silu`.

    >>> hard_swish(3.0).item()
    3.0
    """
    return hard_silu(x)


@one_program(1)
def hard_tanh(x: ArrayLike) -> Array:
    """min(max(x, -1), 1).

    >>> import numpy as np
    >>> hard_tanh(np.array([-3.0, 0.5])).tolist()
    [-1.0, 0.5]
    """
    a = array("hard_tanh", x)
    return choose(greater(a, 1), 1, choose(less(a, -1), -1, a))


@one_program(1)
def mish(x: ArrayLike) -> Array:
    """x * tanh(softplus(x)) (Misra, Mish: a self regularized non-monotonic activation function, 2019).

    >>> mish(0.0).item()
    0.0
    """
    a = inexact("mish", x)
    return multiply(a, tanh(softplus(a)))


@one_program(2)
def celu(x: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """x where x > 0, elsewhere alpha * (exp(x / alpha) - 1) (Barron, Continuously differentiable exponential linear
    units, 2017).

    >>> celu(2.0).item()
    2.0
    """
    a = inexact("celu", x)
    positive = greater(a, 0)
    return choose(positive, a, multiply(alpha, expm1(divide(choose(positive, 0, a), alpha))))


@one_program(2)
def squareplus(x: ArrayLike, b: ArrayLike = 4) -> Array:
    """(x + sqrt(x^2 + b)) / 2 (Barron, Squareplus: a softplus-like algebraic rectifier, 2021). For negative x this is
    b / (sqrt(x^2 + b) - x) / 2, which cancels nothing.

    >>> squareplus(0.0).item()
    1.0
    """
    a = inexact("squareplus", x)
    root = sqrt(add(square(a), b))
    positive = greater_equal(a, 0)
    return divide(choose(positive, add(a, root), divide(b, choose(positive, 1, subtract(root, a)))), 2)


@one_program(1)
def sparse_plus(x: ArrayLike) -> Array:
    """0 up to -1, x from 1 on, and (x + 1)^2 / 4 between.

    >>> import numpy as np
    >>> sparse_plus(np.array([-2.0, 0.0, 2.0])).tolist()
    [0.0, 0.25, 2.0]
    """
    a = inexact("sparse_plus", x)
    return choose(less_equal(a, -1), 0, choose(greater_equal(a, 1), a, divide(square(add(a, 1)), 4)))


@one_program(1)
def sparse_sigmoid(x: ArrayLike) -> Array:
    """The derivative of `sparse_plus`: (x + 1) / 2, at least 0 and at most 1.

    >>> sparse_sigmoid(0.0).item()
    0.5
    """
    return multiply(0.5, clip(add(inexact("sparse_sigmoid", x), 1), 0, 2))


@one_program(1)
def soft_sign(x: ArrayLike) -> Array:
    """x / (|x| + 1).

    >>> soft_sign(1.0).item()
    0.5
    """
    a = inexact("soft_sign", x)
    return divide(a, add(abs(a), 1))


@one_program(1)
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """The first half of x along `axis` times the sigmoid of the second (Dauphin et al., Language modeling with gated
    convolutional networks, 2017).

    Raises ShapeError if the axis has an odd size.

    >>> import numpy as np
    >>> glu(np.array([2.0, 0.0])).tolist()
    [1.0]
    """
    a = inexact("glu", x)
    place = canonical_axis("glu", axis, a.aval)
    size = a.shape[place]
    if size % 2:
        raise shape_error(f"glu: axis {place} is cut in halves and must have an even size, got {a.aval}")
    return multiply(part(a, place, 0, size // 2), sigmoid(part(a, place, size // 2, size)))


@one_program(1)
def log1mexp(x: ArrayLike) -> Array:
    """log(1 - exp(-x)) for x > 0, exact for small and for large x (Machler, Accurately computing log(1 - exp(-|a|)),
    2012); NaN below 0.

    >>> round(log1mexp(1e-6).item(), 4)
    -13.8155
    """
    a = inexact("log1mexp", x)
    small = less(a, math.log(2))
    near = log(negative(expm1(negative(choose(small, a, 1)))))
    return choose(small, near, log1p(negative(exp(negative(choose(small, 1, a))))))


@one_program(1)
def logmeanexp(x: ArrayLike, axis: AxisLike = None, where: ArrayLike | None = None, keepdims: bool = False) -> Array:
    """log(mean(exp(x))) along `axis`, without overflow; `where` says which elements count.

    >>> import numpy as np
    >>> logmeanexp(np.array([1e4, 1e4])).item()
    10000.0
    """
    a = inexact("logmeanexp", x)
    counted = broadcast_to(True if where is None else where, a.shape)
    count = sum(astype(counted, a.dtype), axis, keepdims=keepdims)
    total = logsumexp(a, axis, where=where, keepdims=keepdims)
    assert isinstance(total, Array), "internal: logsumexp gave a sign"
    return subtract(total, log(count))


@one_program(1)
def standardize(x: ArrayLike, axis: AxisLike = -1, mean: ArrayLike | None = None, variance: ArrayLike | None = None,
                epsilon: ArrayLike = 1e-5, where: ArrayLike | None = None, *, algorithm: str = "fast") -> Array:
    """(x - mean) / sqrt(variance + epsilon) along `axis`, with the mean and variance of x where they are not given.

    The variance is the mean squared distance from the mean, whatever `algorithm` says ("fast" or "stable"): it costs
    no more here, and the difference of mean squares would lose all digits where the mean is large.

    Raises ArgumentError for another algorithm.

    >>> import numpy as np
    >>> standardize(np.array([1.0, 3.0]), epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    if algorithm not in ("fast", "stable"):
        raise argument_error(f"standardize: algorithm must be 'fast' or 'stable', got {algorithm!r}")
    a = inexact("standardize", x)
    centre = _mean(a, axis, where) if mean is None else mean
    distance = subtract(a, centre)
    spread = _mean(square(distance), axis, where) if variance is None else variance
    return multiply(distance, rsqrt(add(inexact("standardize", spread), epsilon)))


def _mean(x: Array, axis: AxisLike, where: ArrayLike | None) -> Array:
    return mean(x, axis, keepdims=True, where=where)
