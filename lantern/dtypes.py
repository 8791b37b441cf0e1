"""Element types: static markers (`f32`, ...), defaults and the promotion lattice."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast

import ml_dtypes
import numpy as np

from lantern import config
from lantern.errors import PromotionError
from lantern.source import Source, user_source

NumpyDType: TypeAlias = "np.dtype[Any]"


_convert: Callable[[Any, Any], Any] | None = None


def install_conversion(convert: Callable[[Any, Any], Any]) -> None:
    """What calling a marker means: a function of a value and a dtype. Called once, at import."""
    global _convert
    _convert = convert


class DType:
    """The base of the static markers: classes that stand in annotations and wherever a dtype is asked for. Called, they
    make an array of this dtype, as `lantern.numpy.asarray(x, dtype)` does.

    >>> import lantern.numpy as jnp
    >>> np.dtype(f32), jnp.int8(3).dtype
    (dtype('float32'), dtype('int8'))
    """

    dtype: ClassVar[np.dtype[Any]]

    def __new__(cls, x: Any = 0) -> Any:
        """x as an array of this dtype."""
        assert _convert is not None, "internal: install_conversion was not called"
        return _convert(x, cls)


class Floating(DType):
    """The base of the floating point markers: what static rules such as `Int / Int -> Float` speak of."""


class Complex(DType):
    """The base of the complex markers."""


class Integer(DType):
    """The base of the signed and unsigned integer markers."""


class bool_(DType):
    """True or False, one byte."""

    dtype = np.dtype(np.bool_)


class i8(Integer):
    """8-bit signed integer."""

    dtype = np.dtype(np.int8)


class i16(Integer):
    """16-bit signed integer."""

    dtype = np.dtype(np.int16)


class i32(Integer):
    """32-bit signed integer: what a Python int becomes."""

    dtype = np.dtype(np.int32)


class i64(Integer):
    """64-bit signed integer: on the CPU only."""

    dtype = np.dtype(np.int64)


class u8(Integer):
    """8-bit unsigned integer."""

    dtype = np.dtype(np.uint8)


class u16(Integer):
    """16-bit unsigned integer."""

    dtype = np.dtype(np.uint16)


class u32(Integer):
    """32-bit unsigned integer."""

    dtype = np.dtype(np.uint32)


class u64(Integer):
    """64-bit unsigned integer: on the CPU only."""

    dtype = np.dtype(np.uint64)


class f16(Floating):
    """IEEE half precision."""

    dtype = np.dtype(np.float16)


class bf16(Floating):
    """bfloat16: the range of f32 with 8 bits of precision."""

    dtype = np.dtype(ml_dtypes.bfloat16)


class f32(Floating):
    """IEEE single precision: what a Python float becomes."""

    dtype = np.dtype(np.float32)


class f64(Floating):
    """IEEE double precision: on the CPU only."""

    dtype = np.dtype(np.float64)


class c64(Complex):
    """Complex numbers of two single precision floats: what a Python complex becomes."""

    dtype = np.dtype(np.complex64)


class c128(Complex):
    """Complex numbers of two double precision floats: on the CPU only."""

    dtype = np.dtype(np.complex128)


@dataclass(frozen=True, slots=True)
class KeyDType:
    """The dtype of random keys. It is none of NumPy's, on purpose: no function of NumPy's takes it for numbers.

    In memory a key is two u32 along a last axis, which only `lantern.transforms.physical` knows.
    """

    name: str = "key<fry>"
    kind: str = "k"
    itemsize: int = 8

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return "KEY"        # the one there is, also after a copy or in another process


# Avals hold a NumPy dtype or this; what they ask of it (kind, itemsize, equality, hash) it answers.
KEY: NumpyDType = cast("np.dtype[Any]", KeyDType())


class prng_key(DType):
    """Random keys. `issubdtype(x.dtype, lantern.dtypes.prng_key)` asks whether an array holds them."""

    dtype = KEY


MARKERS: tuple[type[DType], ...] = (bool_, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128)
BOOL, I32, I64, U8, U32 = bool_.dtype, i32.dtype, i64.dtype, u8.dtype, u32.dtype
F16, BF16, F32, F64 = f16.dtype, bf16.dtype, f32.dtype, f64.dtype
C64, C128 = c64.dtype, c128.dtype

SHORT_NAMES: dict[NumpyDType, str] = {m.dtype: m.__name__.rstrip("_") for m in MARKERS}
_BY_NAME = {"bfloat16": BF16}       # NumPy knows this one only by its type
_BITS64 = {np.dtype(np.float64): F32, np.dtype(np.int64): I32, np.dtype(np.uint64): U32, C128: C64}
_PYTHON = {bool: BOOL, int: I64, float: F64, complex: C128}


def short_name(dtype: NumpyDType) -> str:
    """The name in printed programs.

    >>> short_name(np.dtype("float32"))
    'f32'
    """
    return SHORT_NAMES.get(dtype) or str(dtype)


def canonical(dtype: Any) -> NumpyDType:
    """The dtype that an explicit request names: a marker, a NumPy dtype or scalar type, a string, or one of Python's
    bool, int, float and complex, which mean the default width.

    Raises TypeError for a dtype that lantern does not have, and for what is no dtype.

    >>> canonical(float), canonical("int8")
    (dtype('float32'), dtype('int8'))
    """
    if dtype is int or dtype is float or dtype is complex:      # a NumPy dtype equals them
        return default(_PYTHON[dtype])
    if isinstance(dtype, str) and dtype in _BY_NAME:
        return _BY_NAME[dtype]
    if getattr(dtype, "dtype", dtype) is KEY:
        raise no_numbers("", f"a dtype of numbers was wanted, got {KEY}", "Keys are made by lantern.random.key(seed)")
    try:
        found = np.dtype(dtype)     # it looks for an attribute `dtype`, which our markers have
    except TypeError:
        raise unknown_dtype(f"{dtype!r} is no dtype") from None
    if found not in SHORT_NAMES:
        raise unknown_dtype(f"dtype {found} is not supported")
    return found


def element_type(dtype: Any) -> NumpyDType:
    """As `canonical`, of random keys, too: where a dtype is spoken of and no numbers are made.

    >>> element_type(prng_key), element_type("int8")
    (key<fry>, dtype('int8'))
    """
    found = getattr(dtype, "dtype", dtype)
    return KEY if found is KEY else canonical(dtype)


def unknown_dtype(what: str) -> TypeError:
    """The error for a dtype that lantern lacks, with the user's line and those that there are."""
    source = user_source()
    line = f", at {source}" if source is not None else ""
    return TypeError(f"{what}{line}; lantern has {', '.join([str(d) for d in SHORT_NAMES])}")


