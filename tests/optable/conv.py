"""Rows: convolutions, and what slides windows over arrays."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import conv, patches, reduce_window
from lantern.ops.conv import Window
from lantern.ops.patches import Slide
from tests.optable.table import Case, Row, Wrong, apart, complexes, integers, table, uniform

F32, I32 = np.float32, np.int32
MATRIX, LINE = np.ones((2, 3), F32), np.ones(3, F32)


def _spread(x: Any, axis: int, by: int, low: int, high: int) -> Any:
    """The axis with zeros between, before and behind; what negative counts cut is gone."""
    n = x.shape[axis]
    places = low + np.arange(n) * by
    out = np.zeros((*x.shape[:axis], max((n - 1) * by + 1, 0) + low + high, *x.shape[axis + 1:]), x.dtype)
    for k, place in enumerate(places):
        if 0 <= place < out.shape[axis]:
            np.moveaxis(out, axis, 0)[place] = np.moveaxis(x, axis, 0)[k]
    return out


def _conv(lhs: Any, rhs: Any, letters: str, windows: Any) -> Any:
    """The kernel with zeros between its elements; then, at each place of the result, one einsum with what it covers."""
    (left, right), out = letters.split("->")[0].split(","), letters.split("->")[1]
    counts = []
    for w in windows:
        lhs = _spread(lhs, left.index(w.letter), w.spread, w.low, w.high)
        rhs = _spread(rhs, right.index(w.letter), w.dilation, 0, 0)
        span = rhs.shape[right.index(w.letter)]
        counts.append(max(0, (lhs.shape[left.index(w.letter)] - span) // w.stride + 1))
    slid = [w.letter for w in windows]
    sizes = dict(zip(left + right, lhs.shape + rhs.shape, strict=True)) | dict(zip(slid, counts, strict=True))
    found = np.zeros([sizes[x] for x in out], lhs.dtype)
    kept = "".join([x for x in out if x not in slid])
    for place in np.ndindex(*counts):
        seen, here = [slice(None)] * lhs.ndim, [slice(None)] * found.ndim
        for w, k in zip(windows, place, strict=True):
            span = rhs.shape[right.index(w.letter)]
            seen[left.index(w.letter)] = slice(k * w.stride, k * w.stride + span)
            here[out.index(w.letter)] = k
        found[tuple(here)] = np.einsum(f"{left},{right}->{kept}", lhs[tuple(seen)], rhs)
    return found


def _patches(x: Any, slides: Any) -> Any:
    for s in slides:
        places = np.arange(s.count(x.shape[s.axis]))[:, None] * s.stride + np.arange(s.size) * s.dilation
        x = np.moveaxis(np.take(x, places, s.axis), s.axis + 1, -1)
    return x


def _windows(x: Any, slides: Any) -> Any:
    """The windows, each as a line at the end."""
    return _patches(x, slides).reshape(*_patches(x, slides).shape[:x.ndim], int(np.prod([s.size for s in slides])))


def _position(x: Any, slides: Any, largest: bool) -> Any:
    return (np.argmax if largest else np.argmin)(_windows(x, slides), -1).astype(I32)


def _extremum(x: Any, slides: Any, largest: bool) -> Any:
    return (np.max if largest else np.min)(_windows(x, slides), -1)


def _pick(x: Any, position: Any, slides: Any) -> Any:
    return np.take_along_axis(_windows(x, slides), position[..., None], -1)[..., 0]


def _place(u: Any, position: Any, shape: Any, slides: Any) -> Any:
    places = _pick(np.arange(int(np.prod(shape))).reshape(shape), position, slides)
    out = np.zeros(int(np.prod(shape)), u.dtype)
    for place, number in zip(places.flat, u.flat, strict=True):
        out[place] += number
    return out.reshape(shape)


def _case(lhs: tuple[int, ...], rhs: tuple[int, ...], letters: str, *windows: Window) -> Case:
    return Case(lambda r: (uniform(r, *lhs), uniform(r, *rhs)), {"letters": letters, "windows": windows})


def _slid(x: tuple[int, ...], *slides: Slide) -> Case:
    return Case(lambda r: (uniform(r, *x),), {"slides": slides})


def _apart(x: tuple[int, ...], *slides: Slide, largest: bool = True) -> Case:
    return Case(lambda r: (apart(r, *x),), {"slides": slides, "largest": largest})


def _positions(x: tuple[int, ...], *slides: Slide) -> tuple[tuple[int, ...], int]:
    """The shape of what has one element for each window, and how many elements a window has."""
    along = {s.axis: s for s in slides}
    shape = tuple([along[k].count(n) if k in along else n for k, n in enumerate(x)])
    return shape, int(np.prod([s.size for s in slides]))


def _picked(x: tuple[int, ...], *slides: Slide) -> Case:
    shape, count = _positions(x, *slides)
    return Case(lambda r: (uniform(r, *x), integers(r, *shape, low=0, high=count)), {"slides": slides})


def _placed(x: tuple[int, ...], *slides: Slide) -> Case:
    shape, count = _positions(x, *slides)
    return Case(lambda r: (uniform(r, *shape), integers(r, *shape, low=0, high=count)), {"shape": x, "slides": slides})


def _alike(r: Any) -> Any:
    return (np.float32([[1, 1, 2, np.nan, 0, -0.0], [3, 3, 3, 3, -np.inf, np.nan]]),)


POOL, SIDE = (Slide(1, 3, 2), Slide(2, 2, 1, 2)), (Slide(0, 2, 2), Slide(1, 2, 3))
LARGE = (Slide(0, 6, 2), Slide(1, 7))      # too large for a kernel that names each element
X, Y = Window("x"), Window("y")
LINES = {"letters": "x,x->x", "windows": (X,)}

ROWS = table(
    Row("conv", conv.conv, _conv,
        (_case((5,), (2,), "x,x->x", Window("x", 2, 1, 1)),
         _case((2, 3, 5, 4), (2, 3, 3, 2), "nchw,ochw->nohw", Window("h", 1, 1, 1), Window("w", 2, 0, 1)),
         _case((2, 4, 5, 3), (2, 3, 3, 4), "nhwc,hwco->nhwo", Window("h", 2, 1, 1, 1, 2), Window("w", 1, 1, 2)),
         _case((2, 2, 2, 4), (2, 3, 2, 3), "ngcx,gocx->ngox", Window("x", 1, 2, 2, 2)),
         _case((3, 4, 2), (2, 2, 3), "xng,xgo->gnox", Window("x", 1, 0, 1)),
         _case((2, 2, 3, 2, 3), (2, 2, 2, 2, 2), "ncxyz,xyzco->noxyz", X, Y, Window("z", 1, -1, 1)),
         _case((2, 3), (4, 3), "nc,oc->no"),
         _case((1, 2), (3, 2), "cx,ox->cox", X), _case((0, 3), (2, 2), "nx,ox->nox", X),
         _case((2, 4), (2, 3), "cx,cx->x", Window("x", 3, 1, -1, 1, 2)),
         Case(lambda r: (integers(r, 2, 6), integers(r, 3, 2, 3)),
              {"letters": "cx,ocx->ox", "windows": (Window("x", 2, 1, 0),)}),
         Case(lambda r: (complexes(r, 2, 5), complexes(r, 3, 2, 2)),
              {"letters": "cx,ocx->ox", "windows": (Window("x", 1, 1, 1, 2),)})),
        (Wrong((LINE, np.ones(2, I32)), r"conv: operands must have one dtype, got f32\[3\] and i32\[2\], at ", LINES),
         Wrong((MATRIX, LINE), r"conv: wanted one axis for each letter of 'x,x->x', got f32\[2,3\] and f32\[3\]",
               LINES),
         Wrong((MATRIX, np.ones((4, 2), F32)), r"conv: sizes of axis 'c' of 'xc,oc->xo' must agree, got 3 and 2",
               {"letters": "xc,oc->xo", "windows": ()}),
         Wrong((LINE, LINE), r"conv: negative padding removes more than there is: got \(-2, -2\)",
               {"letters": "x,x->x", "windows": (Window("x", 1, -2, -2),)}),
         Wrong((LINE, LINE), r"conv: strides and dilations must be 1 or more",
               {"letters": "x,x->x", "windows": (Window("x", 0),)}),
         Wrong((LINE > 0, LINE > 0), r"conv: wanted numbers, got bool\[3\]", LINES)),
        order=2, tolerance=16, absolute=4e-7),
    Row("patches", patches.patches, _patches,
        (_slid((5,), Slide(0, 2)), _slid((2, 7, 6), Slide(1, 3, 2), Slide(2, 2, 1, 2)), _slid((7, 2), Slide(0, 2, 3)),
         _slid((9,), Slide(0, 3, 2, 3)), _slid((3, 2), Slide(1, 3)), _slid((0, 4), Slide(1, 2)),
         Case(lambda r: (integers(r, 6),), {"slides": (Slide(0, 2, 2),)})),
        (Wrong((LINE,), r"patches: wanted different axes from 0 to 0, got \(1,\) for f32\[3\], at ",
               {"slides": (Slide(1, 2),)}),
         Wrong((LINE,), r"patches: sizes, strides and dilations must be 1 or more", {"slides": (Slide(0, 0),)})),
        order=2, absolute=2e-7),
    Row("window_sum", reduce_window.window_sum, lambda x, slides: _windows(x, slides).sum(-1),
        (_slid((2, 7, 6), *POOL), _slid((5, 7), *SIDE), _slid((41,), Slide(0, 34, 3)), _slid((9,), Slide(0, 3, 1, 4)),
         _slid((8, 9), *LARGE), _slid((2, 3), Slide(1, 4)),
         Case(lambda r: (integers(r, 6),), {"slides": (Slide(0, 2, 2),)}),
         Case(lambda r: (complexes(r, 6),), {"slides": (Slide(0, 2),)})),
        (Wrong((LINE > 0,), r"window_sum: wanted numbers, got bool\[3\]", {"slides": (Slide(0, 2),)}),
         Wrong((LINE,), r"window_sum: wanted different axes from 0 to 0, got \(0, 0\) for f32\[3\], at ",
               {"slides": (Slide(0, 2), Slide(0, 2))})),
        order=2, absolute=4e-7),
    Row("window_extremum", reduce_window.window_extremum, _extremum,
        (_apart((2, 7, 6), *POOL), _apart((5, 7), *SIDE, largest=False), _apart((8, 9), *LARGE),
         _apart((3, 2), Slide(0, 4)), Case(_alike, {"slides": (Slide(1, 2),), "largest": False}, smooth=False),
         Case(lambda r: (integers(r, 6),), {"slides": (Slide(0, 2, 2),), "largest": True})),
        (Wrong((LINE > 0,), r"window_extremum: wanted numbers, got bool\[3\]",
               {"slides": (Slide(0, 2),), "largest": True}),
         Wrong((LINE * 1j,), r"window_extremum: .*complex numbers have no order",
               {"slides": (Slide(0, 2),), "largest": True})),
        order=2),
    Row("window_position", reduce_window.window_position, _position,
        (_apart((2, 7, 6), *POOL), _apart((5, 7), *SIDE, largest=False), _apart((8, 9), *LARGE),
         _apart((3, 2), Slide(0, 4)), Case(lambda r: (integers(r, 9),), {"slides": (Slide(0, 3),), "largest": False}),
         Case(_alike, {"slides": (Slide(1, 2),), "largest": True}, smooth=False),
         Case(_alike, {"slides": (Slide(0, 2), Slide(1, 2, 2)), "largest": False}, smooth=False)),
        (Wrong((LINE > 0,), r"window_position: wanted numbers", {"slides": (Slide(0, 2),), "largest": True}),)),
    Row("window_pick", reduce_window.window_pick, _pick,
        (_picked((2, 7, 6), *POOL), _picked((5, 7), *SIDE), _picked((8, 9), *LARGE), _picked((3, 2), Slide(0, 4))),
        (Wrong((LINE, np.zeros(3, I32)), r"window_pick: wanted an i32 position for each window, i32\[2\], got f32\[3\] "
                                         r"and i32\[3\], at ", {"slides": (Slide(0, 2),)}),),
        order=2),
    Row("window_place", reduce_window.window_place, _place,
        (_placed((2, 7, 6), *POOL), _placed((5, 7), *SIDE), _placed((8, 9), *LARGE), _placed((3, 2), Slide(0, 4))),
        (Wrong((LINE, np.zeros(3, I32)), r"window_place: wanted a number and an i32 position for each window",
               {"shape": (3,), "slides": (Slide(0, 2),)}),),
        order=2, absolute=2e-7),
)
