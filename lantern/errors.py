"""Every public error. Each says what happened, where, and the cure.

Messages name, in this order: the operation; what was wanted; the shapes and dtypes received; the user's line; a cure.
A message that starts with `internal:` is a fault of lantern itself.
"""
from __future__ import annotations


class LanternError(Exception):
    """The base of lantern's own errors."""


class ShapeError(LanternError, TypeError):
    """Shapes (or dtypes) do not agree.

    >>> import lantern.numpy as jnp
    >>> jnp.zeros((2, 3)) @ jnp.zeros((4, 5))
    Traceback (most recent call last):
    lantern.errors.ShapeError: matmul: contracted sizes must agree, ...
    """


class PromotionError(LanternError, TypeError):
    """Operands of different dtypes met in strict mode (`lantern.numpy_dtype_promotion("strict")`). Convert one of them
    with astype."""


class UnknownValueError(LanternError, TypeError):
    """A Python decision (`if`, `float`, `range(n)`) needs a value that this trace cannot know.

    >>> import lantern
    >>> lantern.jit(lambda x: x if x > 0 else -x)(1.0)
    Traceback (most recent call last):
    lantern.errors.UnknownValueError: bool(x) needs the value of bool[], ...

    The cures: `lantern.numpy.where`, `lax.cond`, `lax.scan` or `lax.while_loop`, or `jit(..., static_argnames=...)`, or
    differentiating outside `jit`.
    """


class EscapedTracerError(LanternError, RuntimeError):
    """A tracer was used where its trace is not active: after its end, or in another thread.

    Return the value (`has_aux=True`), or store `float(x)` instead of `x`.
    """


class NotDifferentiableError(LanternError, TypeError):
    """A derivative was asked for that does not exist; the message says what to use instead."""


class TracerConversionError(LanternError, TypeError):
    """A tracer was handed to NumPy, which would cut the gradient in silence. Use the function of the same name in
    `lantern.numpy`, or `lantern.device_get(x)` to take the value as a constant."""


class ArgumentError(LanternError, ValueError):
    """An argument of a transform is wrong: axes that do not fit, a tree of another structure, a static argument that
    cannot be hashed."""


class AxisError(ArgumentError, IndexError):
    """An array has no such axis. As NumPy's AxisError, it is a ValueError and an IndexError."""


class DeviceError(LanternError, RuntimeError):
    """A device is missing, two devices meet in one operation, or a device cannot hold or compute what is asked."""


class KernelError(LanternError, ValueError):
    """A kernel that a user wrote is wrong: its WGSL does not compile, or it does not compute what its NumPy reference
    does. The message names the line of the user's text."""


class CallbackError(LanternError, ValueError):
    """A function called from a compiled program gave something else than was promised for it.

    >>> import numpy, lantern
    >>> lantern.pure_callback(numpy.cumsum, lantern.ShapeDtypeStruct((2,), "float32"), numpy.ones(3))
    Traceback (most recent call last):
    lantern.errors.CallbackError: callback cumsum: wanted f32[2], got f32[3], at ...
    """


class NonFiniteError(LanternError, FloatingPointError):
    """`debug_nans` or `debug_infs` is on and an operation made a NaN (or infinity) of operands without one.

    >>> import lantern, lantern.numpy as jnp
    >>> with lantern.debug_nans():
    ...     jnp.log(jnp.array(-1.0))
    Traceback (most recent call last):
    lantern.errors.NonFiniteError: log made a NaN: f32*[] = log f32*[], log(-1.0) = nan, at ...
    """


class KeyReuseError(LanternError, RuntimeError):
    """`debug_key_reuse` is on and a random key was used twice, so that two draws are not independent.

    >>> import lantern
    >>> key = lantern.random.key(0)
    >>> with lantern.debug.key_reuse():
    ...     lantern.random.normal(key) + lantern.random.uniform(key)
    Traceback (most recent call last):
    lantern.errors.KeyReuseError: uniform: a key that normal at ... has used is used again, at ...
    """


class RecompileError(LanternError, RuntimeError):
    """A call would compile more than `jit(max_compiles=n)` or `no_compiles()` allows; the message has the difference.

    >>> import numpy, lantern
    >>> double = lantern.jit(lambda x: x * 2, max_compiles=1)
    >>> _ = double(numpy.ones(2))
    >>> double(numpy.ones(3))
    Traceback (most recent call last):
    lantern.errors.RecompileError: jit(<lambda>): max_compiles=1 and this call needs another program: argument ...
    """


class DonatedArrayError(LanternError, RuntimeError):
    """An array was used after it had been donated to a compiled call."""


class InternalError(LanternError, AssertionError):
    """A checker found a fault of lantern itself. Please report it."""


class ExportError(LanternError, ValueError):
    """A function cannot be written to a file, or a file cannot be read: the message names the equation and the line, or
    the part of the file that is wrong.

    >>> from lantern import export
    >>> export.deserialize(b"nothing of the kind")
    Traceback (most recent call last):
    lantern.errors.ExportError: export.deserialize: this is no exported function: ...
    """


class MissingExtraError(LanternError, ImportError):
    """An optional package is not installed; the message has the pip line that installs it."""


class CustomRuleError(LanternError, TypeError):
    """A rule of a custom function is missing, or gave what does not fit: the message names the function, the rule, the
    argument or output, what was wanted and what came."""


class TransferWarning(UserWarning):
    """An operation has no GPU kernel, and its arrays are copied to the CPU and back. Said once in a process.

    Compute on the CPU device, or `warnings.filterwarnings("ignore", category=lantern.errors.TransferWarning)`.
    """
