"""Operations of your own: a primitive with all of its rules, or a GPU kernel with its NumPy reference.

    primitive, elementwise, linear     an operation from plain functions: shapes, values, derivatives, transposition
    wgsl_kernel, check_kernel          an operation whose GPU text you write in WGSL; and what checks it everywhere
    Primitive, bind, typeof, ...       what lantern's own operations are made of, for rules in full
"""
from __future__ import annotations

from lantern.extend.check import Checked as Checked
from lantern.extend.check import check_kernel as check_kernel
from lantern.extend.operation import Operation as Operation
from lantern.extend.operation import elementwise as elementwise
from lantern.extend.operation import linear as linear
from lantern.extend.operation import primitive as primitive
from lantern.extend.wgsl import wgsl_kernel as wgsl_kernel
from lantern.trace.aval import ShapedArray as ShapedArray
from lantern.trace.context import bind as bind
from lantern.trace.context import bind1 as bind1
from lantern.trace.context import typeof as typeof
from lantern.trace.jaxpr import Literal as Literal
from lantern.trace.jaxpr import literal as literal
from lantern.trace.primitive import Axis as Axis
from lantern.trace.primitive import Inline as Inline
from lantern.trace.primitive import Linear as Linear
from lantern.trace.primitive import Primitive as Primitive
from lantern.trace.primitive import Rewritten as Rewritten
from lantern.trace.primitive import Value as Value
from lantern.trace.primitive import Zero as Zero
