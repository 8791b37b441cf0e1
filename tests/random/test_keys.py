"""Random keys: a dtype of their own, which moving operations and transforms take and nothing takes for numbers."""
from __future__ import annotations

import copy
import inspect
import pickle
import re
from functools import partial
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import extend, lax, random
from lantern.dtypes import KEY, canonical, prng_key
from lantern.errors import ArgumentError, LanternError, NotDifferentiableError, ShapeError
from lantern.lax.moving import MOVING
from lantern.ops.keys import random_unwrap_p
from lantern.trace.jaxpr import subjaxprs

WORDS = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)[..., :2].copy()      # of keys of shape (2, 3)
POSITIONS = np.array([2, 0, -1])
MASK = np.array([[True, False, True], [False, True, False]])


def keys() -> Any:
    return random.wrap_key_data(WORDS)


# On keys, and on NumPy's words: the last axis goes along.
MOVES: dict[str, tuple[Any, Any]] = {
    "getitem": (lambda k: k[1], lambda w: w[1]),
    "slice": (lambda k: k[:, ::-2], lambda w: w[:, ::-2]),
    "element": (lambda k: k[1, 2], lambda w: w[1, 2]),
    "newaxis": (lambda k: k[None, ..., 0], lambda w: w[None, :, 0]),
    "gather": (lambda k: k[:, jnp.asarray(POSITIONS)], lambda w: w[:, POSITIONS]),
    "mask_of_numpy": (lambda k: k[MASK], lambda w: w[MASK]),
    "take": (lambda k: jnp.take(k, POSITIONS, axis=1), lambda w: np.take(w, POSITIONS, 1)),
    "take_along_axis": (lambda k: jnp.take_along_axis(k, np.array([[2], [0]]), 1), lambda w: w[[[0], [1]], [[2], [0]]]),
    "set": (lambda k: k.at[0].set(k[1]), lambda w: w[[1, 1]]),
    "set_gathered": (lambda k: k.at[:, jnp.array([2, 0])].set(k[:, :2]),
                     lambda w: np.stack([w[:, 1], w[:, 1], w[:, 0]], 1)),
    "reshape": (lambda k: k.reshape(3, 2), lambda w: w.reshape(3, 2, 2)),
    "ravel": (jnp.ravel, lambda w: w.reshape(6, 2)),
    "transpose": (lambda k: k.T, lambda w: w.transpose(1, 0, 2)),
    "moveaxis": (lambda k: jnp.moveaxis(k[None], 0, 2), lambda w: w[:, :, None]),
    "flip": (lambda k: jnp.flip(k, 1), lambda w: w[:, ::-1]),
    "roll": (lambda k: jnp.roll(k, 1, 1), lambda w: np.roll(w, 1, 1)),
    "concatenate": (lambda k: jnp.concatenate([k, k[:1]]), lambda w: np.concatenate([w, w[:1]])),
    "stack": (lambda k: jnp.stack([k[0], k[1]], 1), lambda w: np.stack([w[0], w[1]], 1)),
    "lists": (lambda k: jnp.array([k[0], k[1]]), lambda w: w),
    "broadcast_to": (lambda k: jnp.broadcast_to(k[0], (4, 3)), lambda w: np.broadcast_to(w[0], (4, 3, 2))),
    "expand_squeeze": (lambda k: jnp.squeeze(jnp.expand_dims(k, 1)), lambda w: w),
    "repeat": (lambda k: jnp.repeat(k, 2, 0), lambda w: np.repeat(w, 2, 0)),
    "tile": (lambda k: jnp.tile(k, (1, 2)), lambda w: np.tile(w, (1, 2, 1))),
    "where": (lambda k: jnp.where(jnp.asarray(MASK), k, k[1, 1]), lambda w: np.where(MASK[..., None], w, w[1, 1])),
    "where_one": (lambda k: jnp.where(True, k[0, 0], k[0, 1]), lambda w: w[0, 0]),
    "select": (lambda k: lax.select(jnp.asarray(MASK), k, k[::-1]), lambda w: np.where(MASK[..., None], w, w[::-1])),
    "split": (lambda k: jnp.split(k, 3, 1)[1], lambda w: w[:, 1:2]),
    "unstack": (lambda k: jnp.unstack(k)[1], lambda w: w[1]),
    "iteration": (lambda k: next(iter(k)), lambda w: w[0]),
    "dynamic_slice": (lambda k: lax.dynamic_slice(k, (1, jnp.array(5)), (1, 2)), lambda w: w[1:, 1:]),
    "dynamic_update_slice": (lambda k: lax.dynamic_update_slice(k, k[1:], (0, 0)), lambda w: w[[1, 1]]),
    "rev": (lambda k: lax.rev(k, (0, 1)), lambda w: w[::-1, ::-1]),
    "copy": (lambda k: jnp.copy(jnp.asarray(k)), lambda w: w),
    "stop_gradient": (lax.stop_gradient, lambda w: w),
    "empty": (lambda k: k[:0], lambda w: w[:0]),
    "scan_rows": (lambda k: lax.scan(lambda c, x: (x, c), k[0], k)[1], lambda w: np.stack([w[0], w[0]])),
    "while": (lambda k: lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, s[1][::-1]), (0, k[0]))[1],
              lambda w: w[0]),
    "cond": (lambda k: lax.cond(jnp.array(3) > 2, lambda a: a[0], lambda a: a[1], k), lambda w: w[0]),
    "map": (lambda k: lax.map(lambda row: row[0], k), lambda w: w[:, 0]),
    "vmap": (lambda k: lantern.vmap(lambda a, b: jnp.stack([a, b]), (1, None), 1)(k, k[:, 0]),
             lambda w: np.stack([w.transpose(1, 0, 2), np.broadcast_to(w[:, 0], (3, 2, 2))])),
    "vmapped_where": (lambda k: lantern.vmap(lambda c, a: jnp.where(c, a[0], a[1]))(jnp.array([True, False]), k),
                      lambda w: np.stack([w[0, 0], w[1, 1]])),
    "vmapped_index": (lambda k: lantern.vmap(lambda a, i: a[i])(k, jnp.array([2, 0])),
                      lambda w: np.stack([w[0, 2], w[1, 0]])),
    "remat": (lantern.checkpoint(lambda k: k[0]), lambda w: w[0]),
    "device_put": (lambda k: lantern.device_put(k, "cpu"), lambda w: w),
    "clone": (random.clone, lambda w: w),
    "append": (lambda k: jnp.append(k, k[:1], axis=0), lambda w: np.concatenate([w, w[:1]])),
    "block": (lambda k: jnp.block([k, k]), lambda w: np.concatenate([w, w], 1)),
    "diagonal": (jnp.diagonal, lambda w: w[[0, 1], [0, 1]]),
    "rot90": (jnp.rot90, lambda w: np.rot90(w)),
    "all_gather": (lambda k: lantern.vmap(lambda row: lax.all_gather(row, "i"), axis_name="i", out_axes=None)(k),
                   lambda w: w),
    "switch": (lambda k: lax.switch(jnp.array(1), [lambda q: q[0], lambda q: q[1]], k), lambda w: w[1]),
}


