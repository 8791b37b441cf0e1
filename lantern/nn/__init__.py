"""`lantern.nn`: functions of neural networks, with jax.nn's names and arguments."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.nn import initializers as initializers
from lantern.nn.activations import celu as celu
from lantern.nn.activations import glu as glu
from lantern.nn.activations import hard_sigmoid as hard_sigmoid
from lantern.nn.activations import hard_silu as hard_silu
from lantern.nn.activations import hard_swish as hard_swish
from lantern.nn.activations import hard_tanh as hard_tanh
from lantern.nn.activations import identity as identity
from lantern.nn.activations import log1mexp as log1mexp
from lantern.nn.activations import logmeanexp as logmeanexp
from lantern.nn.activations import mish as mish
from lantern.nn.activations import soft_sign as soft_sign
from lantern.nn.activations import sparse_plus as sparse_plus
from lantern.nn.activations import sparse_sigmoid as sparse_sigmoid
from lantern.nn.activations import squareplus as squareplus
from lantern.nn.activations import standardize as standardize
from lantern.nn.attention import dot_product_attention as dot_product_attention
from lantern.nn.functions import elu as elu
from lantern.nn.functions import gelu as gelu
from lantern.nn.functions import leaky_relu as leaky_relu
from lantern.nn.functions import log_sigmoid as log_sigmoid
from lantern.nn.functions import log_softmax as log_softmax
from lantern.nn.functions import one_hot as one_hot
from lantern.nn.functions import relu as relu
from lantern.nn.functions import relu6 as relu6
from lantern.nn.functions import selu as selu
from lantern.nn.functions import sigmoid as sigmoid
from lantern.nn.functions import silu as silu
from lantern.nn.functions import softmax as softmax
from lantern.nn.functions import softplus as softplus
from lantern.nn.functions import swish as swish
from lantern.nn.pooling import avg_pool as avg_pool
from lantern.nn.pooling import max_pool as max_pool
from lantern.nn.pooling import min_pool as min_pool
from lantern.nn.pooling import pool as pool
from lantern.numpy.ufuncs import tanh as tanh
from lantern.scipy.special.entropies import logsumexp as logsumexp

__getattr__ = Absent(__name__)
