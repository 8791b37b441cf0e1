"""`abstract` rules say what `impl` rules give."""
from __future__ import annotations

import numpy as np

from lantern.trace.aval import shaped
from lantern.trace.check import check_jaxpr
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import registry
from lantern.trace.staging import trace
from lantern.transforms.jit import run_impl
from tests.ops.laws import bind_arrays, every_case, is_array
from tests.optable.table import Case, Row


@every_case()
def test_abstract_equals_the_aval_of_the_result(row: Row, case: Case) -> None:
    f, arrays = bind_arrays(row, case, case.draw(), is_array)
    for weak in (False, True):
        traced = trace(lambda *xs: [f(*xs)], [shaped(x.shape, x.dtype, weak) for x in arrays], title="the law")
        seen = any(e.primitive is registry()[row.name] for e in traced.jaxpr.eqns)
        assert seen or row.reference_only or row.never_seen
        check_jaxpr(traced.jaxpr)
        captured = [x.value if isinstance(x, Literal) else np.asarray(x) for x in traced.captured]
        with np.errstate(all="ignore"):
            outs = run_impl(traced.jaxpr, [*captured, *arrays])
        for x, aval in zip(outs, traced.jaxpr.out_avals, strict=True):
            assert isinstance(x, np.ndarray), type(x)
            assert (x.shape, x.dtype) == (aval.shape, aval.dtype)