@pytest.mark.parametrize("device", ["cpu", "reference", "emulate"])
@pytest.mark.parametrize("name", MOVES)
def test_keys_move(name: str, device: str) -> None:
    """Bit for bit as their words do, at once and compiled."""
    move, on_words = MOVES[name]
    with lantern.default_device(device):
        for f in (move, lantern.jit(move)):
            moved = f(keys())
            assert moved.dtype is KEY
            np.testing.assert_array_equal(random.key_data(moved), on_words(WORDS))


def test_what_a_key_is() -> None:
    key: Any = random.key(42)
    assert (key.shape, key.ndim, key.size, key.nbytes, key.itemsize) == ((), 0, 1, 8, 8)
    assert str(key.dtype) == repr(key.dtype) == str(key.aval.dtype) == "key<fry>"
    assert repr(key).startswith("Array(key<fry>[] of words [ 0 42], device=")
    assert f"{key}" == str(key) == repr(key)
    assert jnp.issubdtype(key.dtype, prng_key) and not jnp.issubdtype(np.uint32, prng_key)
    assert not jnp.issubdtype(key.dtype, jnp.number) and not jnp.isdtype(key.dtype, "numeric")
    assert lantern.dtypes.prng_key is prng_key and jnp.dtype(key.dtype) is KEY
    assert np.dtype("uint32") != key.dtype != np.dtype("V8")
    assert random.key_impl(key) == random.key_impl(random.PRNGKey(0)) == "threefry2x32"
    assert "key<fry>[2]" in str(lantern.make_jaxpr(random.split)(key))
    assert lantern.eval_shape(random.split, lantern.ShapeDtypeStruct((), key.dtype)).dtype is KEY


