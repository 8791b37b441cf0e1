"""`lantern.nn`: functions of neural networks, with jax.nn's names and arguments."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.nn.functions import elu as elu
from lantern.nn.functions import gelu as gelu
from lantern.nn.functions import leaky_relu as leaky_relu
from lantern.nn.functions import log_sigmoid as log_sigmoid
from lantern.nn.functions import log_softmax as log_softmax
from lantern.nn.functions import logsumexp as logsumexp
from lantern.nn.functions import one_hot as one_hot
from lantern.nn.functions import relu as relu
from lantern.nn.functions import relu6 as relu6
from lantern.nn.functions import selu as selu
from lantern.nn.functions import sigmoid as sigmoid
from lantern.nn.functions import silu as silu
from lantern.nn.functions import softmax as softmax
from lantern.nn.functions import softplus as softplus
from lantern.nn.functions import swish as swish
from lantern.numpy.ufuncs import tanh as tanh

__getattr__ = Absent(__name__)