def no_numbers(function: str, what: str, cure: str = "", source: Source | None = None) -> TypeError:
    """The error for random keys where numbers are wanted, with the user's line."""
    source = source or user_source()
    line = f", at {source}" if source is not None else ""
    cure = cure or ("Draw with lantern.random.bits(key), or look at the words of a key with "
                    "lantern.random.key_data(key)")
    return TypeError(f"{function}{': ' if function else ''}{what}: random keys are no numbers{line}. {cure}")


def default(dtype: NumpyDType) -> NumpyDType:
    """What values of `dtype` become when nobody asked for a width: 64 bits become 32 unless x64 mode is on.

    >>> default(np.dtype("float64"))
    dtype('float32')
    """
    return dtype if config.flags.enable_x64 else _BITS64.get(dtype, dtype)


def canonicalize_dtype(dtype: Any) -> NumpyDType:
    """The dtype that values of `dtype` take when nobody asked for a width: JAX's name.

    >>> canonicalize_dtype("int64")
    dtype('int32')
    """
    return default(canonical(dtype))


def python_dtype(kind: type) -> NumpyDType:
    """The dtype of a Python bool, int, float or complex."""
    return default(_PYTHON[kind])


def is_float(dtype: NumpyDType) -> bool:
    """Floating point, bfloat16 included."""
    return dtype.kind == "f" or dtype == BF16


def is_complex(dtype: NumpyDType) -> bool:
    """Complex numbers."""
    return dtype.kind == "c"


def is_inexact(dtype: NumpyDType) -> bool:
    """Floating point or complex: what has derivatives."""
    return dtype.kind in "fc" or dtype == BF16


def real_dtype(dtype: NumpyDType) -> NumpyDType:
    """The dtype of the parts of complex numbers; any other dtype itself.

    >>> real_dtype(C64), real_dtype(BF16)
    (dtype('float32'), dtype(bfloat16))
    """
    return {C64: F32, C128: F64}.get(dtype, dtype)


def complex_dtype(dtype: NumpyDType) -> NumpyDType:
    """The complex dtype that holds floats of `dtype`.

    >>> complex_dtype(F32), complex_dtype(F64)
    (dtype('complex64'), dtype('complex128'))
    """
    return C128 if dtype in (F64, C128) else C64


