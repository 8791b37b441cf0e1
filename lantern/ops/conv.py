"""Convolutions: sums of products over the windows of an array, with any number of batch, feature and spatial axes.

One primitive, `conv`, is a matrix product in which some axes slide. Axes are named by letters, as in einsum:
`nchw,ochw->nohw` with windows along h and w. A letter of a window stands for a place of the array, for a place of the
kernel and for a place of the result. So each rule is a change of letters: both transpositions are convolutions again,
and a batched operand has one letter more. Groups are a letter that all three share.

Devices see padding, patches (a view) and a matrix product that reads them where they lie; or, where the product would
have one column, a sum of a few terms.
"""
from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lantern.dtypes import C128, F64, is_complex, is_float
from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.expr import Const
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full, reduce_sum
from lantern.ops.build import NUMBERS, AnyArray, is_linear, listed, unaccepted
from lantern.ops.convert import convert
from lantern.ops.dot import dot_general
from lantern.ops.elementwise import mul
from lantern.ops.patches import UNROLLED, Slide, briefly, elements, patches
from lantern.ops.pointwise import add
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Dims, Primitive, Rewritten, Tangent, Value, Zero
from lantern.trace.staging import trace_closed

LONG, FEW = 4096, 1 << 18        # terms of a sum, and results, at which a product is cut in several


