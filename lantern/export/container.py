"""The file of an exported function: a header in JSON, and the bytes of its arrays. docs/export.md describes it.

    16 bytes  b"lantern.export", two zero bytes
     4 bytes  the version of the format, little endian, as all numbers
    32 bytes  SHA-256 of all that follows
     8 bytes  the length of the header
    header    JSON in ASCII, padded with spaces to a multiple of 64 from the beginning of the file
    arrays    one after another, each at a multiple of 64 from the beginning of the arrays
"""
from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import numpy as np

from lantern.errors import ExportError

MAGIC = b"lantern.export\0\0"
VERSION = 1
HEAD = struct.Struct("<16sI32sQ")
ALIGNMENT = 64
Bytes = bytes | bytearray | memoryview


def packed(header: dict[str, Any], arrays: Sequence[np.ndarray[Any, Any]]) -> bytes:
    """The bytes of a file. The header is completed by `arrays`: for each the place and the number of its bytes."""
    places: list[list[int]] = []
    chunks: list[bytes] = []
    at = 0
    for x in arrays:
        chunk = x.tobytes()
        places.append([at, len(chunk)])
        chunks += [chunk, bytes(-len(chunk) % ALIGNMENT)]
        at += len(chunk) + len(chunks[-1])
    text = json.dumps({**header, "arrays": places}, allow_nan=False, separators=(",", ":")).encode("ascii")
    text += b" " * (-(HEAD.size + len(text)) % ALIGNMENT)
    body = b"".join([struct.pack("<Q", len(text)), text, *chunks])
    return HEAD.pack(MAGIC, VERSION, hashlib.sha256(body).digest(), len(text)) + body[8:]


def unpacked(data: Bytes) -> tuple[dict[str, Any], list[memoryview]]:
    """The header, and the bytes of each array.

    Raises ExportError for what is no such file, is of a later version, or was cut or changed.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):    # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"export.deserialize: wanted bytes, got {type(data).__name__}")
    view = memoryview(data).cast("B") if isinstance(data, memoryview) else memoryview(bytes(data))
    if len(view) < HEAD.size or bytes(view[:16]) != MAGIC:
        raise refused("this is no exported function: it does not begin with the right bytes, or is cut. Write one with "
                      "export.save(path, export.export(f)(*args))")
    _, version, digest, length = HEAD.unpack(view[:HEAD.size])
    if version != VERSION:
        raise refused(f"the file has version {version} of the format, and this lantern reads version {VERSION}. Export "
                      "it again with this lantern, or load it with the one that wrote it")
    body = view[HEAD.size - 8:]
    if hashlib.sha256(body).digest() != digest:
        raise refused("the file was changed or cut after it was written: its checksum does not fit. Copy it again")
    if length > len(view) - HEAD.size:
        raise refused(f"the header should have {length} bytes and the file is shorter")
    header = _parsed(bytes(view[HEAD.size: HEAD.size + length]))
    return header, _arrays(header.get("arrays"), view[HEAD.size + length:])


def refused(what: str) -> ExportError:
    """The error for a file that cannot be read."""
    return ExportError(f"export.deserialize: {what}")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("ascii"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refused(f"the header is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise refused("the header is no JSON object")
    return header       # pyright: ignore[reportUnknownVariableType]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _arrays(places: Any, view: memoryview) -> list[memoryview]:
    found: list[memoryview] = []
    if not isinstance(places, list):
        raise refused("the header has no list of arrays")
    for place in cast("list[Any]", places):
        match place:
            case [int(start), int(size)] if 0 <= start <= start + size <= len(view):
                found.append(view[start: start + size])
            case _:
                raise refused(f"the place of an array, {place!r:.80}, does not lie in the file")
    return found
