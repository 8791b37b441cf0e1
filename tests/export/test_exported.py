"""What an exported function does in this process, before and after a file: transforms, rules, trees, errors."""
from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import ShapeDtypeStruct, events, export, extend, lax, tree, tree_util
from lantern.errors import ArgumentError, DeviceError, ExportError, NotDifferentiableError
from tests.conftest import need_gpu

X = np.linspace(-1.0, 2.0, 5, dtype=np.float32)


def loaded(f: Any, *args: Any, order: int = 0, **kwargs: Any) -> export.Exported:
    """Through bytes."""
    return export.deserialize(export.export(lantern.jit(f))(*args, **kwargs).serialize(order))


def test_every_transform_goes_through(device: str) -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * jnp.cumsum(x))

    again = loaded(f, X).call
    x = jnp.asarray(X)
    for of in (lambda g: g, lantern.grad, lantern.jit, lambda g: lantern.jit(lantern.hessian(g)),
               lambda g: lantern.vmap(lantern.grad(g)), lambda g: lambda x: lantern.jvp(g, (x,), (x,))):
        given = jnp.stack([x, -x]) if of(f).__name__.startswith("vmap") else x
        for here, there in zip(tree.leaves(of(f)(given)), tree.leaves(of(again)(given)), strict=True):
            np.testing.assert_allclose(np.asarray(there), np.asarray(here), rtol=1e-4, atol=1e-5)


def test_an_exported_function_says_what_it_is() -> None:
    found = loaded(lambda p, *, scale: {"out": p["w"] * scale}, {"w": X}, scale=2.0)
    assert found.fun_name == "<lambda>" and found.platforms == () and found.donated == ()
    assert [str(a) for a in found.in_avals] == ["f32[5]", "f32*[]"] and [str(a) for a in found.out_avals] == ["f32[5]"]
    assert str(found.in_tree) == "(({'w': *},), {'scale': *})" and str(found.out_tree) == "{'out': *}"
    assert repr(found) == "Exported(<lambda>: (f32[5], f32*[]) -> (f32[5]))"
    assert found.call({"w": X}, scale=3.0)["out"].tolist() == (X * np.float32(3)).tolist()


def test_nothing_is_compiled_twice() -> None:
    """Two loads of one file share the program of the process, and a call is one look-up."""
    data = export.export(lantern.jit(lambda x: jnp.cos(x) * 41.0))(X).serialize()
    compiled: list[Any] = []
    end = events.subscribe(lambda e: compiled.append(e.data) if e.kind == "compile.end" else None)
    try:
        for _ in range(2):
            again = export.deserialize(data)
            for _ in range(3):
                again.call(jnp.asarray(X))
    finally:
        end()
    assert len(compiled) == 1


def test_wrong_arguments_are_named() -> None:
    again = loaded(lambda p, x: p["w"] + x, {"w": X}, X)
    with pytest.raises(ArgumentError, match=r"exported <lambda>: the argument args\[0\]\['w'\] must be f32\[5\], got "
                                            r"f32\[3\], at test_exported.py:\d+ in .*\. Convert it, or export"):
        again.call({"w": X[:3]}, X)
    with pytest.raises(ArgumentError, match=r"wanted arguments of the structure \({'w': \*}, \*\), got \(\*,\)"):
        again.call(X)
    with pytest.raises(ArgumentError, match="got i32"):
        lantern.jit(again.call)({"w": X}, np.arange(5))


def test_static_arguments_are_left_out_of_the_call() -> None:
    f = lantern.jit(lambda n, x, flip=False: (-x["a"] if flip else x["a"]) * n, static_argnums=0,
                    static_argnames="flip")
    again = export.deserialize(export.export(f)(3, {"a": X}, flip=True).serialize())
    assert again.names == ("x",)
    assert again.call({"a": X}).tolist() == again.call(x={"a": X}).tolist() == (-3 * X).tolist()
    with pytest.raises(ArgumentError, match=r"at most 1 arguments \(x\), got 2, at .* Static arguments were given"):
        again.call(3, {"a": X})
    with pytest.raises(ArgumentError, match=r"the argument x\['a'\] must be f32\[5\], got f32\[2\]"):
        again.call({"a": X[:2]})


def test_donation_travels() -> None:
    again = export.deserialize(export.export(lantern.jit(lambda x, y: x + y, donate_argnums=1))(X, X).serialize())
    x, y = jnp.asarray(X), jnp.asarray(X)
    assert again.donated == (1,) and again.call(x, y).tolist() == (2 * X).tolist()
    assert y.is_deleted() and not x.is_deleted()