def test_raw_keys_stay_raw() -> None:
    raw: Any = random.PRNGKey(7)
    assert raw.dtype == np.uint32 and raw.tolist() == [0, 7]
    assert random.split(raw).shape == (2, 2) and random.fold_in(raw, 3).dtype == np.uint32
    key = random.wrap_key_data(raw, impl="threefry2x32")
    assert bool(key == random.key(7))
    for draw in (lambda k: random.normal(k, (3,)), lambda k: random.bits(k, (3,)), lambda k: random.permutation(k, 5)):
        assert draw(raw).tolist() == draw(key).tolist() == draw(np.asarray(raw)).tolist()
    np.testing.assert_array_equal(random.key_data(random.split(key, 3)), random.split(raw, 3))
    np.testing.assert_array_equal(random.key_data(raw), raw)


def test_equality() -> None:
    a, b = random.split(random.key(0))
    assert bool(a == a) and not bool(a == b) and bool(a != b) and not bool(a != a)
    assert (keys() == keys()[0]).tolist() == [[True] * 3, [False] * 3]
    assert (keys()[0] != keys()[:, :1]).tolist() == [[False, True, True], [True, True, True]]
    assert bool(lantern.jit(lambda x, y: lax.eq(x, y))(a, a)) and jnp.array_equal(keys(), keys())


def test_transforms_with_keys() -> None:
    k = random.split(random.key(3), 4)
    one_by_one = np.stack([np.asarray(random.normal(x, (2,))) for x in k])
    np.testing.assert_array_equal(lantern.vmap(lambda x: random.normal(x, (2,)))(k), one_by_one)
    np.testing.assert_array_equal(lantern.jit(lantern.vmap(lambda x: random.normal(x, (2,))))(k), one_by_one)

    def walk(key: Any, row: Any) -> Any:
        key, used = random.split(key)
        return key, random.uniform(used) + random.uniform(row)

    plain = random.key(0)
    sums = []
    for row in k:
        plain, s = walk(plain, row)
        sums.append(float(s))
    last, found = lantern.jit(lambda key, rows: lax.scan(walk, key, rows))(random.key(0), k)
    assert bool(last == plain) and found.tolist() == sums
    loop = lax.fori_loop(0, 3, lambda i, key: random.fold_in(key, i), random.key(5))
    want = random.key(5)
    for i in range(3):
        want = random.fold_in(want, i)
    assert bool(loop == want)
    choose = lantern.jit(lantern.vmap(lambda c, key: lax.cond(c, lambda q: random.split(q)[0], lambda q: q, key)))
    picked = choose(jnp.array([True, False, True, False]), k)
    assert (picked == k).tolist() == [False, True, False, True]

    def folded(times: Any, key: Any) -> Any:
        return lax.while_loop(lambda s: s[0] < times, lambda s: (s[0] + 1, random.fold_in(s[1], 1)), (0, key))[1]

    count = lantern.vmap(folded)(jnp.array([0, 1, 0, 2]), k)
    assert (count == k).tolist() == [True, False, True, False]


