"""Files that are cut, changed or made to do harm: an ExportError each time, and nothing that grows without end."""
from __future__ import annotations

import copy
import hashlib
import json
import random
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import export, lax
from lantern.errors import ExportError
from lantern.export.container import HEAD, VERSION, packed, unpacked


@lantern.custom_jvp
def ruled(x: Any) -> Any:
    return jnp.sin(x)


ruled.defjvps(lambda t, out, x: t * jnp.cos(x))
TABLE = jnp.arange(40.0)


def program(p: Any, x: Any) -> Any:
    """One of nearly everything."""
    carry, ys = lax.scan(lambda c, r: (c + ruled(r), jnp.where(r > 0.5, jnp.nan, c)), x[0], x)
    return {"y": lax.cond(carry > 0, lambda v: v @ v, lambda v: v.T, p["w"]), "ys": ys, "t": TABLE[:3].astype(jnp.int8)}


@pytest.fixture(scope="module")
def data() -> bytes:
    with lantern.default_device("cpu"):
        exported = export.export(lantern.jit(program))({"w": np.eye(3, dtype=np.float32)}, np.ones(4, np.float32))
    return exported.serialize(vjp_order=1)


def parts(data: bytes) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    header, arrays = unpacked(data)
    return header, [np.frombuffer(a, np.uint8) for a in arrays]


def refused(header: Any, arrays: Any, pattern: str) -> None:
    with pytest.raises(ExportError, match=f"export.deserialize: .*{pattern}"):
        export.deserialize(packed(header, arrays))


def test_every_changed_byte_is_noticed(data: bytes) -> None:
    r = random.Random(1)
    for at in [*range(HEAD.size), *[r.randrange(len(data)) for _ in range(150)]]:
        changed = bytearray(data)
        changed[at] ^= 1 << r.randrange(8)
        with pytest.raises(ExportError, match=r"export\.deserialize: "):
            export.deserialize(changed)