def test_platforms() -> None:
    f = lantern.jit(lambda x: x * 2.0)
    only = export.deserialize(export.export(f, platforms=["gpu"])(X).serialize())
    assert only.platforms == ("gpu",)
    with lantern.default_device("cpu"), pytest.raises(DeviceError, match=r"exported for gpu, and the call runs on cpu"):
        only.call(X)
    with pytest.raises(ArgumentError, match="no platform is called 'tpu'; there are 'cpu', 'gpu'"):
        export.export(f, platforms=["tpu"])
    with pytest.raises(TypeError, match=r"wanted the result of lantern.jit, got .*Write export\(lantern.jit\(f\)\)"):
        export.export(lambda x: x)      # type: ignore[arg-type]
    need_gpu()
    with lantern.default_device("gpu"):
        assert only.call(jnp.asarray(X)).tolist() == (X * 2).tolist()
        with pytest.raises(DeviceError, match="f64"):
            export.export(f, platforms=["gpu"])(ShapeDtypeStruct((2,), jnp.float64))


def test_64_bits_travel() -> None:
    again = loaded(lambda x: x / 3.0, ShapeDtypeStruct((2,), jnp.float64))
    with lantern.default_device("cpu"):
        assert again.call(np.array([1.0, 2.0])).tolist() == [1 / 3, 2 / 3]


# rules of the user's

@lantern.custom_jvp
def straight(x: Any) -> Any:
    return jnp.round(x)


@straight.defjvp
def straight_jvp(primals: Any, tangents: Any) -> Any:
    return straight(primals[0]), 3.0 * tangents[0] * straight(primals[0])


def test_rules_travel_as_programs_to_the_order_asked_for() -> None:
    """And beyond it a derivative is an error that says so, never the derivative of the body."""
    def f(x: Any) -> Any:
        return jnp.sum(straight(x))

    x = jnp.array([1.2, 2.7])
    for order, derivative in ((1, lantern.grad), (2, lambda f: lantern.grad(lambda x: lantern.grad(f)(x).sum()))):
        again = loaded(f, x, order=order)
        np.testing.assert_array_equal(derivative(again.call)(x), derivative(f)(x))
        np.testing.assert_array_equal(lantern.vmap(derivative(again.call))(x[None]), derivative(f)(x)[None])
        short = loaded(f, x, order=order - 1)
        assert float(short.call(x)) == 4.0
        with pytest.raises(NotDifferentiableError, match=r"custom_jvp\(straight\) has .* vjp_order=1"):
            derivative(short.call)(x)
        rewritten = export.deserialize(again.serialize(order))
        np.testing.assert_array_equal(derivative(rewritten.call)(x), derivative(f)(x))


def test_rules_with_residuals_statics_and_closures() -> None:
    scale = jnp.array([1.0, 2.0, 3.0])

    @lantern.custom_vjp
    def f(x: Any, n: Any) -> Any:
        return x * n, x

    f.defvjp(lambda x, n: ((x * n, x), {"x": x, "word": "double"}),
             lambda r, g: (g[0] * (2.0 if r["word"] == "double" else 0.0) * scale + g[1] * r["x"], None))
    x = jnp.array([1.0, -1.0, 2.0])

    def whole(x: Any) -> Any:
        a, b = f(x, jnp.asarray(4))
        return jnp.sum(a + b * b)

    again = loaded(whole, x, order=1)
    np.testing.assert_array_equal(lantern.grad(again.call)(x), lantern.grad(whole)(x))
    batch = jnp.stack([x, 2 * x])
    for g in (lantern.grad(whole), lantern.grad(again.call)):
        np.testing.assert_array_equal(lantern.vmap(g)(batch), np.stack([lantern.grad(whole)(row) for row in batch]))


def test_a_rule_that_decides_by_values_cannot_travel() -> None:
    @lantern.custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda p, t: (p[0], t[0] if p[0] > 0 else -t[0]))
    exported = export.export(lantern.jit(f))(1.0)
    assert float(export.deserialize(exported.serialize()).call(2.0)) == 2.0
    with pytest.raises(ExportError, match=r"rule of custom_jvp\(f\), called at .*, cannot be traced: bool\(x\) needs"):
        exported.serialize(vjp_order=1)
    with pytest.raises(ArgumentError, match="vjp_order must be a whole number"):
        exported.serialize(vjp_order=-1)


def test_checkpoint_and_linear_solve() -> None:
    def f(x: Any) -> Any:
        g = lantern.checkpoint(lambda x: jnp.sin(jnp.sin(x)), policy=lambda *a, **k: False)
        a = jnp.eye(5) * 3.0
        return jnp.sum(g(x) * lax.custom_linear_solve(lambda v: a @ v, x, lambda mv, b: b / 3.0, symmetric=True))

    again = loaded(f, X)
    np.testing.assert_allclose(lantern.grad(again.call)(X), lantern.grad(f)(X), rtol=1e-6)


# what cannot leave

def test_calls_of_python_stay() -> None:
    def f(x: Any) -> Any:
        lantern.debug.print("{}", x)
        return x

    with pytest.raises(ExportError, match=r"debug_callback calls the Python function debug.print, which cannot go into "
                                          r"a file, at test_exported.py:\d+ in f\. Leave it out"):
        export.export(lantern.jit(f))(X).serialize()


twice = extend.primitive("test_export_twice", abstract=lambda x, by: x, impl=lambda x, by: x * by,
                         lower=lambda x, by: x * by, jvp=lambda p, out, t, by: t[0] * by)


