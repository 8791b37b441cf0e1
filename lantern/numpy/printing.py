"""How arrays print, and arrays in files. lantern prints as NumPy does, and NumPy's options are its options."""
from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import IO, Any, TypeAlias

import ml_dtypes
import numpy as np

from lantern.lax.operands import ArrayLike, array
from lantern.numpy.creation import asarray
from lantern.trace.array import HostArray

File: TypeAlias = "str | os.PathLike[str] | IO[bytes]"


def set_printoptions(*args: Any, **kwargs: Any) -> None:
    """As `numpy.set_printoptions`: it holds for the arrays of both.

    >>> set_printoptions(precision=8)
    """
    np.set_printoptions(*args, **kwargs)


def get_printoptions() -> dict[str, Any]:
    """As `numpy.get_printoptions`.

    >>> get_printoptions()["precision"]
    8
    """
    return dict(np.get_printoptions())


def printoptions(*args: Any, **kwargs: Any) -> AbstractContextManager[Any]:
    """As `numpy.printoptions`: options inside a `with` block.

    >>> with printoptions(precision=2):
    ...     print(asarray([1 / 3]))
    [0.33]
    """
    return np.printoptions(*args, **kwargs)


def array2string(a: ArrayLike, *args: Any, **kwargs: Any) -> str:
    """As `numpy.array2string`. The value must be known.

    >>> array2string(np.arange(3), separator=",")
    '[0,1,2]'
    """
    return np.array2string(_values("array2string", a), *args, **kwargs)


def array_repr(arr: ArrayLike, max_line_width: int | None = None, precision: int | None = None,
               suppress_small: bool | None = None) -> str:
    """As `numpy.array_repr`. The value must be known.

    >>> array_repr(np.arange(2))
    'array([0, 1], dtype=int32)'
    """
    return np.array_repr(_values("array_repr", arr), max_line_width, precision, suppress_small)


def array_str(a: ArrayLike, max_line_width: int | None = None, precision: int | None = None,
              suppress_small: bool | None = None) -> str:
    """As `numpy.array_str`. The value must be known.

    >>> array_str(np.arange(2))
    '[0 1]'
    """
    return np.array_str(_values("array_str", a), max_line_width, precision, suppress_small)


def _values(function: str, a: ArrayLike) -> HostArray:
    return array(function, a).host_value(f"{function}(x)")


def load(file: File, *args: Any, **kwargs: Any) -> Any:
    """What `numpy.load` reads: an .npy file as an Array; an .npz file as NumPy's mapping from names to arrays.

    64-bit values become 32-bit ones, as in `asarray`. Arguments are NumPy's.

    >>> import io
    >>> file = io.BytesIO()
    >>> save(file, np.arange(3))
    >>> _ = file.seek(0)
    >>> load(file).tolist()
    [0, 1, 2]
    """
    found: Any = np.load(file, *args, **kwargs)
    return asarray(_from_file(found)) if isinstance(found, np.ndarray) else found


def _from_file(x: Any) -> Any:
    """NumPy's format has no bfloat16: such elements come back as two bytes of nothing."""
    return x.view(ml_dtypes.bfloat16) if x.dtype == np.dtype("V2") else x


def save(file: File, arr: ArrayLike, allow_pickle: bool = True) -> None:
    """An array as an .npy file, as `numpy.save` writes it.

    >>> import io
    >>> save(io.BytesIO(), np.arange(3))
    """
    np.save(file, _values("save", arr), allow_pickle=allow_pickle)


def savez(file: File, *args: ArrayLike, **kwds: ArrayLike) -> None:
    """Several arrays as an .npz file, as `numpy.savez` writes it; those without a name are arr_0, arr_1, ...

    >>> import io
    >>> file = io.BytesIO()
    >>> savez(file, w=np.arange(3))
    >>> _ = file.seek(0)
    >>> load(file)["w"].tolist()
    [0, 1, 2]
    """
    values: dict[str, Any] = {f"arr_{k}": _values("savez", x) for k, x in enumerate(args)}
    values.update({name: _values("savez", x) for name, x in kwds.items()})
    np.savez(file, **values)
