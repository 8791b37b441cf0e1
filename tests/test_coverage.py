"""How much of the public surface has shapes in its types: the page is current, and the figures are read rightly."""
from __future__ import annotations

import ast

from tools.coverage import PAGE, Found, Grade, current, grade, namespaces, of_tier, read_type
from tools.coverage_exceptions import NO_SHAPES, SIZES_BEYOND_TYPES, VECTORS_AND_MATRICES

LEAST_SHARE = 0.85


def graded(text: str, name: str = "f") -> Grade:
    return grade(name, [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)])


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert current(text) == text, "run python -m tools.coverage"


def test_names_that_many_programs_use_are_exact() -> None:
    found = of_tier("T1", namespaces())
    exact = [name for name, g in found if g is Grade.EXACT]
    assert len(found) > 180
    assert len(exact) / len(found) >= LEAST_SHARE, sorted({name for name, _ in found} - {*exact})


def test_every_exception_is_a_public_function() -> None:
    names = {name for functions in namespaces().values() for name in functions}
    assert {*SIZES_BEYOND_TYPES, *VECTORS_AND_MATRICES, *NO_SHAPES} <= names


def test_types_are_read() -> None:
    def read(text: str) -> Found:
        return read_type(ast.parse(text, mode="eval").body)

    assert read("Array[D, *L, N]") == Found(known=True)
    assert read("Array[Any, N]") == Found(known=True)
    assert read("tuple[Array[D, N], Array[D, Any]]") == Found(known=True, open_size=True)
    assert read("Array[D, *tuple[Any, ...]]") == read("Array") == read("Any") == Found(unknown=True)
    assert read("tuple[int, str] | None") == Found()


def test_the_worst_overload_counts() -> None:
    exact = "def f(x: Array[D, *L]) -> Array[D, *L]: ..."
    assert graded(exact) is Grade.EXACT
    assert graded(exact + "\ndef f(x: np.ndarray[Any, Any]) -> Array: ...") is Grade.EXACT
    assert graded(exact + "\ndef f(x: Array[D, *L], axis: int) -> Array: ...") is Grade.PARTLY
    assert graded("def f(x: ArrayLike) -> Array: ...") is Grade.UNKNOWN
    assert graded("def f(x: ArrayLike) -> int: ...") is Grade.NO_SHAPE
    assert graded("def f(x: Array[D, N, M]) -> T: ...\ndef f(x: Array[D, N]) -> T: ...") is Grade.PARTLY
    assert graded("def f(x: Array[D, N, *L]) -> Array[D, Any, *L]: ...") is Grade.PARTLY
    assert graded("def pad(x: Array[D, N, *L]) -> Array[D, Any, *L]: ...", "pad") is Grade.EXACT
