"""Annotations compared with real shapes while tracing: what is found, in which words, and what is left alone."""

from __future__ import annotations

import dataclasses
import functools
import gc
import re
import weakref
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, TypeVarTuple

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import annotations, config
from lantern.annotations import call, dim_names
from lantern.errors import ShapeError
from lantern.typing import AnyShape, Array, Bool, Dim, Float, Floating, Int, f16


class Batch(Dim):
    """Examples."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """What comes out."""


class Classes(Dim):
    """Always ten."""

    size = 10


Steps = NewType("Steps", int)
N = TypeVar("N")
M = TypeVar("M")
In = TypeVar("In")
Out = TypeVar("Out")
L = TypeVarTuple("L")
D = TypeVar("D", bound=Floating)


class Params(NamedTuple):
    """A named tuple."""

    weight: Float[Pixels, Hidden]
    bias: Float[Hidden]


class Batched(TypedDict):
    """A dictionary with known keys."""

    images: Float[Batch, Pixels]
    labels: Int[Batch]


@lantern.tree.register_dataclass
@dataclasses.dataclass(frozen=True)
class Layer(Generic[In, Out]):
    """A generic dataclass that may hold another of its kind."""

    weight: Float[In, Out]
    inner: Layer[Out, Out] | None = None


def zeros(*shape: Any, dtype: Any = np.float32) -> Any:
    return np.zeros(shape, dtype)


def loss(b: Float[Hidden], w: Float[Pixels, Hidden]) -> Float[()]:
    return (w + b).sum()


def message(f: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ShapeError) as error:
        f(*args, **kwargs)
    return str(error.value)


def said(f: Callable[..., Any], *args: Any) -> str:
    """The message without what follows the first colon after the dim."""
    return ": ".join(message(functools.partial(call, f), args, {}).split(": ")[:2])


# The message


def test_the_message_names_function_argument_dim_and_both_sizes() -> None:
    text = message(lantern.jit(loss), zeros(64), zeros(3, 65))
    assert text.startswith(
        "loss(w): dim Hidden was bound to 64 but is 65 here: wanted f32[Pixels,Hidden], got f32[3,65]"
    )
    assert re.search(r", at test_annotations\.py:\d+ in message", text)
    assert text.endswith("Hidden was bound by `b`")


@pytest.mark.parametrize(
    "transform",
    [
        lantern.jit,
        lantern.grad,
        lantern.value_and_grad,
        lantern.make_jaxpr,
        lantern.jacrev,
        lantern.hessian,
        lambda f: lantern.jit(lantern.grad(lantern.jit(f))),
        lambda f: functools.partial(lantern.eval_shape, f),
    ],
    ids=["jit", "grad", "value_and_grad", "make_jaxpr", "jacrev", "hessian", "jit of grad of jit", "eval_shape"],
)
def test_every_transform_compares(transform: Callable[..., Any]) -> None:
    assert "loss(w): dim Hidden was bound to 64 but is 65 here" in message(
        transform(loss), zeros(64), zeros(3, 65)
    )


def test_vmap_compares_the_shapes_without_the_mapped_axis() -> None:
    def norm(x: Float[Pixels], y: Float[Pixels]) -> Float[()]:
        return (x * y).sum()

    assert lantern.vmap(norm)(zeros(5, 3), zeros(5, 3)).shape == (5,)
    assert "dim Pixels was bound to 3 but is 1 here" in message(
        lantern.vmap(norm), jnp.zeros((5, 3)), jnp.zeros((5, 1))
    )
    jitted = lantern.jit(lantern.vmap(norm))  # a wrapper has f's annotations, which are not true of it
    assert jitted(zeros(5, 3), zeros(5, 3)).shape == (5,)


def test_static_arguments_and_methods_are_compared_as_well() -> None:
    class Model:
        @functools.partial(lantern.jit, static_argnames="self")
        def predict(self, x: Float[Batch, Pixels], w: Float[Pixels, Hidden]) -> Float[Batch, Hidden]:
            return x @ w

    assert Model().predict(zeros(2, 3), zeros(3, 4)).shape == (2, 4)
    assert "predict(w): dim Pixels was bound to 3 but is 4 here" in message(
        Model().predict, jnp.zeros((2, 3)), jnp.zeros((4, 4))
    )


def test_compiled_calls_are_not_compared_again() -> None:
    f = lantern.jit(loss)
    for _ in range(3):
        f(zeros(4), zeros(3, 4))
    assert f.n_compiles == 1


# What annotations can say


def test_results() -> None:
    def f(x: Float[Batch, Pixels]) -> Float[Pixels]:
        return x.sum(-1)  # pyright: ignore[reportReturnType]

    assert said(f, jnp.zeros((2, 3))) == "f(return): dim Pixels was bound to 3 but is 2 here"

    def g() -> tuple[Float[Batch], dict[str, Float[Batch]]]:
        return jnp.zeros(2), {"a": jnp.zeros(3)}

    assert said(g) == "g(return[1]['a']): dim Batch was bound to 2 but is 3 here"


def test_named_tuples_lists_and_typed_dictionaries() -> None:
    def f(params: Params, xs: list[Float[Batch, Pixels]], data: Batched) -> None: ...

    x, labels = zeros(5, 3), zeros(5, dtype=np.int32)
    right = {"images": x, "labels": labels}
    call(f, (Params(zeros(3, 4), zeros(4)), [x, x], right), {})
    assert (
        said(f, Params(zeros(3, 4), zeros(5)), [x], right) == "f(params.bias): dim Hidden was bound to 4 but is 5 here"
    )
    assert (
        said(f, Params(zeros(3, 4), zeros(4)), [x, zeros(6, 3)], right)
        == "f(xs[1]): dim Batch was bound to 5 but is 6 here"
    )
    wrong = {"images": x, "labels": zeros(5)}
    assert (
        said(f, Params(zeros(3, 4), zeros(4)), [x], wrong) == "f(data['labels']): the dtype must be i32 but is f32 here"
    )


def test_generic_dataclasses() -> None:
    def f(first: Layer[Pixels, Hidden], second: Layer[Hidden, Classes], free: Layer[Any, Any]) -> None: ...

    free = Layer(zeros(1, 2), Layer(zeros(2, 2)))
    call(f, (Layer(zeros(3, 4), Layer(zeros(4, 4))), Layer(zeros(4, 10)), free), {})
    nested = Layer(zeros(3, 4), Layer(zeros(4, 5)))
    assert (
        said(f, nested, Layer(zeros(4, 10)), free) == "f(first.inner.weight): dim Hidden was bound to 4 but is 5 here"
    )
    assert (
        said(f, Layer(zeros(3, 4)), Layer(zeros(4, 9)), free)
        == "f(second.weight): dim Classes has size 10 but is 9 here"
    )


def test_type_variables_and_runs_of_sizes() -> None:
    def f(x: Float[*L, N], w: Float[N, M]) -> Float[*L, M]:
        return zeros(2, *w.shape[1:])

    call(f, (zeros(2, 4), zeros(4, 7)), {})
    assert said(f, zeros(2, 4), zeros(5, 7)) == "f(w): dim N was bound to 4 but is 5 here"
    assert said(f, zeros(2, 3, 4), zeros(4, 7)) == "f(return): dims *L were bound to (2, 3) but are (2,) here"


def test_literals_open_sizes_and_ranks() -> None:
    def f(x: Float[Literal[3], Any], y: Float[*AnyShape], z: Float[()], n: Float[Steps, Steps]) -> None: ...

    call(f, (zeros(3, 9), zeros(1, 1, 1), 2.0, zeros(2, 2)), {})
    assert said(f, zeros(4, 9), zeros(), 2.0, zeros(2, 2)) == "f(x): a size must be 3 but is 4 here"
    assert said(f, zeros(3), zeros(), 2.0, zeros(2, 2)) == "f(x): wanted rank 2 but it is 1"
    assert said(f, zeros(3, 9), zeros(), zeros(1), zeros(2, 2)) == "f(z): wanted rank 0 but it is 1"
    assert said(f, zeros(3, 9), zeros(), 2.0, zeros(2, 3)) == "f(n): dim Steps was bound to 2 but is 3 here"


def test_element_types() -> None:
    def f(x: Array[D, N], y: Array[D, N], i: Int[N], b: Bool[N], any_type: Array) -> None: ...

    i, b = zeros(3, dtype=np.int64), zeros(3, dtype=bool)  # 64-bit input becomes 32-bit
    call(f, (zeros(3), zeros(3), i, b, zeros(1, dtype=np.int8)), {})
    half = zeros(3, dtype=np.float16)
    assert said(f, zeros(3), half, i, b, i) == "f(y): dtype D was bound to f32 but is f16 here"
    assert said(f, i, i, i, b, i) == "f(x): the dtype must be Floating but is i32 here"
    assert said(f, half, half, zeros(3), b, i) == "f(i): the dtype must be i32 but is f32 here"
    assert said(f, half, half, i, i, i) == "f(b): the dtype must be bool but is i32 here"


def test_python_numbers_adopt_the_annotated_type_unless_they_lose_their_fraction() -> None:
    def f(x: Array[f16], i: Int[()]) -> None: ...

    call(f, (2, 3), {})
    assert said(f, 2.5, 2.5) == "f(i): the dtype must be i32 but is f32 here"


def test_in_x64_mode_the_wide_type_stands_in() -> None:
    config.update("enable_x64", True)
    try:
        call(loss, (jnp.zeros(4), jnp.zeros((3, 4))), {})
    finally:
        config.update("enable_x64", False)


def test_none_unions_and_annotated() -> None:
    def f(x: Optional[Float[Batch]], y: Annotated[Float[Batch], "a note"], z: Float[Batch] | float) -> None: ...  # noqa: UP045

    call(f, (None, zeros(3), 1.0), {})
    assert said(f, zeros(2), zeros(3), 1.0) == "f(y): dim Batch was bound to 2 but is 3 here"


# What is left alone


def test_what_cannot_be_resolved_is_not_compared() -> None:
    class Local(Dim):
        """Only known here, and not used in the function: no annotation can find it."""

    def f(x: Float[Local], y: Float[Nowhere], z: Float[Batch, Batch]) -> None: ...  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    call(f, (zeros(1), zeros(1, 1), zeros(2, 2)), {})
    assert said(f, zeros(1), zeros(1), zeros(2, 3)) == "f(z): dim Batch was bound to 2 but is 3 here"


def test_what_has_no_annotations_is_called_as_it_is() -> None:
    assert call(lambda x: x + 1, (1,), {}) == 2
    assert call(abs, (-1,), {}) == 1
    assert call(functools.partial(loss, jnp.zeros(4)), (jnp.zeros((3, 4)),), {}).shape == ()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        call(loss, (jnp.zeros(4),), {})  # type: ignore[arg-type]


def test_callable_objects_and_bound_methods() -> None:
    class Model:
        def __call__(self, x: Float[Batch, Batch]) -> None: ...

        def go(self, x: Float[Batch, Batch]) -> None: ...

    model = Model()
    for f in (model, model.go):
        call(f, (zeros(2, 2),), {})
        assert "dim Batch was bound to 2 but is 3 here" in said(f, zeros(2, 3))


def test_functions_are_not_kept_alive() -> None:
    contracts = vars(annotations)["_contracts"]

    def check_once() -> Any:
        def f(x: Float[Batch]) -> None: ...

        call(f, (zeros(1),), {})
        assert f in contracts
        return weakref.ref(f)

    gone = check_once()
    gc.collect()
    assert gone() is None


# Names for printing


def test_names_of_the_axes_of_each_leaf() -> None:
    def f(params: Params, xs: list[Float[Batch, Literal[3]]], y: Float[*L, N], untyped: Any) -> None: ...

    names = dim_names(f, (Params(zeros(3, 4), zeros(4)), [zeros(5, 3)], zeros(1, 2, 3), zeros(1)), {})
    assert names == {
        "params.weight": ("Pixels", "Hidden"),
        "params.bias": ("Hidden",),
        "xs[0]": ("Batch", "3"),
        "y": ("1", "2", "N"),
    }


# Dim


def test_dims_are_ints_with_a_name() -> None:
    assert Batch(32) == 32
    assert repr(Batch(32)) == "Batch(32)"
    assert f"{Batch(32)}" == str(Batch(32)) == "32"
    assert Classes() == Classes(10) == 10
    assert jnp.zeros((Batch(2), Classes())).shape == (2, 10)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Batch(), "Batch() needs a size: Batch(32)"),
        (lambda: Classes(9), "Classes has size 10, got 9"),
        (lambda: Batch(-1), "Batch: a size cannot be negative, got -1"),
    ],
)
def test_sizes_that_a_dim_refuses(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(text)):
        make()


def test_typed_checks_every_call_outside_transforms() -> None:
    @lantern.typed
    def scaled(x: Float[Batch, Any], y: Float[Batch]) -> Float[Batch]:
        return x.sum(1) * y

    assert scaled(jnp.ones((2, 3)), jnp.ones(2)).shape == (2,)
    with pytest.raises(ShapeError, match=r"scaled\(y\): dim Batch was bound to 2 but is 5 here"):
        scaled(jnp.ones((2, 3)), jnp.ones(5))


def test_typed_asks_for_annotations() -> None:
    with pytest.raises(TypeError, match="no annotation of arrays"):
        lantern.typed(lambda x: x)(1.0)


def test_a_printed_program_names_the_sizes() -> None:
    def product(x: Float[Batch, Any], y: Float[Batch]) -> Float[Any]:
        return y @ x

    head = str(lantern.make_jaxpr(product)(jnp.ones((2, 3)), jnp.ones(2))).splitlines()[0]
    assert head == "{ lambda a:f32[Batch,3] b:f32[Batch] ."
    text = lantern.jit(product).lower(jnp.ones((2, 3)), jnp.ones(2)).stage("simplified")
    assert text.startswith(head)
