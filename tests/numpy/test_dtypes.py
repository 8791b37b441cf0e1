"""Dtypes: the whole promotion table, strict mode, x64 mode, limits, and what an error about a dtype says."""
from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.config import read_environment
from lantern.dtypes import MARKERS, SHORT_NAMES, promote
from lantern.errors import DeviceError, PromotionError, ShapeError

# JAX's table in x64 mode (jax.numpy.result_type of every pair); i*, f* and c* are Python numbers.
TABLE = """
       bool i8   i16  i32  i64  u8   u16  u32  u64  f16  bf16 f32  f64  c64  c128 i*   f*   c*
bool   bool i8   i16  i32  i64  u8   u16  u32  u64  f16  bf16 f32  f64  c64  c128 i64  f64  c128
i8     i8   i8   i16  i32  i64  i16  i32  i64  f64  f16  bf16 f32  f64  c64  c128 i8   f64  c128
i16    i16  i16  i16  i32  i64  i16  i32  i64  f64  f16  bf16 f32  f64  c64  c128 i16  f64  c128
i32    i32  i32  i32  i32  i64  i32  i32  i64  f64  f16  bf16 f32  f64  c64  c128 i32  f64  c128
i64    i64  i64  i64  i64  i64  i64  i64  i64  f64  f16  bf16 f32  f64  c64  c128 i64  f64  c128
u8     u8   i16  i16  i32  i64  u8   u16  u32  u64  f16  bf16 f32  f64  c64  c128 u8   f64  c128
u16    u16  i32  i32  i32  i64  u16  u16  u32  u64  f16  bf16 f32  f64  c64  c128 u16  f64  c128
u32    u32  i64  i64  i64  i64  u32  u32  u32  u64  f16  bf16 f32  f64  c64  c128 u32  f64  c128
u64    u64  f64  f64  f64  f64  u64  u64  u64  u64  f16  bf16 f32  f64  c64  c128 u64  f64  c128
f16    f16  f16  f16  f16  f16  f16  f16  f16  f16  f16  f32  f32  f64  c64  c128 f16  f16  c64
bf16   bf16 bf16 bf16 bf16 bf16 bf16 bf16 bf16 bf16 f32  bf16 f32  f64  c64  c128 bf16 bf16 c64
f32    f32  f32  f32  f32  f32  f32  f32  f32  f32  f32  f32  f32  f64  c64  c128 f32  f32  c64
f64    f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  c128 c128 f64  f64  c128
c64    c64  c64  c64  c64  c64  c64  c64  c64  c64  c64  c64  c64  c128 c64  c128 c64  c64  c64
c128   c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128
i*     i64  i8   i16  i32  i64  u8   u16  u32  u64  f16  bf16 f32  f64  c64  c128 i64  f64  c128
f*     f64  f64  f64  f64  f64  f64  f64  f64  f64  f16  bf16 f32  f64  c64  c128 f64  f64  c128
c*     c128 c128 c128 c128 c128 c128 c128 c128 c128 c64  c64  c64  c128 c64  c128 c128 c128 c128
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
BY_NAME = {short: dtype for dtype, short in SHORT_NAMES.items()}
WEAK = {"i*": np.dtype(np.int64), "f*": np.dtype(np.float64), "c*": np.dtype(np.complex128)}
NARROW = {"i64": "i32", "u64": "u32", "f64": "f32", "c128": "c64"}


@pytest.fixture
def x64() -> Iterator[None]:
    """64-bit mode, for one test."""
    lantern.config.update("enable_x64", True)
    yield
    lantern.config.update("enable_x64", False)


def kind(name: str) -> tuple[Any, bool]:
    """What `promote` takes."""
    return (WEAK[name], True) if name in WEAK else (BY_NAME[name], False)


PAIRS = list(itertools.product(ROWS[1:], range(len(ROWS[0]))))


def test_the_promotion_table_in_x64_mode(x64: None) -> None:
    """promotion: JAX's lattice, every pair of dtypes and Python numbers."""
    assert len(PAIRS) == (len(MARKERS) + 3) ** 2
    for row, column in PAIRS:
        found = promote([kind(row[0]), kind(ROWS[0][column])])[0]
        assert SHORT_NAMES[found] == row[column + 1], (row[0], ROWS[0][column])