def test_derivatives_pass_keys_by() -> None:
    key = random.key(9)

    def loss(x: Any, k: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            y, q = c
            q, used = random.split(q)
            return (y * random.uniform(used), q), None
        return lax.scan(step, (x, k), None, length=3)[0][0]

    slope = lantern.grad(loss)(2.0, key)
    np.testing.assert_allclose(slope, loss(1.0, key), rtol=1e-6)
    np.testing.assert_allclose(lantern.grad(lantern.checkpoint(loss))(2.0, key), slope)
    np.testing.assert_allclose(lantern.jvp(lambda x: loss(x, key), (2.0,), (1.0,))[1], slope, rtol=1e-6)
    out, tangent = lantern.jvp(lambda x, k: (x * 2.0, k), (1.0, key), (1.0, key))
    assert bool(out[1] == key) and tangent[0].item() == 2.0 and tangent[1].dtype is KEY
    _, pull = lantern.vjp(lambda x: x * random.normal(key), 3.0)
    np.testing.assert_allclose(pull(1.0)[0], random.normal(key))
    with pytest.raises(NotDifferentiableError, match=r"argument `k` is key<fry>\[\]; random keys have no derivative"):
        lantern.grad(loss, argnums=1)(2.0, key)

    @lantern.custom_vjp
    def noisy(x: Any, k: Any) -> Any:
        return x + random.normal(k)

    noisy.defvjp(lambda x, k: (noisy(x, k), x), lambda kept, ct: (ct * kept, None))
    assert lantern.grad(noisy)(3.0, key).item() == 3.0
    assert lantern.jit(lantern.grad(noisy))(3.0, key).item() == 3.0

    @lantern.custom_jvp
    def shaken(x: Any, k: Any) -> Any:
        return x * random.uniform(k)

    shaken.defjvp(lambda primals, tangents: (shaken(*primals), tangents[0] * 5.0))
    assert lantern.grad(shaken)(3.0, key).item() == 5.0


def test_keys_in_files_and_copies() -> None:
    for k in (random.key(5), keys()):
        for again in (pickle.loads(pickle.dumps(k)), copy.copy(k), copy.deepcopy(k)):
            assert again.dtype is KEY and again.device is k.device
            np.testing.assert_array_equal(random.key_data(again), random.key_data(k))
    assert pickle.loads(pickle.dumps(KEY)) is KEY and copy.deepcopy({"d": KEY})["d"] is KEY
    donated = random.split(random.key(0), 3)
    lantern.jit(lambda k: k[::-1], donate_argnums=0)(donated)
    with pytest.raises(LanternError, match="donated"):
        random.key_data(donated)


def test_keys_are_permuted_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    mixed = random.permutation(random.key(1), keys(), axis=1)
    np.testing.assert_array_equal(np.sort(random.key_data(mixed)[0, :, 0]), WORDS[0, :, 0])
    lantern.jit(lambda k: (lantern.debug.print("{}", k), k)[1])(random.key(42)).block_until_ready()
    lantern.debug.print("{k}", k=random.key(7))
    assert capsys.readouterr().out == "[ 0 42]\n[0 7]\n"


def test_closed_over_keys() -> None:
    key = random.key(11)
    draw = lantern.jit(lambda x: x + random.uniform(key))
    assert draw(1.0).item() == (1.0 + random.uniform(key)).item()
    assert lantern.grad(lantern.jit(lambda x: x * random.uniform(key)))(1.0).item() == random.uniform(key).item()

    @lantern.custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda p, t: (f(*p), t[0] * random.uniform(key)))
    assert lantern.jit(lantern.grad(f))(1.0).item() == random.uniform(key).item()


def annotated(k: random.Key) -> random.Key:
    return random.split(k)[0]


def test_annotations() -> None:
    assert lantern.jit(annotated)(random.key(0)).dtype is KEY
    with pytest.raises(ShapeError, match=r"annotated\(k\): the dtype must be key<fry> but is u32 here|rank|sizes"):
        lantern.jit(annotated)(random.PRNGKey(0))


OPERATION = extend.primitive("test_of_keys", abstract=lambda x: x, impl=lambda x: x)
ELEMENTWISE = extend.elementwise("test_softplus_of_keys", lambda x: jnp.logaddexp(x, 0.0))

