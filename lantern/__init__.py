"""lantern: jit, grad and vmap over pure Python functions, on any GPU through WGSL and on the CPU, with typed shapes.

>>> import lantern, lantern.numpy as jnp
>>> slope = lantern.jit(lantern.grad(lambda x: jnp.sum(jnp.sin(x))))
>>> slope(jnp.zeros(2)).tolist()
[1.0, 1.0]
"""
from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lantern import checkpoint_policies as checkpoint_policies
from lantern import clash as _clash
from lantern import config as config
from lantern import custom_batching as custom_batching
from lantern import debug as debug
from lantern import dtypes as dtypes
from lantern import errors as errors
from lantern import lax as lax
from lantern import nn as nn
from lantern import numpy as numpy
from lantern import random as random
from lantern import tree as tree
from lantern import typing as typing
from lantern.absent import Absent as _Absent
from lantern.annotations import typed as typed
from lantern.api import grad as grad
from lantern.api import hessian as hessian
from lantern.api import jacfwd as jacfwd
from lantern.api import jacrev as jacrev
from lantern.api import jvp as jvp
from lantern.api import linearize as linearize
from lantern.api import make_jaxpr as make_jaxpr
from lantern.api import value_and_grad as value_and_grad
from lantern.api import vjp as vjp
from lantern.api import vmap as vmap
from lantern.backends.base import Device as Device
from lantern.caches import clear_caches as clear_caches
from lantern.callbacks import io_callback as io_callback
from lantern.callbacks import pure_callback as pure_callback
from lantern.closures import closure_convert as closure_convert
from lantern.closures import linear_transpose as linear_transpose
from lantern.config import enable_x64 as enable_x64
from lantern.config import numpy_dtype_promotion as numpy_dtype_promotion
from lantern.custom_rules import custom_jvp as custom_jvp
from lantern.custom_rules import custom_vjp as custom_vjp
from lantern.debug import check_tracer_leaks as check_tracer_leaks
from lantern.debug import debug_infs as debug_infs
from lantern.debug import debug_key_reuse as debug_key_reuse
from lantern.debug import debug_nans as debug_nans
from lantern.debug import disable_jit as disable_jit
from lantern.debug import named_scope as named_scope
from lantern.devices import default_backend as default_backend
from lantern.devices import default_device as default_device
from lantern.devices import device_count as device_count
from lantern.devices import devices as devices
from lantern.devices import local_devices as local_devices
from lantern.devices import process_count as process_count
from lantern.devices import process_index as process_index
from lantern.dtypes import install_conversion as _install_conversion
from lantern.jitted import jit as jit
from lantern.recompiles import explain_recompiles as explain_recompiles
from lantern.recompiles import no_compiles as no_compiles
from lantern.rematerialization import checkpoint as checkpoint
from lantern.rematerialization import checkpoint_name as checkpoint_name
from lantern.rematerialization import remat as remat
from lantern.stages import run_eager as _run_eager
from lantern.trace.array import Array as Array
from lantern.trace.array import install_operators as _install_operators
from lantern.trace.context import ensure_compile_time_eval as ensure_compile_time_eval
from lantern.trace.context import install_eager as _install_eager
from lantern.transfer import ShapeDtypeStruct as ShapeDtypeStruct
from lantern.transfer import block_until_ready as block_until_ready
from lantern.transfer import device_get as device_get
from lantern.transfer import device_put as device_put
from lantern.transfer import eval_shape as eval_shape

if _TYPE_CHECKING:
    from lantern import dlpack as dlpack
    from lantern import export as export
    from lantern import extend as extend
    from lantern import flatten_util as flatten_util
    from lantern import scipy as scipy
    from lantern import testing as testing
    from lantern import tree_util as tree_util

__version__ = "0.1.0"
jacobian = jacrev
__getattr__ = _Absent(__name__, ("dlpack", "export", "extend", "flatten_util", "scipy", "testing", "tree_util"))

_install_operators(numpy)
_install_conversion(numpy.asarray)
_install_eager(_run_eager)
_clash.warn_if_clashing()
