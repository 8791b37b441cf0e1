"""Random numbers from keys: the same key gives the same numbers, on every device.

A key is an element of its own dtype, `key<fry>`: a batch of keys is an array of them, and nothing takes them for
numbers. Bits, integers, uniforms, Bernoulli draws and permutations are equal bit for bit on all devices, normals within
4 ulp. Bits come from the counter-based cipher threefry-2x32 with the counters of JAX's partitionable generator, and
each sampler makes of them what JAX makes of them: the numbers are JAX's, to rounding. No sampler waits for a GPU: those
that reject take a fixed number of rounds, which leaves an element undecided with a probability below 1e-12.

Never use a key twice: `split` it, or `fold_in` a number. `lantern.debug.key_reuse` looks for keys used twice.
"""
from __future__ import annotations

from lantern.absent import Absent
from lantern.random.bits import bits as bits
from lantern.random.continuous import cauchy as cauchy
from lantern.random.continuous import double_sided_maxwell as double_sided_maxwell
from lantern.random.continuous import exponential as exponential
from lantern.random.continuous import gumbel as gumbel
from lantern.random.continuous import laplace as laplace
from lantern.random.continuous import logistic as logistic
from lantern.random.continuous import lognormal as lognormal
from lantern.random.continuous import maxwell as maxwell
from lantern.random.continuous import pareto as pareto
from lantern.random.continuous import rayleigh as rayleigh
from lantern.random.continuous import triangular as triangular
from lantern.random.continuous import truncated_normal as truncated_normal
from lantern.random.continuous import wald as wald
from lantern.random.continuous import weibull_min as weibull_min
from lantern.random.discrete import binomial as binomial
from lantern.random.discrete import categorical as categorical
from lantern.random.discrete import choice as choice
from lantern.random.discrete import geometric as geometric
from lantern.random.discrete import multinomial as multinomial
from lantern.random.discrete import poisson as poisson
from lantern.random.discrete import rademacher as rademacher
from lantern.random.draws import bernoulli as bernoulli
from lantern.random.draws import normal as normal
from lantern.random.draws import uniform as uniform
from lantern.random.gammas import ball as ball
from lantern.random.gammas import beta as beta
from lantern.random.gammas import chisquare as chisquare
from lantern.random.gammas import dirichlet as dirichlet
from lantern.random.gammas import f as f
from lantern.random.gammas import gamma as gamma
from lantern.random.gammas import generalized_normal as generalized_normal
from lantern.random.gammas import loggamma as loggamma
from lantern.random.gammas import t as t
from lantern.random.integers import randint as randint
from lantern.random.keys import PRNGKey as PRNGKey
from lantern.random.keys import clone as clone
from lantern.random.keys import fold_in as fold_in
from lantern.random.keys import key as key
from lantern.random.keys import key_data as key_data
from lantern.random.keys import key_impl as key_impl
from lantern.random.keys import split as split
from lantern.random.keys import wrap_key_data as wrap_key_data
from lantern.random.multivariate import multivariate_normal as multivariate_normal
from lantern.random.multivariate import orthogonal as orthogonal
from lantern.random.permutations import permutation as permutation
from lantern.typing import Key as Keys

Key = Keys[()]    # one key

__getattr__ = Absent(__name__)
