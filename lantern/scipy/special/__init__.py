"""`lantern.scipy.special`: special functions under jax.scipy.special's names."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.scipy.special.bessels import i0 as i0
from lantern.scipy.special.bessels import i0e as i0e
from lantern.scipy.special.bessels import i1 as i1
from lantern.scipy.special.bessels import i1e as i1e
from lantern.scipy.special.entropies import entr as entr
from lantern.scipy.special.entropies import expit as expit
from lantern.scipy.special.entropies import kl_div as kl_div
from lantern.scipy.special.entropies import log_expit as log_expit
from lantern.scipy.special.entropies import log_softmax as log_softmax
from lantern.scipy.special.entropies import logit as logit
from lantern.scipy.special.entropies import logsumexp as logsumexp
from lantern.scipy.special.entropies import rel_entr as rel_entr
from lantern.scipy.special.entropies import softmax as softmax
from lantern.scipy.special.entropies import xlog1py as xlog1py
from lantern.scipy.special.entropies import xlogy as xlogy
from lantern.scipy.special.errors import erf as erf
from lantern.scipy.special.errors import erfc as erfc
from lantern.scipy.special.errors import erfcinv as erfcinv
from lantern.scipy.special.errors import erfcx as erfcx
from lantern.scipy.special.errors import erfinv as erfinv
from lantern.scipy.special.errors import log_ndtr as log_ndtr
from lantern.scipy.special.errors import ndtr as ndtr
from lantern.scipy.special.errors import ndtri as ndtri
from lantern.scipy.special.gammas import beta as beta
from lantern.scipy.special.gammas import betainc as betainc
from lantern.scipy.special.gammas import betaln as betaln
from lantern.scipy.special.gammas import digamma as digamma
from lantern.scipy.special.gammas import factorial as factorial
from lantern.scipy.special.gammas import gamma as gamma
from lantern.scipy.special.gammas import gammainc as gammainc
from lantern.scipy.special.gammas import gammaincc as gammaincc
from lantern.scipy.special.gammas import gammaln as gammaln
from lantern.scipy.special.gammas import gammasgn as gammasgn
from lantern.scipy.special.gammas import loggamma as loggamma
from lantern.scipy.special.gammas import multigammaln as multigammaln
from lantern.scipy.special.gammas import polygamma as polygamma
from lantern.scipy.special.gammas import zeta as zeta

__getattr__ = Absent(__name__)
