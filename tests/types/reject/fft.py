"""Each marked line is a mistake with a Fourier transform."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern.typing import Dim, Float


class Batch(Dim):
    """Signals."""


class Samples(Dim):
    """Of a signal."""


x, v = jnp.ones((Batch(3), Samples(5))), jnp.ones((Samples(5),))
z = jnp.fft.fft(x)
jnp.fft.fft(v, axis=1)                          # error: reportArgumentType
jnp.fft.rfft(z)                                 # error: reportArgumentType
jnp.fft.irfft(x)                                # error: reportArgumentType
jnp.fft.fft2(v)                                 # error: reportArgumentType
jnp.fft.fft(x, Batch(3)) + z                    # error: reportOperatorIssue
jnp.fft.fftfreq(Batch(3)) * v                   # error: reportOperatorIssue
jnp.fft.fftshift(z) + x                         # error: reportOperatorIssue
jnp.fft.fftfreq(5.0)                            # error: reportArgumentType
still_complex: Float[Batch, Samples] = jnp.fft.ifft(z)     # error: reportAssignmentType
z.T + z                                         # error: reportOperatorIssue
