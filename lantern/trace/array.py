"""`Array`: what every array is, traced or on a device. Operators and methods mean the functions of `lantern.numpy`."""
from __future__ import annotations

import operator
from collections.abc import Iterator
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias

import numpy as np
from typing_extensions import TypeIs, TypeVar, TypeVarTuple, Unpack

from lantern.source import user_source
from lantern.trace.aval import ShapedArray

if TYPE_CHECKING:
    from lantern.numpy.at import At

D = TypeVar("D", default=Any)
S = TypeVarTuple("S", default=Unpack[tuple[Any, ...]])

_numpy: Any = None
_NO_ARRAYS = (str, bytes, type, np.dtype, NoneType)     # an array is never equal to these, and asking is no mistake


def install_operators(module: ModuleType) -> None:
    """Give operators and methods their meaning: the functions of this module. Called once, at import."""
    global _numpy
    _numpy = module


class Array(Generic[D, *S]):
    """An immutable array of static shape. `isinstance(x, Array)` holds for traced values as well.

    In annotations: `Array[f32, Batch, Literal[3]]`, or shorter `Float[Batch, Literal[3]]`.
    """

    __slots__ = ()
    __array_priority__ = 100.0  # numpy_array + x comes here; numpy.sin(x) asks `__array__`, which a tracer refuses
    __hash__ = None             # pyright: ignore[reportAssignmentType]    # == is elementwise

    @property
    def aval(self) -> ShapedArray:
        """Shape, dtype and weakness."""
        raise NotImplementedError("internal: a kind of Array without an aval")

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.aval.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.aval.size

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return self.aval.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.aval.dtype.itemsize

    @property
    def weak_type(self) -> bool:
        """Whether the value came from Python scalars and adopts the dtype it meets."""
        return self.aval.weak

    @property
    def device(self) -> Any:
        """Where it lies; None for a traced value, whose device is chosen when its program runs."""
        raise NotImplementedError("internal: a kind of Array without a device")

    def block_until_ready(self) -> Self:
        """The array itself, when its value has been computed; of a traced value, at once."""
        return self

    @property
    def at(self) -> At[Self]:
        """Indexed updates, which give new arrays: `x.at[i].set(v)`, `x.at[1:, mask].add(v)` and others."""
        return _numpy.at.At(self)

    @property
    def T(self) -> Any:
        """All axes reversed."""
        return _numpy.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return _numpy.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """As `lantern.numpy.real`: the array itself, if it is not complex."""
        return _numpy.real(self)

    @property
    def imag(self) -> Any:
        """As `lantern.numpy.imag`."""
        return _numpy.imag(self)

    def conj(self) -> Any:
        """As `lantern.numpy.conj`."""
        return _numpy.conj(self)

    def conjugate(self) -> Any:
        """As `lantern.numpy.conj`."""
        return _numpy.conj(self)

    def host_value(self, what: str) -> np.ndarray[Any, Any]:
        """The values on the host, if they are known; `what` names the wish, such as `float(x)`, in errors."""
        raise NotImplementedError("internal: a kind of Array without a value")

    def _number(self, what: str) -> Any:
        if self.size != 1:
            cure = ". Use any() or all()" if what == "bool(x)" else ""
            raise TypeError(f"{what}: wanted an array of one element, got {self.aval}, at {user_source()}{cure}")
        return self.host_value(what).reshape(())[()]

    def __bool__(self) -> bool:
        return bool(self._number("bool(x)"))

    def __float__(self) -> float:
        return float(self._number("float(x)"))

    def __int__(self) -> int:
        return int(self._number("int(x)"))

    def __complex__(self) -> complex:
        return complex(self._number("complex(x)"))

    def __index__(self) -> int:
        return operator.index(self._number("index(x)"))

    def item(self) -> Any:
        """The one element as a Python scalar."""
        return self._number("x.item()").item()

    def tolist(self) -> Any:
        """Nested lists of Python scalars."""
        return self.host_value("x.tolist()").tolist()

    def __len__(self) -> int:
        if not self.aval.shape:
            raise TypeError("len() of an array of rank 0")
        return self.aval.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.aval.shape:
            raise TypeError(f"cannot iterate over {self.aval}, which has rank 0")
        return iter(_numpy.unstack(self))

    def __getitem__(self, index: Any) -> Any:
        return _numpy.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(f"{self.aval} is immutable: x[i] = v does not work, at {user_source()}. "
                        "Write y = x.at[i].set(v), or x.at[i].add(v) for x[i] += v.")

    def __add__(self, other: Any) -> Any:
        return _numpy.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _numpy.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _numpy.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _numpy.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _numpy.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _numpy.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return _numpy.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _numpy.divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _numpy.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _numpy.floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return _numpy.remainder(self, other)

    def __rmod__(self, other: Any) -> Any:
        return _numpy.remainder(other, self)

    def __pow__(self, other: Any) -> Any:
        return _numpy.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return _numpy.power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return _numpy.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _numpy.matmul(other, self)

    def __and__(self, other: Any) -> Any:
        return _numpy.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return _numpy.bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return _numpy.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return _numpy.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return _numpy.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return _numpy.bitwise_xor(other, self)

    def __lshift__(self, other: Any) -> Any:
        return _numpy.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Any:
        return _numpy.left_shift(other, self)

    def __rshift__(self, other: Any) -> Any:
        return _numpy.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Any:
        return _numpy.right_shift(other, self)

    def __divmod__(self, other: Any) -> Any:
        return _numpy.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return _numpy.divmod(other, self)

    def __eq__(self, other: object) -> Any:    # pyright: ignore[reportIncompatibleMethodOverride]
        return NotImplemented if isinstance(other, _NO_ARRAYS) else _numpy.equal(self, other)

    def __ne__(self, other: object) -> Any:    # pyright: ignore[reportIncompatibleMethodOverride]
        return NotImplemented if isinstance(other, _NO_ARRAYS) else _numpy.not_equal(self, other)

    def __lt__(self, other: Any) -> Any:
        return _numpy.less(self, other)

    def __le__(self, other: Any) -> Any:
        return _numpy.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return _numpy.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return _numpy.greater_equal(self, other)

    def __neg__(self) -> Any:
        return _numpy.negative(self)

    def __pos__(self) -> Any:
        return _numpy.positive(self)

    def __abs__(self) -> Any:
        return _numpy.abs(self)

    def __invert__(self) -> Any:
        return _numpy.invert(self)

    def __round__(self, ndigits: int = 0) -> Any:
        return _numpy.round(self, ndigits)

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """`lantern.numpy`, for code that is written for the array API standard."""
        _numpy.namespace.check_api_version(api_version)
        return _numpy

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """A copy on another device; a traced value stays where its trace is."""
        return _numpy.namespace.to_device(self, device, stream)

    def sum(self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.sum`."""
        return _numpy.sum(self, axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.prod`."""
        return _numpy.prod(self, axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.mean`."""
        return _numpy.mean(self, axis, dtype=dtype, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.max`."""
        return _numpy.max(self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.min`."""
        return _numpy.min(self, axis, keepdims=keepdims)

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.all`."""
        return _numpy.all(self, axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.any`."""
        return _numpy.any(self, axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
        """As `lantern.numpy.var`."""
        return _numpy.var(self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
        """As `lantern.numpy.std`."""
        return _numpy.std(self, axis, ddof=ddof, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.argmax`."""
        return _numpy.argmax(self, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.argmin`."""
        return _numpy.argmin(self, axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None, dtype: Any = None) -> Any:
        """As `lantern.numpy.cumsum`."""
        return _numpy.cumsum(self, axis, dtype)

    def cumprod(self, axis: int | None = None, dtype: Any = None) -> Any:
        """As `lantern.numpy.cumprod`."""
        return _numpy.cumprod(self, axis, dtype)

    def ptp(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """As `lantern.numpy.ptp`."""
        return _numpy.ptp(self, axis, keepdims=keepdims)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """As `lantern.numpy.diagonal`."""
        return _numpy.diagonal(self, offset, axis1, axis2)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """As `lantern.numpy.searchsorted`, in this sorted vector."""
        return _numpy.searchsorted(self, v, side, sorter)

    def compress(self, condition: Any, axis: int | None = None, *, size: int | None = None, fill_value: Any = 0) -> Any:
        """As `lantern.numpy.compress`."""
        return _numpy.compress(condition, self, axis, size=size, fill_value=fill_value)

    def sort(self, axis: int | None = -1, *, descending: bool = False) -> Any:
        """As `lantern.numpy.sort`: a new array."""
        return _numpy.sort(self, axis, descending=descending)

    def argsort(self, axis: int | None = -1, *, descending: bool = False) -> Any:
        """As `lantern.numpy.argsort`."""
        return _numpy.argsort(self, axis, descending=descending)

    def nonzero(self, *, size: int | None = None, fill_value: Any = None) -> Any:
        """As `lantern.numpy.nonzero`."""
        return _numpy.nonzero(self, size=size, fill_value=fill_value)

    def astype(self, dtype: Any) -> Any:
        """The values converted to `dtype`."""
        return _numpy.astype(self, dtype)

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape; one size may be -1."""
        return _numpy.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Axes permuted; none given: reversed."""
        return _numpy.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def ravel(self) -> Any:
        """All elements along one axis."""
        return _numpy.ravel(self)

    def flatten(self) -> Any:
        """All elements along one axis."""
        return _numpy.ravel(self)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size one."""
        return _numpy.squeeze(self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return _numpy.swapaxes(self, axis1, axis2)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Values limited to [min, max]."""
        return _numpy.clip(self, min, max)

    def dot(self, other: Any) -> Any:
        """As `lantern.numpy.dot`."""
        return _numpy.dot(self, other)

    def take(self, indices: Any, axis: int | None = None) -> Any:
        """As `lantern.numpy.take`."""
        return _numpy.take(self, indices, axis)

    def repeat(self, repeats: int, axis: int | None = None) -> Any:
        """As `lantern.numpy.repeat`."""
        return _numpy.repeat(self, repeats, axis)

    def round(self, decimals: int = 0) -> Any:
        """Rounded half to even."""
        return _numpy.round(self, decimals)

    def copy(self) -> Any:
        """The array itself: arrays are immutable."""
        return self


AnyArray: TypeAlias = Array[Any, *tuple[Any, ...]]
HostArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def is_array(x: object) -> TypeIs[AnyArray]:
    """Whether x is an Array, traced or not. (`isinstance` alone leaves the type checker with unknown parameters.)"""
    return isinstance(x, Array)


def is_host_array(x: object) -> TypeIs[HostArray]:
    """Whether x is a NumPy array or NumPy scalar."""
    return isinstance(x, (np.ndarray, np.generic))