def test_every_cut_is_noticed(data: bytes) -> None:
    for length in [*range(HEAD.size + 2), *range(HEAD.size, len(data), len(data) // 60)]:
        with pytest.raises(ExportError, match=r"export\.deserialize: "):
            export.deserialize(data[:length])
    with pytest.raises(ExportError, match="checksum"):
        export.deserialize(data + b"\0")
    with pytest.raises(TypeError, match="wanted bytes, got str"):
        export.deserialize("text")      # type: ignore[arg-type]
    assert export.deserialize(memoryview(data)).fun_name == export.deserialize(bytearray(data)).fun_name == "program"


def test_versions(data: bytes) -> None:
    later = data[:16] + struct.pack("<I", VERSION + 1) + data[20:]
    with pytest.raises(ExportError, match=r"has version 2 of the format, and this lantern reads version 1\. Export it"):
        export.deserialize(later)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


ODD = (None, True, -1, 0, 1, 7, 2**31, 2**70, "", "f32", "jaxpr", [], [1, 2], {}, {"jaxpr": 0}, {"aval": 10**9},
       {"f64": "zz"}, {"data": ["Dot", {}]}, {"enum": ["ReduceOp", "none"]}, {"array": [0, 0]}, [[[[[]]]]])


def test_a_header_with_a_fitting_checksum_is_still_not_believed(data: bytes) -> None:
    """Each part in turn replaced or left out: an ExportError, or a function whose parts fit together."""
    header, arrays = parts(data)
    r, survived = random.Random(2), 0
    everywhere = list(places(header))
    for path in r.sample(everywhere, min(len(everywhere), 600)):
        changed = copy.deepcopy(header)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        if r.random() < 0.2:
            del holder[path[-1]]
        else:
            holder[path[-1]] = r.choice(ODD)
        try:
            export.deserialize(packed(changed, arrays))
            survived += 1
        except ExportError as error:
            assert str(error).startswith("export.deserialize: ")
    assert survived < 150


def test_sizes_beyond_reason(data: bytes) -> None:
    header, arrays = parts(data)
    number = next(k for k, a in enumerate(header["avals"]) if a[0] == [3, 3])
    for shape, pattern in (([2**31 - 1] * 3, "would need"), ([2**31], "not understood"), ([-1], "not understood"),
                           ([3, True], "not understood"), ([1] * 5000 + [2**30] * 30, "would need")):
        changed = copy.deepcopy(header)
        changed["avals"][number][0] = shape
        refused(changed, arrays, pattern)


def test_programs_that_call_each_other_without_end() -> None:
    """Doubling forty times is refused before anything is built; a program may only hold those before it."""
    aval = [[[], "f32", False]]

    def call(k: int) -> dict[str, Any]:
        return {"op": "jit", "in": [0], "params": {"jaxpr": {"jaxpr": k}, "name": "f"}, "out": [0]}

    leaf = {"in": [0], "eqns": [{"op": "sin", "in": [0], "params": {}, "out": [0]}], "out": [1]}
    doubled = [leaf, *[{"in": [0], "eqns": [call(k), {**call(k), "in": [1]}], "out": [2]} for k in range(40)]]
    tree = ["tuple", [["tuple", ["*"]], ["dict", [], []]]]
    header = {"name": "f", "platforms": [], "donated": [], "names": [], "captured": [], "main": 40, "in_tree": tree,
              "out_tree": "*", "avals": aval, "sources": [], "jaxprs": doubled, "vjp_order": 0}
    refused(header, [], "more than 1000000 equations when all that it calls is written out")
    few = {**header, "jaxprs": doubled[:3], "main": 2}
    assert float(export.deserialize(packed(few, [])).call(0.0)) == 0.0
    refused({**few, "jaxprs": [{**doubled[1], "eqns": [call(0)]}]}, [], "there is no program of number 0")
    refused({**few, "main": 3}, [], "there is no program of number 3")


def test_depth() -> None:
    deep: Any = "*"
    for _ in range(300):
        deep = ["tuple", [deep]]
    header = {"name": "f", "platforms": [], "donated": [], "names": [], "captured": [], "main": 0, "in_tree": deep,
              "out_tree": "*", "avals": [[[], "f32", False]], "sources": [],
              "jaxprs": [{"in": [0], "eqns": [], "out": [0]}]}
    refused(header, [], "")
    body = b"[" * 100_000
    with pytest.raises(ExportError, match="no JSON"):
        export.deserialize(sealed(body))
    with pytest.raises(ExportError, match="no JSON"):
        export.deserialize(sealed(b'{"a": NaN}'))
    with pytest.raises(ExportError, match="no JSON object"):
        export.deserialize(sealed(b"[]"))
    with pytest.raises(ExportError, match="no JSON"):
        export.deserialize(sealed(b"9" * 10_000))


def sealed(text: bytes) -> bytes:
    """Any text as a header, with a checksum that fits."""
    made = packed({}, [])
    body = struct.pack("<Q", len(text)) + text
    digest = hashlib.sha256(body).digest()
    return made[:20] + digest + body


def test_names_of_things_that_a_file_must_not_reach(data: bytes) -> None:
    header, arrays = parts(data)
    text = json.dumps(header)

    def with_name(old: str, new: str) -> Any:
        assert old in text
        return json.loads(text.replace(old, new))

    refused(with_name('"op": "scan"', '"op": "pure_callback"'), arrays, "'pure_callback', which this process does not")
    refused(with_name('"op": "scan"', '"op": "os.system"'), arrays, "'os.system', which this process does not have")
    refused(with_name('"TracedJvp"', '"Popen"'), arrays, "a value is not understood: {'data': ")
    refused({**header, "in_tree": ["class", [], None, ["os", "_Environ"], []]}, arrays, "os._Environ, which is not")


def test_lies_about_types_and_places(data: bytes) -> None:
    header, arrays = parts(data)
    for k, (eqns, j) in enumerate([(j["eqns"], j) for j in header["jaxprs"]]):
        if eqns:
            changed = copy.deepcopy(header)
            changed["jaxprs"][k]["eqns"][0]["in"] = [len(j["in"]) + len(eqns) + 99]
            refused(changed, arrays, "there is no variable of number")
            changed["jaxprs"][k]["eqns"][0]["in"] = []
            refused(changed, arrays, "")
    big = next((k for k, a in enumerate(header["avals"]) if a[0] == [40]), None)
    assert big is not None
    changed = copy.deepcopy(header)
    changed["avals"][big][0] = [41]
    refused(changed, arrays, r"an array of f32\[41\] has 160 bytes instead of 164|gives|takes")
    refused({**header, "donated": [99]}, arrays, "a donated argument or a platform does not exist")
    refused({**header, "platforms": ["tpu"]}, arrays, "a donated argument or a platform does not exist")
    whole = packed(header, arrays)
    at = whole.index(b'"arrays":[[0,')
    moved = bytearray(whole)
    moved[at: at + 13] = b'"arrays":[[9,'
    with pytest.raises(ExportError, match="checksum"):
        export.deserialize(moved)
