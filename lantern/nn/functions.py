"""Functions of neural networks: activations, softmax and its logarithm, one-hot codes.

Each is right and has a finite derivative wherever the function itself is finite; NaN stays NaN.
"""
from __future__ import annotations

import math

import numpy as np

from lantern.dtypes import canonical
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, AxisLike, DTypeLike, array, canonical_axis, inexact
from lantern.numpy.arithmetic import add, divide, multiply, negative, square, subtract
from lantern.numpy.creation import astype
from lantern.numpy.logic import equal, greater, greater_equal, less_equal
from lantern.numpy.logic import where as choose
from lantern.numpy.ranges import arange
from lantern.numpy.reductions import any, max, sum
from lantern.numpy.shaping import broadcast_to, expand_dims, reshape
from lantern.numpy.ufuncs import exp, expm1, log, log1p, tanh
from lantern.ops import elementwise as ops
from lantern.scipy.special.entropies import logsumexp as logsumexp
from lantern.trace.array import Array


@one_program(1)
def relu(x: ArrayLike) -> Array:
    """max(x, 0). The derivative at 0 is 0.

    >>> relu(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    a = array("relu", x)
    return choose(less_equal(a, 0), 0, a)


@one_program(1)
def relu6(x: ArrayLike) -> Array:
    """min(max(x, 0), 6).

    >>> relu6(np.array([-1.0, 2.0, 9.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    a = relu(x)
    return choose(greater_equal(a, 6), 6, a)


@one_program(2)
def leaky_relu(x: ArrayLike, negative_slope: ArrayLike = 1e-2) -> Array:
    """x where x >= 0, elsewhere negative_slope * x.

    >>> leaky_relu(np.array([-1.0, 2.0]), 0.5).tolist()
    [-0.5, 2.0]
    """
    a = inexact("leaky_relu", x)
    return choose(greater_equal(a, 0), a, multiply(negative_slope, a))


@one_program(2)
def elu(x: ArrayLike, alpha: ArrayLike = 1.0) -> Array:
    """x where x > 0, elsewhere alpha * (exp(x) - 1) (Clevert, Unterthiner, Hochreiter 2016).

    >>> elu(np.array([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    a = inexact("elu", x)
    positive = greater(a, 0)
    return choose(positive, a, multiply(alpha, expm1(choose(positive, 0, a))))


@one_program(1)
def selu(x: ArrayLike) -> Array:
    """The scaled `elu` that keeps mean 0 and variance 1 (Klambauer, Unterthiner, Mayr, Hochreiter 2017).

    >>> selu(0.0).item()
    0.0
    """
    return multiply(1.0507009873554804934193349852946, elu(x, 1.6732632423543772848170429916717))


@one_program(1)
def gelu(x: ArrayLike, approximate: bool = True) -> Array:
    """x times the normal distribution function of x (Hendrycks, Gimpel 2016); `approximate`: by way of tanh.

    >>> gelu(0.0).item()
    0.0
    """
    a = inexact("gelu", x)
    if not approximate:
        return multiply(multiply(0.5, a), add(1, ops.erf(multiply(a, math.sqrt(0.5)))))
    cubic = multiply(a, add(1, multiply(0.044715, square(a))))
    return multiply(multiply(0.5, a), add(1, tanh(multiply(math.sqrt(2 / math.pi), cubic))))


@one_program(1)
def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), without overflow.

    >>> sigmoid(0.0).item()
    0.5
    """
    return ops.logistic(inexact("sigmoid", x))


@one_program(1)
def silu(x: ArrayLike) -> Array:
    """x * sigmoid(x), also called swish.

    >>> silu(0.0).item()
    0.0
    """
    a = inexact("silu", x)
    return multiply(a, ops.logistic(a))


def swish(x: ArrayLike) -> Array:
    """As `silu`.

    >>> swish(0.0).item()
    0.0
    """
    return silu(x)


@one_program(1)
def softplus(x: ArrayLike) -> Array:
    """log(1 + exp(x)), without overflow: x + log1p(exp(-x)) where x > 0, elsewhere log1p(exp(x)).

    >>> round(softplus(0.0).item(), 6)
    0.693147
    """
    a = inexact("softplus", x)
    positive = greater(a, 0)
    return add(choose(positive, a, 0), log1p(exp(choose(positive, negative(a), a))))


@one_program(1)
def log_sigmoid(x: ArrayLike) -> Array:
    """log(sigmoid(x)) = -softplus(-x), without underflow.

    >>> round(log_sigmoid(0.0).item(), 6)
    -0.693147
    """
    return negative(softplus(negative(inexact("log_sigmoid", x))))


def _shifted(x: Array, axis: AxisLike, where: ArrayLike | None) -> Array:
    """x minus its maximum along `axis`, which changes no ratio of exponentials; -inf where masked."""
    selected = x if where is None else choose(where, x, -np.inf)
    largest = max(selected, axis, keepdims=True, initial=-np.inf)
    if where is not None:       # -inf - (-inf) would be NaN where everything is masked
        largest = choose(any(broadcast_to(where, selected.shape), axis, keepdims=True), largest, 0)
    return subtract(selected, ops.stop_gradient(largest))


def _total(exponentials: Array, axis: AxisLike, where: ArrayLike | None) -> Array:
    """The sum along `axis`; 1 where everything is masked."""
    total = sum(exponentials, axis, keepdims=True)
    return total if where is None else choose(equal(total, 0), 1, total)


@one_program(1)
def softmax(x: ArrayLike, axis: AxisLike = -1, where: ArrayLike | None = None) -> Array:
    """exp(x) / sum(exp(x)) along `axis`; under a mask, 0 where `where` is False.

    The maximum is subtracted first, so nothing overflows. A row of only -inf has no softmax: NaN. Where the mask leaves
    nothing, all is 0.

    >>> softmax(np.array([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """
    e = exp(_shifted(inexact("softmax", x), axis, where))
    return divide(e, _total(e, axis, where))


@one_program(1)
def log_softmax(x: ArrayLike, axis: AxisLike = -1, where: ArrayLike | None = None) -> Array:
    """log(softmax(x)) along `axis`, exact where softmax underflows; under a mask, -inf where `where` is False.

    >>> log_softmax(np.array([0.0, 1e4])).tolist()
    [-10000.0, 0.0]
    """
    shifted = _shifted(inexact("log_softmax", x), axis, where)
    return subtract(shifted, log(_total(exp(shifted), axis, where)))


@one_program(1)
def one_hot(x: ArrayLike, num_classes: int, *, dtype: DTypeLike = None, axis: int = -1) -> Array:
    """A new axis of `num_classes` with 1 at the position x, else 0; all 0 where x is out of range.

    >>> one_hot(np.array([0, 2]), 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = array("one_hot", x)
    place = canonical_axis("one_hot", axis, labels.aval, labels.ndim + 1)
    classes = arange(num_classes, dtype=labels.dtype)
    classes = reshape(classes, [classes.size if k == place else 1 for k in range(labels.ndim + 1)])
    return astype(equal(expand_dims(labels, place), classes), canonical(float if dtype is None else dtype))