def test_the_promotion_table_in_32_bits() -> None:
    """promotion: without x64 mode, 64 bits come from operands that have them, and from nowhere else."""
    for row, column in PAIRS:
        names = (row[0], ROWS[0][column])
        weak = {n: (BY_NAME[NARROW[SHORT_NAMES[d]]], True) for n, d in WEAK.items()}
        found = promote([weak[n] if n in WEAK else kind(n) for n in names])[0]
        wanted = row[column + 1]
        floats = {"f64", "c128"} if wanted in ("f64", "c128") else NARROW.keys()
        if wanted in NARROW and floats.isdisjoint(names):       # 64-bit integers do not make 64-bit floats
            wanted = NARROW[wanted]
        assert SHORT_NAMES[found] == wanted, names


def test_values_follow_the_table(device: str) -> None:
    """promotion: functions give the dtypes of the table."""
    names = [n for n in ROWS[0] if n not in WEAK and (device != "gpu" or n not in (*NARROW, "c64"))]
    for a, b in itertools.combinations(names, 2):
        wanted = promote([kind(a), kind(b)])[0]
        assert jnp.add(jnp.ones(3, BY_NAME[a]), jnp.ones(3, BY_NAME[b])).dtype == wanted, (a, b)
        assert jnp.promote_types(BY_NAME[a], BY_NAME[b]) == wanted == jnp.result_type(BY_NAME[a], BY_NAME[b])


def test_strict_promotion(device: str) -> None:
    """promotion: strict mode raises on any mix, naming both operands; Python numbers take the dtype beside them."""
    x, n, flag = jnp.ones((2, 3)), jnp.arange(3), jnp.ones(3, bool)
    with lantern.numpy_dtype_promotion("strict"):
        for f in (jnp.add, lantern.jit(jnp.multiply), lantern.jit(lambda a, b: jnp.where(a > 0, a, b))):
            with pytest.raises(PromotionError, match=r"strict promotion: f32\[2,3\] and i32\[3\] have different "
                                                     r"dtypes, at test_dtypes.py:\d+ in .*astype"):
                f(x, n)
        with pytest.raises(PromotionError, match=r"add: strict promotion: i32\[3\] and f32\*\[\]"):
            jnp.add(n, 1.5)
        with pytest.raises(PromotionError, match=r"bool\[3\] and i32\*\[\]"):
            flag + 1
        with pytest.raises(PromotionError, match="f32 and f16"):
            jnp.promote_types("float32", "float16")
        assert ((x + 1) * 2.5).tolist() == [[5.0] * 3] * 2
        assert (n * 2 + n.astype(jnp.int32)).tolist() == [0, 3, 6]
        assert (x + n.astype(jnp.float32)).tolist() == [[1.0, 2.0, 3.0]] * 2
        with lantern.numpy_dtype_promotion("standard"):
            assert (x + n).dtype == np.float32
    assert (x + n).dtype == np.float32


def test_strict_promotion_as_a_setting() -> None:
    """promotion: strict mode by config.update and by the environment."""
    lantern.config.update("numpy_dtype_promotion", "strict")
    try:
        with pytest.raises(PromotionError):
            jnp.ones(2) + jnp.arange(2)
    finally:
        lantern.config.update("numpy_dtype_promotion", "standard")
    mode = read_environment({"LANTERN_NUMPY_DTYPE_PROMOTION": "strict"}).mode
    assert mode is not None and mode.strict_promotion
    with pytest.raises(ValueError, match="wanted standard or strict, got 'loose'"):
        lantern.config.update("numpy_dtype_promotion", "loose")
    with pytest.raises(ValueError, match=r"LANTERN_NUMPY_DTYPE_PROMOTION: .*wanted standard or strict"):
        read_environment({"LANTERN_NUMPY_DTYPE_PROMOTION": "loose"})