# What is done with a key, and the operation that the message must name.
REFUSED: dict[str, tuple[Any, str]] = {
    "+": (lambda k: k + 1, "add"), "+k": (lambda k: k + k, "add"), "neg": (lambda k: -k, "negative"),
    "*": (lambda k: 2.0 * k, "multiply"), "@": (lambda k: keys() @ keys().T, "matmul"),
    "<": (lambda k: k < k, "less"), "^": (lambda k: k ^ 1, "bitwise_xor"), "sum": (lambda k: k.sum(), "sum"),
    "mean": (lambda k: jnp.mean(k), "mean"), "max": (lambda k: jnp.max(keys()), "max"),
    "argmax": (lambda k: jnp.argmax(keys()), "argmax"), "sort": (lambda k: jnp.sort(keys()), "sort"),
    "cumsum": (lambda k: jnp.cumsum(keys()), "cumsum"), "unique": (lambda k: jnp.unique(keys()), "unique"),
    "astype": (lambda k: k.astype("uint32"), "astype"), "float": (float, r"float\(x\)"), "int": (int, r"int\(x\)"),
    "bool": (bool, r"bool\(x\)"), "complex": (complex, r"complex\(x\)"), "index": (range, r"index\(x\)"),
    "item": (lambda k: k.item(), r"x\.item\(\)"), "tolist": (lambda k: k.tolist(), r"x\.tolist\(\)"),
    "numpy": (np.asarray, r"numpy\.asarray"), "numpy_add": (lambda k: np.add(k, 1), r"numpy\.asarray"),
    "numpy_stack": (lambda k: np.stack([k, k]), r"numpy\.asarray"),
    "device_get": (lantern.device_get, r"numpy\.asarray"), "dlpack": (lambda k: k.__dlpack__(), r"numpy\.asarray"),
    "format": (lambda k: f"{k:.2f}", r"format\(x\)"), "sin": (jnp.sin, "sin"), "isnan": (jnp.isnan, "isnan"),
    "round": (round, "round"), "real": (lambda k: k.real, "real"), "relu": (lantern.nn.relu, "relu"),
    "einsum": (lambda k: jnp.einsum("ij,ij", keys(), keys()), "einsum"), "dot": (lambda k: jnp.dot(k, k), "dot"),
    "pad": (lambda k: jnp.pad(keys(), 1), "pad"), "full": (lambda k: jnp.full((3,), k), "full"),
    "zeros_like": (jnp.zeros_like, "zeros_like"), "tril": (lambda k: jnp.tril(keys()), "tril"),
    "linspace": (lambda k: jnp.linspace(k, k, 3), "linspace"), "clip": (lambda k: jnp.clip(k, 0, 1), "clip"),
    "at_add": (lambda k: keys().at[0].add(k), r"at\[\.\.\.\]\.add"),
    "psum": (lambda k: lax.psum(k, "i"), "psum"), "lax_add": (lambda k: lax.add(k, k), "add"),
    "convert": (lambda k: lax.convert_element_type(k, "uint32"), "convert_element_type"),
    "bitcast": (lambda k: lax.bitcast_convert_type(k, "uint32"), "bitcast_convert_type"),
    "reduce": (lambda k: lax.reduce_sum(keys(), (0,)), "reduce_sum"),
    "bits_of_bits": (lambda k: jnp.bitwise_count(k) if hasattr(jnp, "bitwise_count") else k + 1, "bitwise_count|add"),
    "where": (lambda k: jnp.where(True, k, 0), "where"), "set": (lambda k: keys().at[0].set(0), r"at\[\.\.\.\]\.set"),
    "concatenate": (lambda k: jnp.concatenate([keys(), np.zeros((1, 3))]), "concatenate"),
    "eq": (lambda k: k == 0, "equal"), "predicate": (lambda k: lax.cond(k, lambda: 1, lambda: 2), "cond"),
    "operation": (lambda k: OPERATION(k), "test_of_keys"), "elementwise": (lambda k: ELEMENTWISE(k), "test_softplus"),
    "pure_callback": (
        lambda k: lantern.pure_callback(lambda v: v, lantern.ShapeDtypeStruct((), np.float32), k), "pure_callback"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_keys_are_no_numbers(name: str) -> None:
    """Each refusal names the operation, says that it is a key, the user's line and the cure."""
    use, operation = REFUSED[name]
    with pytest.raises(TypeError) as caught:
        use(random.key(1))
    message = str(caught.value)
    assert re.match(operation, message), message
    assert "key<fry>" in message and "random keys are no numbers, at test_keys.py:" in message, message
    assert "lantern.random." in message, message


TRACED = [n for n in REFUSED if n not in ("numpy", "numpy_add", "numpy_stack", "device_get", "dlpack", "float", "int",
                                          "bool", "complex", "index", "item", "tolist", "format", "psum")]


@pytest.mark.parametrize("name", TRACED)
def test_keys_are_no_numbers_in_programs(name: str) -> None:
    use = REFUSED[name][0]
    with pytest.raises(TypeError, match=r"random keys are no numbers, at test_keys\.py:"):
        lantern.jit(use)(random.key(1))


def test_numbers_are_no_keys() -> None:
    for call, kind, message in (
            (lambda: random.normal(keys()), ShapeError, r"normal: wanted one key, got key<fry>\[2,3\], at .*vmap"),
            (lambda: random.split(keys()[0]), ShapeError, r"split: wanted one key, got key<fry>\[3\], at .*vmap"),
            (lambda: random.normal(np.zeros(3, np.uint32)), ShapeError, r"normal: wanted one key.*got u32\[3\], at"),
            (lambda: random.key(1.5), TypeError, "key: wanted an integer as seed, got float, at"),
            (lambda: random.key(0, impl="rbg"), ArgumentError, "key: no generator is called 'rbg', at .*threefry2x32"),
            (lambda: random.wrap_key_data(np.zeros(3, np.uint32)), TypeError, r"wrap_key_data: .*got u32\[3\], at"),
            (lambda: random.wrap_key_data(np.zeros(2)), TypeError, r"wrap_key_data: .*got f32\[2\], at"),
            (lambda: random.key_data(3.0), TypeError, r"key_data: wanted keys, got f32\*\[\], at .*random\.key"),
            (lambda: random.key_impl(np.zeros(2)), TypeError, "key_impl: wanted keys, got"),
            (lambda: jnp.zeros(3, KEY), TypeError, "a dtype of numbers was wanted, got key<fry>.*random.key"),
            (lambda: canonical(prng_key), TypeError, "a dtype of numbers was wanted"),
            (lambda: np.zeros(3, KEY), TypeError, "key<fry>"),
            (lambda: jnp.take(keys(), 9, axis=0, mode="fill"), TypeError, "no key to fill in.*mode=\"clip\"")):
        with pytest.raises(kind, match=message):
            call()


def test_moving_functions_exist() -> None:
    """What may move keys is a list of functions; a name that nobody has any more would be dead."""
    homes = (jnp, lax, lantern, random, jnp.ndarray)
    missing = [n for n in MOVING if "[" not in n and not any(hasattr(h, n) for h in homes)]
    assert set(missing) <= {"getitem"}, missing


def test_rules_that_close_over_keys_in_loops() -> None:
    key = random.key(11)

    @lantern.custom_vjp
    def f(x: Any) -> Any:
        return x * 1.0

    f.defvjp(lambda x: (f(x), None), lambda kept, ct: (ct * random.uniform(key),))
    thrice = lantern.jit(lantern.grad(lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=3)[0]))
    np.testing.assert_allclose(thrice(1.0), np.float32(random.uniform(key)) ** 3, rtol=1e-6)


# What samplers want beside a key, by the names of their parameters.
WANTED: dict[str, Any] = {
    "a": 2.0, "alpha": np.ones(3, np.float32), "b": 2.0, "concentration": 1.5, "cov": np.eye(2, dtype=np.float32),
    "d": 3, "data": 1, "df": 3.0, "dfden": 3.0, "dfnum": 2.0, "lam": 4.0, "left": 0.0, "loc": 0.0,
    "logits": np.zeros(4, np.float32), "lower": -1.0, "maxval": 9, "mean": 1.0, "minval": 0, "mode": 0.5, "n": 4,
    "p": 0.5, "right": 1.0, "scale": 1.0, "shape": (3,), "upper": 1.0, "x": 5,
}
SPECIAL: dict[str, dict[str, Any]] = {
    "choice": {"a": 5}, "generalized_normal": {"p": 2.0}, "multinomial": {"p": np.full(3, 1 / 3, np.float32)},
    "multivariate_normal": {"mean": np.zeros(2, np.float32)},
}
USES_NONE = ("fold_in", "clone")


def samplers() -> dict[str, Any]:
    """The functions of lantern.random whose first parameter is a key."""
    found: dict[str, Any] = {}
    for name, f in vars(random).items():
        parameters = list(inspect.signature(f).parameters.values()) if inspect.isfunction(f) else []
        if parameters and parameters[0].name == "key":
            required = [p.name for p in parameters[1:] if p.default is p.empty]
            found[name] = partial(f, **{n: SPECIAL.get(name, {}).get(n, WANTED[n]) for n in required})
    return found


def users(jaxpr: Any) -> list[str]:
    """Who uses keys in a program."""
    found = [e.params["by"] for e in jaxpr.eqns if e.primitive is random_unwrap_p and e.params["by"]]
    return found + [u for e in jaxpr.eqns for v in e.params.values() for s in subjaxprs(v) for u in users(s)]


@pytest.mark.parametrize("name", samplers())
def test_every_sampler_uses_its_key_once_and_under_its_name(name: str) -> None:
    """What `debug.key_reuse` counts. Raw keys are drawn from in the same way."""
    draw = samplers()[name]
    jaxpr = lantern.make_jaxpr(draw)(random.key(0))
    assert users(getattr(jaxpr, "jaxpr", jaxpr)) == ([] if name in USES_NONE else [name])
    typed, raw = lantern.eval_shape(draw, random.key(0)), lantern.eval_shape(draw, random.PRNGKey(0))
    assert raw == (lantern.ShapeDtypeStruct((*typed.shape, 2), np.uint32) if typed.dtype is KEY else typed)
