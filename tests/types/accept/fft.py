"""Fourier transforms: every shape is asserted."""
from __future__ import annotations

from typing import Any, assert_type

import lantern.numpy as jnp
from lantern.typing import Array, Dim, Float, c64


class Batch(Dim):
    """Signals."""

    size = 3


class Rows(Dim):
    """Samples of a signal."""

    size = 5


class Depth(Dim):
    """As many as are asked for."""

    size = 7


x, v = jnp.ones((Batch(), Rows())), jnp.ones((Rows(),))
z = jnp.fft.fft(x)
assert_type(z, Array[c64, Batch, Rows])
assert_type(jnp.fft.ifft(z), Array[c64, Batch, Rows])
assert_type(jnp.fft.fft(x, axis=0), Array[c64, Batch, Rows])
assert_type(jnp.fft.fft(x, 8), Array[c64, Batch, Any])
assert_type(jnp.fft.fft(x, Depth(), 0), Array[c64, Depth, Rows])
assert_type(jnp.fft.rfft(x), Array[c64, Batch, Any])
assert_type(jnp.fft.rfft(x, n=8, axis=0), Array[c64, Any, Rows])
assert_type(jnp.fft.irfft(z), Float[Batch, Any])
assert_type(jnp.fft.irfft(z, Depth()), Float[Batch, Depth])
assert_type(jnp.fft.hfft(z, Depth()), Float[Batch, Depth])
assert_type(jnp.fft.ihfft(x), Array[c64, Batch, Any])
assert_type(jnp.fft.fft2(x), Array[c64, Batch, Rows])
assert_type(jnp.fft.ifft2(z), Array[c64, Batch, Rows])
assert_type(jnp.fft.fftn(x), Array[c64, Batch, Rows])
assert_type(jnp.fft.fftn(x, (4, 4)), Array[c64, Any, Any])
assert_type(jnp.fft.rfft2(x), Array[c64, Batch, Any])
assert_type(jnp.fft.rfftn(x), Array[c64, Batch, Any])
assert_type(jnp.fft.irfft2(z), Float[Batch, Any])
assert_type(jnp.fft.irfftn(z, s=(4, 4)), Float[Any, Any])
assert_type(jnp.fft.fftshift(z, axes=-1), Array[c64, Batch, Rows])
assert_type(jnp.fft.ifftshift(x), Float[Batch, Rows])
assert_type(jnp.fft.fftfreq(Rows()), Float[Rows])
assert_type(jnp.fft.fftfreq(8, 0.1), Float[Any])
assert_type(jnp.fft.rfftfreq(8), Float[Any])
assert_type(jnp.abs(z), Float[Batch, Rows])
assert_type(jnp.real(z), Float[Batch, Rows])
assert_type(jnp.angle(z), Float[Batch, Rows])
assert_type(jnp.exp(z), Array[c64, Batch, Rows])
assert_type(z * 2.0, Array[c64, Batch, Rows])
assert_type(jnp.mean(z, 0), Array[c64, Rows])
assert_type(jnp.sum(z), Array[c64, *tuple[()]])
assert_type(z + z, Array[c64, Batch, Rows])
assert_type(jnp.fft.irfft(jnp.fft.rfft(v), Rows()) - v, Float[Rows])
