"""Functions in files: `export(jit(f))(*args)` traces, `save` and `load` carry the program to another process.

>>> import lantern, lantern.numpy as jnp
>>> double = export(lantern.jit(lambda x: x * 2.0))(jnp.ones(3))
>>> double.fun_name, [str(a) for a in double.in_avals], deserialize(double.serialize()).call(jnp.ones(3)).tolist()
('<lambda>', ['f32[3]'], [2.0, 2.0, 2.0])
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from lantern.absent import Absent
from lantern.errors import ExportError as ExportError
from lantern.export.exported import Exported as Exported
from lantern.export.exported import deserialize as deserialize
from lantern.export.exported import export as export
from lantern.export.exported import load as load
from lantern.export.exported import save as save
from lantern.export.trees import register_namedtuple_serialization as register_namedtuple_serialization
from lantern.export.trees import register_pytree_node_serialization as register_pytree_node_serialization

if not TYPE_CHECKING:       # a type checker sees a missing name as missing
    __getattr__ = Absent(__name__)
