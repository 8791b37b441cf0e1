"""Continuous distributions whose samples are one formula of uniform or normal numbers. JAX's numbers, to rounding."""
from __future__ import annotations

import math

import numpy as np

from lantern.dtypes import python_dtype
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, ShapeLike, argument_error, canonical_shape
from lantern.numpy.arithmetic import abs, clip, power, sign, sqrt
from lantern.numpy.creation import full_like
from lantern.numpy.element_types import finfo
from lantern.numpy.float_parts import nextafter
from lantern.numpy.logic import equal, less, where
from lantern.numpy.reductions import sum
from lantern.numpy.ufuncs import exp, log, log1p, tan
from lantern.ops import elementwise as ops
from lantern.ops.random import random_split
from lantern.random.bits import floating, unit
from lantern.random.draws import standard_normal, uniform
from lantern.random.keys import words
from lantern.random.parameters import parameters
from lantern.trace.array import Array

_MODES = ("low", "high")


@one_program(1)
def exponential(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Exponential floats of mean 1: -log(1 - u).

    >>> from lantern import random
    >>> bool((random.exponential(random.key(0), (9,)) >= 0).all())
    True
    """
    wanted = floating("exponential", dtype)
    return -log1p(-unit(words("exponential", key), canonical_shape("exponential", shape), wanted))


@one_program(1)
def gumbel(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float, mode: str | None = None) -> Array:
    """Gumbel floats: -log(-log(u)). In mode "low", the default, the largest is about 16 (f32); in mode "high" two
    uniforms make one, and it is about 32.

    Raises ArgumentError for another mode.

    >>> from lantern import random
    >>> random.gumbel(random.key(0), (2, 3)).shape
    (2, 3)
    """
    wanted, sizes = floating("gumbel", dtype), canonical_shape("gumbel", shape)
    if mode not in (None, *_MODES):
        raise argument_error(f"gumbel: no mode is called {mode!r}", f"There are {' and '.join(_MODES)}.")
    found, info = words("gumbel", key), finfo(wanted)
    if mode == "high":
        both = unit(found, (2, *sizes), wanted)
        high, low = both[0], both[1]
        fine = where(high >= 0.5, high, high + (2.0 ** -int(info.nmant) * low + float(info.tiny)))
        return -log(-log1p(-fine))
    return -log(-log(uniform(found, sizes, wanted, float(info.tiny), 1.0)))


@one_program(1)
def laplace(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Laplace floats of mean 0 and scale 1.

    >>> from lantern import random
    >>> random.laplace(random.key(0), (3,)).shape
    (3,)
    """
    wanted, sizes = floating("laplace", dtype), canonical_shape("laplace", shape)
    u = uniform(words("laplace", key), sizes, wanted, float(finfo(wanted).epsneg) - 1, 1.0)
    return sign(u) * log1p(-abs(u))


@one_program(1)
def logistic(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Logistic floats of mean 0 and scale 1: log(u / (1 - u)).

    >>> from lantern import random
    >>> random.logistic(random.key(0), (3,)).shape
    (3,)
    """
    wanted, sizes = floating("logistic", dtype), canonical_shape("logistic", shape)
    u = uniform(words("logistic", key), sizes, wanted, float(finfo(wanted).tiny), 1.0)
    return log(u) - log1p(-u)


@one_program(1)
def cauchy(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Cauchy floats: tan(pi (u - 1/2)).

    >>> from lantern import random
    >>> random.cauchy(random.key(0), (3,)).shape
    (3,)
    """
    wanted, sizes = floating("cauchy", dtype), canonical_shape("cauchy", shape)
    u = uniform(words("cauchy", key), sizes, wanted, float(finfo(wanted).eps), 1.0)
    return tan(math.pi * (u - 0.5))


@one_program(3)
def truncated_normal(key: ArrayLike, lower: ArrayLike, upper: ArrayLike, shape: ShapeLike | None = None,
                     dtype: DTypeLike = float) -> Array:
    """Normal floats between `lower` and `upper`, without either. Bounds far out in one tail (beyond 5 in f32) leave few
    different numbers.

    Raises ShapeError if the bounds do not broadcast to the shape.

    >>> from lantern import random
    >>> x = random.truncated_normal(random.key(0), -1, 1, (100,))
    >>> bool((abs(x) < 1).all())
    True
    """
    wanted = floating("truncated_normal", dtype)
    low, high = parameters("truncated_normal", shape, wanted, lower, upper)
    a, b = ops.erf(low / math.sqrt(2)), ops.erf(high / math.sqrt(2))
    u = uniform(words("truncated_normal", key), low.shape, wanted, a, b)
    least = nextafter(ops.stop_gradient(low), full_like(low, np.inf))
    most = nextafter(ops.stop_gradient(high), full_like(high, -np.inf))
    return clip(math.sqrt(2) * ops.erf_inv(u), least, most)


@one_program(2)
def pareto(key: ArrayLike, b: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Pareto floats, at least 1, of shape b: exp(e / b) of an exponential e.

    >>> from lantern import random
    >>> bool((random.pareto(random.key(0), 2.0, (9,)) >= 1).all())
    True
    """
    wanted = floating("pareto", dtype)
    (width,) = parameters("pareto", shape, wanted, b)
    return exp(exponential(words("pareto", key), width.shape, wanted) / width)


@one_program(2)
def rayleigh(key: ArrayLike, scale: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Rayleigh floats: scale sqrt(-2 log(u)); a u of 0 counts as the smallest above it.

    >>> from lantern import random
    >>> bool((random.rayleigh(random.key(0), 2.0, (9,)) >= 0).all())
    True
    """
    wanted = floating("rayleigh", dtype)
    (width,) = parameters("rayleigh", shape, wanted, scale)
    u = unit(words("rayleigh", key), width.shape, wanted)
    u = where(equal(u, 0), 0.5 * 2.0 ** -int(finfo(wanted).nmant), u)
    return width * sqrt(-2 * log(u))


@one_program(3)
def weibull_min(key: ArrayLike, scale: ArrayLike, concentration: ArrayLike, shape: ShapeLike | None = None,
                dtype: DTypeLike = float) -> Array:
    """Weibull floats: scale times a power 1 / concentration of an exponential.

    >>> from lantern import random
    >>> bool((random.weibull_min(random.key(0), 2.0, 1.5, (9,)) >= 0).all())
    True
    """
    wanted = floating("weibull_min", dtype)
    width, form = parameters("weibull_min", shape, wanted, scale, concentration)
    return power(exponential(words("weibull_min", key), width.shape, wanted), 1 / form) * width


@one_program(1)
def maxwell(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Maxwell floats: the length of three normal numbers.

    >>> from lantern import random
    >>> bool((random.maxwell(random.key(0), (9,)) >= 0).all())
    True
    """
    wanted, sizes = floating("maxwell", dtype), canonical_shape("maxwell", shape)
    z = standard_normal(words("maxwell", key), (*sizes, 3), wanted)
    return sqrt(sum(z * z, -1))


@one_program(3)
def double_sided_maxwell(key: ArrayLike, loc: ArrayLike, scale: ArrayLike, shape: ShapeLike = (),
                         dtype: DTypeLike = float) -> Array:
    """A Maxwell number with a random sign, times `scale`, plus `loc`. The samples have the shape
    `shape` (by default the parameters' shape) and then the parameters' shape.

    >>> from lantern import random
    >>> random.double_sided_maxwell(random.key(0), 0.0, 1.0, (3,)).shape
    (3,)
    """
    wanted, sizes = floating("double_sided_maxwell", dtype), canonical_shape("double_sided_maxwell", shape)
    middle, width = parameters("double_sided_maxwell", None, wanted, loc, scale)
    sizes = (sizes or middle.shape) + middle.shape
    keys = random_split(words("double_sided_maxwell", key), (2,))
    signs = where(less(unit(keys[1], sizes, python_dtype(float)), 0.5), 1.0, -1.0)
    return signs.astype(wanted) * maxwell(keys[0], sizes, wanted) * width + middle


@one_program(2)
def lognormal(key: ArrayLike, sigma: ArrayLike = 1.0, shape: ShapeLike | None = None,
              dtype: DTypeLike = float) -> Array:
    """exp(sigma z) of a normal z.

    >>> from lantern import random
    >>> bool((random.lognormal(random.key(0), 0.5, (9,)) > 0).all())
    True
    """
    wanted = floating("lognormal", dtype)
    (width,) = parameters("lognormal", shape, wanted, sigma)
    return exp(standard_normal(words("lognormal", key), width.shape, wanted) * width)


@one_program(4)
def triangular(key: ArrayLike, left: ArrayLike, mode: ArrayLike, right: ArrayLike, shape: ShapeLike | None = None,
               dtype: DTypeLike = float) -> Array:
    """Floats whose density rises from `left` to `mode` and falls to `right`.

    >>> from lantern import random
    >>> x = random.triangular(random.key(0), 0.0, 1.0, 3.0, (9,))
    >>> bool((x >= 0).all()), bool((x <= 3).all())
    (True, True)
    """
    wanted = floating("triangular", dtype)
    low, top, high = parameters("triangular", shape, wanted, left, mode, right)
    u = unit(words("triangular", key), low.shape, wanted)
    rising = low + sqrt(u * (high - low) * (top - low))
    falling = high - sqrt((1 - u) * (high - low) * (high - top))
    return where(less(u, (top - low) / (high - low)), rising, falling)


@one_program(2)
def wald(key: ArrayLike, mean: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Wald (inverse Gaussian) floats of this mean and scale 1 (Michael, Schucany, Haas 1976).

    >>> from lantern import random
    >>> bool((random.wald(random.key(0), 2.0, (9,)) > 0).all())
    True
    """
    wanted = floating("wald", dtype)
    (middle,) = parameters("wald", shape, wanted, mean)
    keys = random_split(words("wald", key), (2,))
    z = standard_normal(keys[0], middle.shape, wanted)
    y = z * z
    root = sqrt(4 * middle * y + middle * middle * y * y)
    # the smaller root of a quadratic, without the subtraction that loses its digits
    x = middle * (2 / (2 + middle * y + root))
    smaller = unit(keys[1], middle.shape, wanted) <= middle / (middle + x)
    return where(smaller, x, middle * middle / x)
