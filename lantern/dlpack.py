"""JAX's `dlpack`: arrays of other libraries. `x.__dlpack__()` is the way out, which their `from_dlpack` takes."""
from __future__ import annotations

from lantern.numpy.interchange import from_dlpack as from_dlpack