def test_x64_mode_everywhere(x64: None) -> None:
    """x64 mode: constructors, Python numbers, NumPy inputs, reductions, random numbers, derivatives and jit."""
    with lantern.default_device("cpu"):
        found = {"zeros": jnp.zeros(2), "arange": jnp.arange(3), "linspace": jnp.linspace(0, 1, 3),
                 "float": jnp.array(1.5), "complex": jnp.array(1j), "sum": jnp.sum(jnp.ones(3, bool)),
                 "mean": jnp.mean(jnp.arange(3)), "input": lantern.jit(lambda x: x * 2)(np.ones(2)),
                 "grad": lantern.grad(lambda x: x * x)(3.0), "scalar": np.float64(1) + jnp.ones(1),
                 "random": lantern.random.normal(lantern.random.key(0), (2,))}
    wide = {"arange": "int64", "sum": "int64", "complex": "complex128"}
    assert {k: str(v.dtype) for k, v in found.items()} == {k: wide.get(k, "float64") for k in found}


def test_64_bits_asked_for_without_x64_mode() -> None:
    """explicit 64-bit: honoured on the CPU, through jit and grad."""
    with lantern.default_device("cpu"):
        for dtype in ("int64", "uint64", "float64", "complex128"):
            x = jnp.ones(3, dtype)
            assert x.dtype == dtype and (x + 1).dtype == dtype and lantern.jit(lambda x: x * x)(x).dtype == dtype
        assert jnp.array(2**40, "int64").item() == 2**40
        assert lantern.grad(lambda x: jnp.sum(x * x))(jnp.ones(2, "float64")).dtype == np.float64
        assert jnp.ones(2).astype("float64").dtype == np.float64


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64", "complex128"])
def test_what_a_gpu_lacks(device: str, dtype: str) -> None:
    """explicit 64-bit: on a GPU an error that names the dtype and the cure."""
    if device == "gpu":
        for make in (lambda: jnp.ones(2, dtype) + 1, lambda: lantern.jit(lambda x: x.astype(dtype) * 2)(jnp.ones(2))):
            with pytest.raises(DeviceError, match=rf"{dtype}.*use the CPU device"):
                make()
    else:
        assert (jnp.ones(2, dtype) + 1).tolist() == [2, 2]


def test_the_names_of_dtypes() -> None:
    """every dtype has NumPy's name in lantern.numpy, and is known by marker, name, NumPy type and dtype object."""
    for marker in MARKERS:
        name = str(marker.dtype)
        found = getattr(jnp, "bool_" if name == "bool" else name)
        assert {jnp.dtype(x) for x in (found, name, marker, marker.dtype, marker.dtype.type)} == {marker.dtype}
        assert jnp.zeros(2, found).dtype == marker.dtype
    assert [jnp.dtype(x) for x in (bool, int, float, complex)] == ["bool", "int32", "float32", "complex64"]
    assert [jnp.dtype(x) for x in (jnp.half, jnp.single, jnp.double, jnp.csingle, jnp.cdouble)] == [
        "float16", "float32", "float64", "complex64", "complex128"]


def test_limits() -> None:
    """finfo and iinfo know every dtype, bfloat16 as well."""
    assert {d: (float(jnp.finfo(d).eps), jnp.finfo(d).bits) for d in ("float16", "bfloat16", "float32", "float64")} == {
        "float16": (2.0**-10, 16), "bfloat16": (2.0**-7, 16), "float32": (2.0**-23, 32), "float64": (2.0**-52, 64)}
    assert float(jnp.finfo(jnp.bfloat16).max) == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)
    assert jnp.finfo("complex64").dtype == np.float32
    assert [jnp.iinfo(f"{u}int{b}").max for u in ("", "u") for b in (8, 16, 32, 64)] == [
        2**7 - 1, 2**15 - 1, 2**31 - 1, 2**63 - 1, 2**8 - 1, 2**16 - 1, 2**32 - 1, 2**64 - 1]
    with pytest.raises(TypeError, match=r"finfo: wanted a floating point dtype, got int32.*iinfo"):
        jnp.finfo("int32")
    with pytest.raises(TypeError, match=r"iinfo: wanted an integer dtype, got bfloat16.*finfo"):
        jnp.iinfo(jnp.bfloat16)


