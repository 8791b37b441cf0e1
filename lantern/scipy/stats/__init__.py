"""`lantern.scipy.stats`: probability distributions, one module each, under jax.scipy.stats's names."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.scipy.stats import bernoulli as bernoulli
from lantern.scipy.stats import beta as beta
from lantern.scipy.stats import expon as expon
from lantern.scipy.stats import gamma as gamma
from lantern.scipy.stats import laplace as laplace
from lantern.scipy.stats import multivariate_normal as multivariate_normal
from lantern.scipy.stats import norm as norm
from lantern.scipy.stats import poisson as poisson
from lantern.scipy.stats import t as t
from lantern.scipy.stats import uniform as uniform

__getattr__ = Absent(__name__)