def shape(x: Any, *, by: Any) -> Any:
    return x


kernel = extend.wgsl_kernel("test_export_kernel", "out[i] = x[i] * f32(by);", shape=shape,
                            reference=lambda x, by: x * np.float32(by), jvp=lambda p, out, t, by: t[0] * by)


def test_operations_of_the_users_own(device: str) -> None:
    """By name, if the loading process has made them; a kernel only with the same text."""
    data = export.export(lantern.jit(lambda x: kernel(twice(x, by=2), by=3).sum()))(X).serialize()
    assert float(export.deserialize(data).call(X)) == pytest.approx(6 * X.sum())
    assert lantern.grad(export.deserialize(data).call)(X).tolist() == [6.0] * 5
    with pytest.raises(ExportError, match=r"uses the operation 'test_export_twicf', which this process does not have"):
        export.deserialize(renamed(data, b"test_export_twice", b"test_export_twicf"))
    with pytest.raises(ExportError, match=r"calls the WGSL kernel test_export_kernem, which this process has not made"):
        export.deserialize(renamed(data, b"test_export_kernel", b"test_export_kernem"))
    with pytest.raises(ExportError, match=r"the one of this name in this process has another text"):
        export.deserialize(renamed(data, b"x[i] * f32(by)", b"x[i] + f32(by)"))


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Another header of the same length, with a checksum that fits."""
    header, arrays = export.container.unpacked(data)
    return export.container.packed(
        export.container.json.loads(export.container.json.dumps(header).replace(old.decode(), new.decode())),
        [np.frombuffer(a, np.uint8) for a in arrays])


# trees

class Point(NamedTuple):
    x: Any
    y: Any


@tree.register_dataclass(static=("power",))
@dataclass(frozen=True)
class Model:
    weight: Any
    power: int


def test_containers() -> None:
    def f(t: Any) -> Any:
        return tree.map(lambda v: v + 1.0, t)

    given = {"a": [1.0, (2.0, None)], "b": OrderedDict(z=3.0, y=4.0), 3 * "c": Point(5.0, Model(6.0, 2)), "d": ()}
    again = loaded(f, given)
    assert tree.map(float, again.call(given)) == tree.map(lambda v: v + 1.0, given)
    with pytest.raises(ExportError, match=r"holds a defaultdict; pass a dict"):
        loaded(f, defaultdict(list, a=1.0))
    with pytest.raises(ExportError, match=r"container class .*Pointe, which is not registered in this process. Import"):
        export.deserialize(renamed(export.export(lantern.jit(f))(Point(1.0, 2.0)).serialize(), b'"Point"', b'"Pointe"'))


def test_parts_of_structures_that_no_file_can_hold() -> None:
    @tree_util.register_static
    class Word(str):
        pass

    with pytest.raises(ExportError, match=r"holds the container Word, whose static data cannot be written: 'on'"):
        loaded(lambda w, x: x, Word("on"), 1.0)
    with pytest.raises(ExportError, match=r"holds the container Partial, whose static data cannot be written: <"):
        loaded(lambda f, x: f(x), tree_util.Partial(lambda a, b: a + b, 1.0), 1.0)


def test_containers_with_names_of_their_own() -> None:
    export.register_namedtuple_serialization(Point, serialized_name="test.point")
    data = export.export(lantern.jit(lambda p: p.x * p.y))(Point(2.0, 3.0)).serialize()
    assert b"test.point" in data and float(export.deserialize(data).call(Point(4.0, 5.0))) == 20.0
    with pytest.raises(ArgumentError, match="belongs to Point already"):
        export.register_pytree_node_serialization(Model, serialized_name="test.point")
    with pytest.raises(ArgumentError, match="int is no container"):
        export.register_pytree_node_serialization(int, serialized_name="test.int")


# files

def test_save_replaces_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f.lantern"
    path.write_bytes(b"older")
    exported = export.export(lantern.jit(lambda x: x + 1.0))(X)
    export.save(path, exported)
    assert export.load(path).call(X).tolist() == (X + 1).tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["f.lantern"]
    with pytest.raises(OSError):
        export.load(tmp_path / "nothing")


def test_the_same_function_gives_the_same_bytes() -> None:
    def f(x: Any) -> Any:
        return lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x)

    assert export.export(lantern.jit(f))(X).serialize() == export.export(lantern.jit(f))(X).serialize()


def test_errors_of_a_loaded_function_name_the_line_that_was_traced() -> None:
    again = loaded(lambda x: jnp.log(x), X)
    with lantern.debug_nans(), pytest.raises(FloatingPointError, match=r"log made a NaN: .*, at test_exported.py:\d+"):
        again.call(X)


def test_export_inside_a_transform_is_refused() -> None:
    def f(x: Any) -> Any:
        export.export(lantern.jit(lambda y: x * y))(X)
        return x

    with pytest.raises(ExportError, match=r"it uses f32\*\[\], made at .*, which has no value while tracing"):
        lantern.jit(f)(1.0)