def test_kinds_of_dtypes() -> None:
    """issubdtype, isdtype and can_cast."""
    kinds = (jnp.integer, jnp.signedinteger, jnp.unsignedinteger, jnp.floating, jnp.complexfloating, jnp.inexact,
             jnp.number, jnp.generic)
    for marker in MARKERS:
        twin = np.float32 if marker.dtype == jnp.dtype("bfloat16") else marker.dtype
        for k in kinds:
            assert jnp.issubdtype(marker, k) == np.issubdtype(twin, k), (marker, k)
    assert jnp.isdtype("complex64", "complex floating") and not jnp.isdtype("complex64", "real floating")
    assert jnp.isdtype(jnp.bfloat16, ("bool", "real floating")) and jnp.isdtype("complex64", "numeric")
    for a, b in itertools.product([m.dtype for m in MARKERS if m.dtype != jnp.dtype("bfloat16")], repeat=2):
        assert jnp.can_cast(a, b) == np.can_cast(a, b)
    assert [jnp.can_cast("bfloat16", d) for d in ("float32", "float16")] == [True, False]
    assert jnp.can_cast("float64", "float32", "same_kind") and not jnp.can_cast("float32", "int32", "same_kind")
    with pytest.raises(lantern.errors.ArgumentError, match="can_cast: wanted no, equiv"):
        jnp.can_cast("int8", "int16", "maybe")


@pytest.mark.parametrize("wrong", ["float33", "str", "datetime64[s]", object, np.dtype("S3")])
def test_unknown_dtypes(wrong: Any) -> None:
    """an unknown dtype: the error has the user's line and what there is."""
    with pytest.raises(TypeError, match=r", at test_dtypes.py:\d+ in test_unknown_dtypes; lantern has bool, int8"):
        jnp.zeros(2, wrong)


def test_numbers_that_do_not_fit(device: str) -> None:
    """Python int beyond the dtype: raises, and says in which operation and where."""
    small = jnp.ones(2, "int8")
    for f, op in ((lambda: small + 300, "add"), (lambda: lax.mul(small, -129), "mul"),
                  (lambda: jnp.full((2,), 256, "uint8"), "full"), (lambda: jnp.asarray(70000, "int16"), "asarray"),
                  (lambda: lantern.jit(lambda x: x - 128)(small), "subtract"),
                  (lambda: jnp.maximum(small, 2**70), "maximum")):
        with pytest.raises(OverflowError, match=rf"^{op}: the Python int -?\d+ does not fit into u?int\d+ \(.*\), at "
                                                r"test_dtypes.py:\d+ in"):
            f()
    with pytest.raises(TypeError, match=r"stands beside i32"):
        lax.add(jnp.arange(2), 0.5)
    with pytest.raises((TypeError, ShapeError), match=r"1j stands beside f32"):
        lax.add(jnp.ones(2), 1j)


def test_complex_to_real_warns() -> None:
    """astype: complex numbers lose their imaginary part, and a warning says so; a test of truth does not."""
    with lantern.default_device("cpu"):
        z = jnp.array([1 + 2j, 0])
        with pytest.warns(np.exceptions.ComplexWarning, match=r"astype: c64\[2\] loses its imaginary part in f32"):
            assert z.astype(jnp.float32).tolist() == [1.0, 0.0]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert z.astype(bool).tolist() == [True, False]
            assert z.astype(jnp.complex128).dtype == np.complex128


def test_dtypes_are_called_as_conversions(device: str) -> None:
    """`jnp.float32(x)` is an array of that dtype, traced or not."""
    for dtype in (jnp.bool_, jnp.int8, jnp.uint32, jnp.float16, jnp.bfloat16, jnp.float32):
        found = dtype([0, 1])
        assert isinstance(found, lantern.Array) and found.dtype == np.dtype(dtype) and found.tolist() == [0, 1]
        assert dtype().shape == () and not found.weak_type
    assert float(lantern.grad(lambda x: jnp.float32(x) ** 2)(3.0)) == 6.0
    assert lantern.jit(lambda x: jnp.int32(x))(2.75) == 2