def is_integer(dtype: NumpyDType) -> bool:
    """Signed or unsigned integers; bool is neither."""
    return dtype.kind in "iu"


# The lattice of JAX's type promotion (docs.jax.dev, "Type promotion semantics"): each node's direct successors.
# `i*`, `f*` and `c*` stand for weak Python numbers.
_SUCCESSORS: dict[Any, tuple[Any, ...]] = {
    BOOL: ("i*",), "i*": (u8.dtype, i8.dtype), u8.dtype: (i16.dtype, u16.dtype), i8.dtype: (i16.dtype,),
    u16.dtype: (I32, U32), i16.dtype: (I32,), U32: (I64, u64.dtype), I32: (I64,), I64: ("f*",), u64.dtype: ("f*",),
    "f*": (F16, BF16, "c*"), F16: (F32,), BF16: (F32,), F32: (F64, C64), F64: (C128,), "c*": (C64,), C64: (C128,),
    C128: (),
}


@functools.cache
def _above(node: Any) -> frozenset[Any]:
    return frozenset({node}).union(*[_above(s) for s in _SUCCESSORS[node]])


@functools.lru_cache(maxsize=4096)
def _join(nodes: tuple[Any, ...]) -> Any:
    common = _above(nodes[0]).intersection(*[_above(n) for n in nodes[1:]])
    return next(n for n in common if common <= _above(n))


def promote(kinds: Sequence[tuple[NumpyDType, bool]]) -> tuple[NumpyDType, bool]:
    """The common dtype of (dtype, weak) pairs, and whether it is still weak.

    A 64-bit type appears only where an operand has it or x64 mode is on.

    >>> promote([(F16, False), (F32, True)])
    (dtype('float16'), False)
    >>> promote([(I32, False), (U32, False)])
    (dtype('int32'), False)
    >>> promote([(I32, False), (F32, True)])
    (dtype('float32'), True)
    """
    first = kinds[0]
    if all(k == first for k in kinds):
        return first
    if config.strict_promotion() and (clash := strict_clash(kinds)) is not None:
        names = [f"{short_name(d)}{'*' if weak else ''}" for d, weak in [kinds[k] for k in clash]]
        raise strict_error("", names)
    if any([d is KEY for d, _ in kinds]):
        if all([d is KEY for d, _ in kinds]):
            return KEY, False
        raise no_numbers("", f"{' and '.join([short_name(d) for d, _ in kinds])} have no common dtype")
    nodes = [_node(d, w) for d, w in kinds]
    joined = _join(tuple(sorted(set(nodes), key=str)))
    if joined == "i*":
        return python_dtype(int), True
    if joined == "f*":
        return python_dtype(float), True    # integers and a Python float: still adopts the float it meets, as in JAX
    if joined == "c*":
        return python_dtype(complex), True
    if joined not in nodes and joined in _BITS64 and not any(d in _BITS64 for d, w in kinds if not w):
        joined = default(joined)
    return joined, False


_CATEGORIES = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}     # V: bfloat16


def strict_clash(kinds: Sequence[tuple[NumpyDType, bool]]) -> tuple[int, int] | None:
    """The positions of two operands that may not meet in strict mode: arrays of different dtypes, or a Python number
    that the other's dtype cannot hold.

    >>> strict_clash([(F32, False), (I32, True), (F16, False)]), strict_clash([(F32, False), (I32, True)])
    ((0, 2), None)
    """
    strong = next((k for k, (_, weak) in enumerate(kinds) if not weak), None)
    if strong is None:
        return None
    dtype = kinds[strong][0]
    for k, (other, weak) in enumerate(kinds):
        if other != dtype and (not weak or _CATEGORIES[other.kind] > _CATEGORIES[dtype.kind] or dtype == BOOL):
            return (strong, k) if strong < k else (k, strong)
    return None


def strict_error(function: str, names: Sequence[str]) -> PromotionError:
    """The error for two operands, as they print, that may not meet in strict mode."""
    source = user_source()
    line = f", at {source}" if source is not None else ""
    return PromotionError(f"{function}{': ' if function else ''}strict promotion: {' and '.join(names)} have different "
                          f"dtypes{line}. Convert one of them with astype, or allow promotion with "
                          'lantern.numpy_dtype_promotion("standard")')


def _node(dtype: NumpyDType, weak: bool) -> Any:
    if not weak or dtype == BOOL:
        return dtype
    return "f*" if is_float(dtype) else "c*" if is_complex(dtype) else "i*"
