"""Special functions with jax.lax's names: gamma, zeta, the incomplete gamma function, Bessel functions."""
from __future__ import annotations

from lantern.lax.operands import ArrayLike, exact
from lantern.ops import bessel, compare, gamma, gaussian
from lantern.ops import elementwise as ops
from lantern.ops import incomplete_gamma as incomplete
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Value


def erfc(x: ArrayLike) -> Array:
    """One minus the error function, exact where that is tiny.

    >>> erfc(0.0).item()
    1.0
    """
    return gaussian.erfc(*exact(x, function="erfc"))


def lgamma(x: ArrayLike) -> Array:
    """The logarithm of |gamma(x)|.

    >>> lgamma(1.0).item()
    0.0
    """
    return gamma.lgamma(*exact(x, function="lgamma"))


def digamma(x: ArrayLike) -> Array:
    """The derivative of `lgamma`.

    >>> round(digamma(1.0).item(), 4)
    -0.5772
    """
    return gamma.digamma(*exact(x, function="digamma"))


def zeta(x: ArrayLike, q: ArrayLike) -> Array:
    """Hurwitz' zeta function; differentiable by q.

    >>> round(zeta(2.0, 1.0).item(), 4)
    1.6449
    """
    return gamma.zeta(*exact(x, q, function="zeta"))


def polygamma(m: ArrayLike, x: ArrayLike) -> Array:
    """Derivative number m of `digamma`, at x; differentiable by x.

    Raises NotDifferentiableError for a derivative by m.

    >>> round(polygamma(1.0, 1.0).item(), 4)
    1.6449
    """
    order, point = exact(m, x, function="polygamma")
    shape = typeof(order).shape or typeof(point).shape
    order, point = _stretched(order, shape), _stretched(point, shape)
    odd = ops.sub(ops.mul(2.0, ops.mod(order, 2.0)), 1.0)
    after = ops.add(order, 1.0)
    higher = ops.mul(ops.mul(odd, gamma.gamma(after)), gamma.zeta(after, point))
    first = compare.select(compare.eq(order, 1.0), gamma.trigamma(point), higher)
    return compare.select(compare.eq(order, 0.0), gamma.digamma(point), first)


def igamma(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularised lower incomplete gamma function P(a, x).

    >>> igamma(1.0, 0.0).item()
    0.0
    """
    return incomplete.igamma(*exact(a, x, function="igamma"))


def igammac(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularised upper incomplete gamma function, 1 - P(a, x).

    >>> igammac(1.0, 0.0).item()
    1.0
    """
    return incomplete.igammac(*exact(a, x, function="igammac"))


def igamma_grad_a(a: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of P(a, x) by a.

    >>> igamma_grad_a(1.0, 0.0).item()
    0.0
    """
    return incomplete.igamma_grad_a(*exact(a, x, function="igamma_grad_a"))


def random_gamma_grad(a: ArrayLike, x: ArrayLike) -> Array:
    """dx/da of a gamma variate x of shape a, by implicit reparameterisation.

    >>> random_gamma_grad(1.0, 0.0).item()
    0.0
    """
    return incomplete.random_gamma_grad(*exact(a, x, function="random_gamma_grad"))


def bessel_i0e(x: ArrayLike) -> Array:
    """exp(-|x|) I0(x), the modified Bessel function of order 0.

    >>> bessel_i0e(0.0).item()
    1.0
    """
    return bessel.i0e(*exact(x, function="bessel_i0e"))


def bessel_i1e(x: ArrayLike) -> Array:
    """exp(-|x|) I1(x), the modified Bessel function of order 1.

    >>> bessel_i1e(0.0).item()
    0.0
    """
    return bessel.i1e(*exact(x, function="bessel_i1e"))


def _stretched(x: Value, shape: tuple[int, ...]) -> Value:
    """A scalar beside arrays as an array of their shape."""
    return x if type(x) is not Literal and typeof(x).shape == shape else broadcast_in_dim(x, shape, ())