@dataclass(frozen=True, slots=True, repr=False)
class Window:
    """How the kernel moves along the axis of a letter.

    stride     by how many places
    low, high  zeros before and behind the array; negative ones cut
    spread     the array's elements are so far apart, with zeros between them (JAX's lhs_dilation)
    dilation   the kernel's elements are so far apart (rhs_dilation)
    """

    letter: str
    stride: int = 1
    low: int = 0
    high: int = 0
    spread: int = 1
    dilation: int = 1

    def padded(self, n: int) -> int:
        """The size of the array's axis with its zeros."""
        return spread_size(n, self.spread) + self.low + self.high

    def count(self, n: int, k: int) -> int:
        """At how many places a kernel of k elements fits."""
        return max(0, (self.padded(n) - spread_size(k, self.dilation)) // self.stride + 1)

    def __repr__(self) -> str:
        return briefly("Window", self.letter, stride=(self.stride, 1), low=(self.low, 0), high=(self.high, 0),
                       spread=(self.spread, 1), dilation=(self.dilation, 1))


def spread_size(n: int, by: int) -> int:
    """How many positions n elements take that are `by` apart.

    >>> spread_size(3, 2), spread_size(0, 2)
    (5, 0)
    """
    return (n - 1) * by + 1 if n else 0


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of both operands and of the result.

    >>> Letters("nchw", "ochw", "nohw").text
    'nchw,ochw->nohw'
    """

    lhs: str
    rhs: str
    out: str

    @property
    def text(self) -> str:
        """As einsum writes it."""
        return f"{self.lhs},{self.rhs}->{self.out}"

    @staticmethod
    def of(text: str) -> Letters:
        """From einsum's form."""
        operands, out = text.split("->")
        lhs, rhs = operands.split(",")
        return Letters(lhs, rhs, out)


def unused(text: str) -> str:
    """A letter that stands for no axis yet.

    >>> unused("abx")
    'c'
    """
    return next(x for x in string.ascii_letters if x not in text)


def _abstract(lhs: ShapedArray, rhs: ShapedArray, *, letters: str,
              windows: tuple[Window, ...]) -> Sequence[ShapedArray]:
    names = Letters.of(letters)
    if len(names.lhs) != lhs.ndim or len(names.rhs) != rhs.ndim:
        raise ShapeError(f"conv: wanted one axis for each letter of {letters!r}, got {listed([lhs, rhs])}")
    if lhs.dtype != rhs.dtype:
        raise ShapeError(f"conv: operands must have one dtype, got {listed([lhs, rhs])}. Convert them first")
    if lhs.dtype not in NUMBERS:
        raise unaccepted("conv", lhs, NUMBERS)
    if any(w.stride < 1 or w.spread < 1 or w.dilation < 1 for w in windows):
        raise ShapeError(f"conv: strides and dilations must be 1 or more, got {windows}")
    left, right = dict(zip(names.lhs, lhs.shape, strict=True)), dict(zip(names.rhs, rhs.shape, strict=True))
    sizes = {**left, **right}
    for w in windows:
        if w.padded(left[w.letter]) < 0:
            raise ShapeError(f"conv: negative padding removes more than there is: got ({w.low}, {w.high}) for an axis "
                             f"of size {left[w.letter]} of {lhs}")
        sizes[w.letter] = w.count(left[w.letter], right[w.letter])
    slide = {w.letter for w in windows}
    for x in left:
        if x in right and x not in slide and left[x] != right[x]:
            raise ShapeError(f"conv: sizes of axis {x!r} of {letters!r} must agree, got {left[x]} and {right[x]} in "
                             f"{listed([lhs, rhs])}")
    return [shaped(tuple([sizes[x] for x in names.out]), lhs.dtype, lhs.weak and rhs.weak)]


def _impl(lhs: AnyArray, rhs: AnyArray, *, letters: str, windows: tuple[Window, ...]) -> Sequence[AnyArray]:
    """One einsum for each element of the kernel; floats are multiplied and summed in double precision."""
    out_aval = _abstract(shaped(lhs.shape, lhs.dtype), shaped(rhs.shape, rhs.dtype), letters=letters,
                         windows=windows)[0]
    names = Letters.of(letters)
    wide = F64 if is_float(lhs.dtype) else C128 if is_complex(lhs.dtype) else lhs.dtype
    out, left, right = np.zeros(out_aval.shape, wide), lhs.astype(wide), rhs.astype(wide)
    if not out.size or not lhs.size or not rhs.size:
        return [out.astype(lhs.dtype)]
    left = ops.pad_p.impl(left, value=Const.of(0, wide), config=_padding(names, windows))[0]
    numbers = {x: k for k, x in enumerate(dict.fromkeys(letters.replace(",", "").replace("->", "")))}
    axes = [(names.lhs.index(w.letter), names.rhs.index(w.letter), names.out.index(w.letter)) for w in windows]
    inner = [numbers[x] for x in names.rhs if x not in {w.letter for w in windows}]
    for place in np.ndindex(*[rhs.shape[r] for _, r, _ in axes]):
        cut, chosen = [slice(None)] * left.ndim, [slice(None)] * right.ndim
        points: list[slice | int] = list(chosen)
        for (a, r, o), w, k in zip(axes, windows, place, strict=True):
            start = k * w.dilation
            cut[a] = slice(start, start + (out.shape[o] - 1) * w.stride + 1, w.stride)
            points[r] = k
        out += np.einsum(left[tuple(cut)], [numbers[x] for x in names.lhs], right[tuple(points)], inner,
                         [numbers[x] for x in names.out])
    return [out.astype(lhs.dtype)]


def _padding(names: Letters, windows: Sequence[Window]) -> tuple[tuple[int, int, int], ...]:
    along = {w.letter: w for w in windows}
    return tuple([(along[x].low, along[x].high, along[x].spread - 1) if x in along else (0, 0, 0) for x in names.lhs])


def _jaxpr(avals: Sequence[ShapedArray], *, letters: str, windows: tuple[Window, ...]) -> Jaxpr:
    def staged(lhs: Value, rhs: Value) -> Sequence[Value]:
        return [_lowered(lhs, rhs, Letters.of(letters), windows)]

    return trace_closed(staged, avals, "conv")


def _lowered(lhs: Value, rhs: Value, names: Letters, windows: Sequence[Window]) -> Value:
    """A convolution in terms of other primitives."""
    out = _abstract(typeof(lhs), typeof(rhs), letters=names.text, windows=tuple(windows))[0]
    if not out.size or not typeof(lhs).size or not typeof(rhs).size:
        return full(out.shape, 0, out.dtype)
    for w in windows:
        if w.spread > 1 and w.stride == w.dilation == 1:
            return _in_phases(lhs, rhs, names, windows, w, out.shape[names.out.index(w.letter)])
    kernel = dict(zip(names.rhs, typeof(rhs).shape, strict=True))
    slides = [Slide(names.lhs.index(w.letter), kernel[w.letter], w.stride, w.dilation) for w in windows]
    padded = ops.pad(lhs, 0, _padding(names, windows))
    features = [n for x, n in kernel.items() if not (x in names.lhs and x in names.out)]
    if slides and math.prod(features) == 1 and math.prod([s.size for s in slides]) <= UNROLLED:
        return _term_by_term(padded, rhs, names, slides, out)
    return _product_of_patches(padded, rhs, names, slides, windows, out)


def _in_phases(lhs: Value, rhs: Value, names: Letters, windows: Sequence[Window], w: Window, count: int) -> Value:
    """A convolution of an array with zeros between its elements, without multiplying by these.

    Only each e-th element k of the kernel meets elements i of the array at place o: k = e i + low - o. With o = e q + r
    and low = e a + l that is k = e m + l - r for i = q + m - a. So the places of each remainder r are a convolution
    with a part of the kernel, all with the same padding a, and r is one more axis of kernel and result.
    """
    e, (a, rest) = w.spread, divmod(w.low, w.spread)
    at, n = names.rhs.index(w.letter), typeof(lhs).shape[names.lhs.index(w.letter)]
    size = typeof(rhs).shape[at]
    parts = -(-(size + e - 1 - rest) // e)      # elements of a part of the kernel
    config = [(0, 0, 0)] * len(names.rhs)
    config[at] = (e - 1 - rest, parts * e - size - (e - 1 - rest), 0)
    shape = list(typeof(rhs).shape)
    shape[at:at + 1] = [parts, e]
    cut = ops.rev(ops.reshape(ops.pad(rhs, 0, config), shape), (at + 1,))
    places = -(-count // e)
    phase = unused(names.text)
    place = names.out.index(w.letter)
    inner = Letters(names.lhs, names.rhs[:at + 1] + phase + names.rhs[at + 1:],
                    names.out[:place + 1] + phase + names.out[place + 1:])
    slower = replace(w, spread=1, low=a, high=places - n - a + parts - 1)
    found = _lowered(lhs, cut, inner, [slower if v is w else v for v in windows])
    shape = list(typeof(found).shape)
    shape[place:place + 2] = [places * e]
    limit = [count if k == place else m for k, m in enumerate(shape)]
    return ops.slice(ops.reshape(found, shape), [0] * len(shape), limit)


def _term_by_term(padded: Value, rhs: Value, names: Letters, slides: Sequence[Slide], out: ShapedArray) -> Value:
    """A sum of a few products, in one elementwise kernel: for depthwise convolutions, where a matrix product would have
    one column."""
    wide = views.accumulator(out.dtype)
    fixed = [names.rhs.index(names.lhs[s.axis]) for s in slides]
    total: Value = None
    for place, element in zip(np.ndindex(*[s.size for s in slides]), elements(padded, slides), strict=True):
        start, limit = [0] * len(names.rhs), list(typeof(rhs).shape)
        for axis, k in zip(fixed, place, strict=True):
            start[axis], limit[axis] = k, k + 1
        factor = _spread_out(ops.slice(rhs, start, limit), names.rhs, [names.rhs[k] for k in fixed], names.out, out)
        term = mul(convert(_spread_out(element, names.lhs, (), names.out, out), wide), convert(factor, wide))
        total = term if total is None else add(total, term)
    return convert(total, out.dtype)


def _spread_out(x: Value, letters: str, dropped: Sequence[str], out_letters: str, out: ShapedArray) -> Value:
    """x with the axes of the result; those that are dropped or that the result lacks have size 1."""
    kept = [k for k in letters if k in out_letters and k not in dropped]
    sizes = dict(zip(letters, typeof(x).shape, strict=True))
    x = ops.reshape(x, [sizes[k] for k in kept])
    order = sorted(range(len(kept)), key=lambda k: out_letters.index(kept[k]))
    return broadcast_in_dim(ops.transpose(x, order), out.shape, [out_letters.index(kept[k]) for k in order])


def _product_of_patches(padded: Value, rhs: Value, names: Letters, slides: Sequence[Slide], windows: Sequence[Window],
                        out: ShapedArray) -> Value:
    """Patches, one matrix product, and the axes in order.

    The product's axes are contracted in the order in which they lie in the kernel, which then is a matrix as it stands.
    The patches come first or second so that what varies fastest in them also does so in the result.
    """
    place = {w.letter: len(names.lhs) + k for k, w in enumerate(windows)}       # of a window's elements
    place |= {x: k for k, x in enumerate(names.lhs) if x not in place}
    summed = [x for x in names.rhs if x in place and (x not in names.out or place[x] >= len(names.lhs))]
    room = typeof(padded).size + typeof(rhs).size
    apart = _summed_later({x: typeof(rhs).shape[names.rhs.index(x)] for x in summed}, names, out.size, room)
    if apart:       # 16-bit floats are summed in f32 throughout
        padded, rhs = [convert(x, views.accumulator(out.dtype)) for x in (padded, rhs)]
    seen = patches(padded, slides)
    summed = [x for x in summed if x not in apart]
    shared = [x for x in names.rhs if x in place and x not in summed]
    seen_summed, rhs_summed = [place[x] for x in summed], [names.rhs.index(x) for x in summed]
    seen_shared, rhs_shared = [place[x] for x in shared], [names.rhs.index(x) for x in shared]
    moving = [x for x in names.lhs if x not in shared and x in names.out]
    fixed = [x for x in names.rhs if x not in names.lhs]
    if names.out[-1:] in fixed:
        found = dot_general(seen, rhs, (seen_summed, rhs_summed), (seen_shared, rhs_shared))
        order = [*shared, *moving, *fixed]
    else:
        found = dot_general(rhs, seen, (rhs_summed, seen_summed), (rhs_shared, seen_shared))
        order = [*shared, *fixed, *moving]
    if apart:
        found = convert(reduce_sum(found, [order.index(x) for x in apart]), out.dtype)
        order = [x for x in order if x not in apart]
    return ops.transpose(found, [order.index(x) for x in names.out])


def _summed_later(summed: dict[str, int], names: Letters, results: int, room: int) -> list[str]:
    """A contracted letter for each of whose positions there is to be a product of its own, which are then added up: one
    product of few results with long sums, as a kernel's gradient is, would leave most of a GPU idle."""
    if math.prod(summed.values()) >= LONG and results <= FEW:
        for x, size in summed.items():
            if x not in names.out and size > 1 and size * results <= room:
                return [x]
    return []


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, letters: str,
         windows: tuple[Window, ...]) -> Sequence[Tangent]:
    (lhs, rhs), (dl, dr) = primals, tangents
    terms: list[Value] = []
    if type(dl) is not Zero:
        terms.append(conv(dl, rhs, letters, windows))
    if type(dr) is not Zero:
        terms.append(conv(lhs, dr, letters, windows))
    return [add(*terms) if len(terms) == 2 else terms[0] if terms else Zero(typeof(outs[0]))]


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, letters: str,
               windows: tuple[Window, ...]) -> Sequence[Value | None]:
    """With o places, stride s, kernel element k (dilation d) and array element i (spread e): o s + k d = i e + low.

    To the array: the cotangent, s apart, meets the reversed kernel, and steps by e. To the kernel: the array meets the
    cotangent as a kernel of dilation s, and steps by d.
    """
    lhs, rhs = args
    names = Letters.of(letters)
    ct, back = cts[0], list[Value | None]([None, None])
    avals = [x.aval if is_linear(x) else typeof(x) for x in args]
    left, right = [dict(zip(x, a.shape, strict=True)) for x, a in zip((names.lhs, names.rhs), avals, strict=True)]
    places = dict(zip(names.out, typeof(ct).shape, strict=True))
    if is_linear(lhs):
        turned: list[Window] = []
        for w in windows:
            array, kernel, out = _spans(w, left, right, places)
            low = kernel - w.low - 1
            turned.append(replace(w, stride=w.spread, spread=w.stride, low=low, high=array + kernel - 1 - out - low))
        reverse = ops.rev(rhs, [names.rhs.index(w.letter) for w in windows])
        back[0] = _or_zeros(lhs.aval, ct, reverse, Letters(names.out, names.rhs, names.lhs), turned)
    if is_linear(rhs):
        turned = []
        for w in windows:
            array, kernel, out = _spans(w, left, right, places)
            turned.append(replace(w, stride=w.dilation, dilation=w.stride, high=out + kernel - 1 - array - w.low))
        back[1] = _or_zeros(rhs.aval, lhs, ct, Letters(names.lhs, names.out, names.rhs), turned)
    return back


def _spans(w: Window, left: dict[str, int], right: dict[str, int], places: dict[str, int]) -> tuple[int, int, int]:
    """How many positions the array, the kernel and the result take."""
    return (spread_size(left[w.letter], w.spread), spread_size(right[w.letter], w.dilation),
            spread_size(places[w.letter], w.stride))


def _or_zeros(aval: ShapedArray, lhs: Value, rhs: Value, names: Letters, windows: Sequence[Window]) -> Value:
    if not typeof(lhs).size or not typeof(rhs).size:
        return full(aval.shape, 0, aval.dtype)
    return conv(lhs, rhs, names.text, windows)


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, letters: str,
           windows: tuple[Window, ...]) -> tuple[Sequence[Value], Dims]:
    names = Letters.of(letters)
    new = unused(letters)
    lhs, rhs = [x if d is None else new + x for x, d in zip((names.lhs, names.rhs), dims, strict=True)]
    return [conv(args[0], args[1], Letters(lhs, rhs, new + names.out).text, windows)], [0]


conv_p = Primitive("conv", _abstract, _impl, Rewritten(_jaxpr), _batch, _jvp, transpose=_transpose)


def conv(lhs: Value, rhs: Value, letters: str, windows: Sequence[Window]) -> Value:
    """Sums of products of `lhs` with `rhs` at all places along the windows' axes.

    `letters` names the axes as einsum does. A letter that both operands have is contracted if the result lacks it, and
    shared (a group) if not. 16-bit floats are multiplied and summed in f32.
    Raises ShapeError if sizes or dtypes do not agree.

    >>> conv(np.float32([1, 2, 3, 4]), np.float32([1, 10]), "x,x->x", [Window("x")]).tolist()
    [21.0, 32.0, 43.0]
    """
    return bind1(conv_p, lhs, rhs, letters=letters, windows=tuple(windows))
