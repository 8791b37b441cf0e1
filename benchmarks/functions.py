"""The functions that are timed: once for lantern and JAX, which share names; by hand for NumPy and PyTorch."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Params = dict[str, Any]
F32 = np.float32
RATE = 0.1


@dataclass(frozen=True, slots=True)
class Library:
    """lantern or JAX: the package, its NumPy, and how arrays come to the device and are waited for."""

    package: Any
    numpy: Any
    put: Callable[[Array], Any]
    wait: Callable[[Any], Any]


def gelu(np_: Any) -> Callable[[Any], Any]:
    """The tanh form: eight operations that fuse into one kernel."""
    return lambda x: 0.5 * x * (1.0 + np_.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def softmax(np_: Any) -> Callable[[Any], Any]:
    """Over the last axis."""
    def f(x: Any) -> Any:
        e = np_.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)
    return f


def loss(np_: Any) -> Callable[[Params, Any, Any], Any]:
    """Mean cross entropy of a network with one hidden layer; `y` is one-hot."""
    def f(p: Params, x: Any, y: Any) -> Any:
        hidden = np_.maximum(x @ p["w1"] + p["b1"], 0.0)
        scores = hidden @ p["w2"] + p["b2"]
        shifted = scores - scores.max(-1, keepdims=True)
        return -(y * (shifted - np_.log(np_.exp(shifted).sum(-1, keepdims=True)))).sum(-1).mean()
    return f


def sgd_step(lib: Library) -> Callable[[Params, Any, Any], Any]:
    """One step of gradient descent: (new parameters, loss)."""
    value_and_grad = lib.package.value_and_grad(loss(lib.numpy))

    def step(p: Params, x: Any, y: Any) -> Any:
        value, gradient = value_and_grad(p, x, y)
        return {k: p[k] - RATE * gradient[k] for k in p}, value
    return step


STEPS = 1000
EQUATIONS = 13      # in `cell`, as they are traced


def cell(np_: Any) -> Callable[[Any, Any], Any]:
    """A recurrent cell with a gate, without matrices: what a step costs is what its operations cost."""
    def f(carry: Any, x: Any) -> Any:
        h, c = carry
        gate = 1.0 / (1.0 + np_.exp(-(x + h * 0.5)))
        c = gate * c + (1.0 - gate) * np_.tanh(x)
        h = gate * np_.tanh(c)
        return (h, c), h
    return f


def scanned(lib: Library) -> Callable[[Any, Any], Any]:
    """The cell along the first axis of xs: its state after each step."""
    step = cell(lib.numpy)
    return lambda start, xs: lib.package.lax.scan(step, (start, start), xs)[1]


def deep_loss(np_: Any) -> Callable[[Sequence[tuple[Any, Any]], Any], Any]:
    """A network of many equal layers: what tracing and compiling cost is seen here."""
    def f(layers: Sequence[tuple[Any, Any]], x: Any) -> Any:
        for w, b in layers:
            x = np_.tanh(x @ w + b)
        return (x * x).sum()
    return f


def digits(batch: int = 128, hidden: int = 128) -> tuple[Params, Array, Array]:
    """Parameters and a batch of the sizes of the digits example."""
    random = np.random.default_rng(0)
    params = {"w1": random.normal(size=(64, hidden)).astype(F32) / 8, "b1": np.zeros(hidden, F32),
              "w2": random.normal(size=(hidden, 10)).astype(F32) / 8, "b2": np.zeros(10, F32)}
    x = random.normal(size=(batch, 64)).astype(F32)
    return params, x, np.eye(10, dtype=F32)[random.integers(0, 10, batch)]


# By hand, with buffers that are used again: what NumPy can do at its best.


def numpy_gelu(x: Array) -> Callable[[], Array]:
    """In place in two buffers."""
    out, t = np.empty_like(x), np.empty_like(x)
    half, one, scale, cubic = [np.array(v, F32) for v in (0.5, 1.0, 0.7978845608, 0.044715)]

    def f() -> Array:
        np.multiply(x, x, out=t)
        np.multiply(t, x, out=t)
        np.multiply(t, cubic, out=t)
        np.add(t, x, out=t)
        np.multiply(t, scale, out=t)
        np.tanh(t, out=t)
        np.add(t, one, out=t)
        np.multiply(t, x, out=t)
        return np.multiply(t, half, out=out)
    return f


def numpy_softmax(x: Array) -> Callable[[], Array]:
    """In place in the result."""
    out, line = np.empty_like(x), np.empty((*x.shape[:-1], 1), x.dtype)

    def f() -> Array:
        np.max(x, axis=-1, out=line, keepdims=True)
        np.subtract(x, line, out=out)
        np.exp(out, out=out)
        np.sum(out, axis=-1, out=line, keepdims=True)
        return np.divide(out, line, out=out)
    return f


def numpy_scanned(start: Array, xs: Array) -> Callable[[], Array]:
    """A Python loop over rows; every operation writes into a buffer."""
    ys, h0, c = np.empty_like(xs), start.copy(), start.copy()
    gate, t = np.empty_like(start), np.empty_like(start)
    half, one = np.array(0.5, F32), np.array(1.0, F32)

    def f() -> Array:
        np.copyto(c, start)
        h = h0
        for x, y in zip(xs, ys, strict=True):
            np.multiply(h, half, gate)
            np.add(x, gate, gate)
            np.negative(gate, gate)
            np.exp(gate, gate)
            np.add(one, gate, gate)
            np.divide(one, gate, gate)
            np.multiply(gate, c, c)
            np.subtract(one, gate, t)
            np.tanh(x, y)
            np.multiply(t, y, t)
            np.add(c, t, c)
            np.tanh(c, t)
            np.multiply(gate, t, y)
            h = y
        return ys
    return f


def numpy_sgd_step(params: Params, x: Array, y: Array) -> Callable[[], float]:
    """The whole step in place, the parameters too."""
    w1, b1, w2, b2 = [params[k].copy() for k in ("w1", "b1", "w2", "b2")]
    batch, hidden = x.shape[0], w1.shape[1]
    h, dh, positive = np.empty((batch, hidden), F32), np.empty((batch, hidden), F32), np.empty((batch, hidden), bool)
    scores, e, line = np.empty((batch, 10), F32), np.empty((batch, 10), F32), np.empty((batch, 1), F32)
    g1, g2, gb1, gb2 = [np.empty_like(p) for p in (w1, w2, b1, b2)]
    rate, mean, zero = np.array(RATE, F32), np.array(1 / batch, F32), np.array(0, F32)

    def f() -> float:
        np.dot(x, w1, out=h)
        np.add(h, b1, out=h)
        np.maximum(h, zero, out=h)
        np.dot(h, w2, out=scores)
        np.add(scores, b2, out=scores)
        np.max(scores, axis=1, out=line, keepdims=True)
        np.subtract(scores, line, out=scores)
        np.exp(scores, out=e)
        np.sum(e, axis=1, out=line, keepdims=True)
        np.divide(e, line, out=e)
        np.log(line, out=line)
        np.subtract(scores, line, out=scores)
        np.multiply(scores, y, out=scores)
        value = -float(scores.sum()) / batch
        np.subtract(e, y, out=e)
        np.multiply(e, mean, out=e)
        np.dot(h.T, e, out=g2)
        np.sum(e, axis=0, out=gb2)
        np.dot(e, w2.T, out=dh)
        np.greater(h, zero, out=positive)
        np.multiply(dh, positive, out=dh)
        np.dot(x.T, dh, out=g1)
        np.sum(dh, axis=0, out=gb1)
        for p, g in ((w1, g1), (b1, gb1), (w2, g2), (b2, gb2)):
            np.multiply(g, rate, out=g)
            np.subtract(p, g, out=p)
        return value
    return f


def torch_sgd_step(torch: Any, params: Params, x: Any, y: Any, device: str) -> Callable[[], Any]:
    """The same step in PyTorch, eager, with its own optimizer."""
    w1, b1, w2, b2 = [torch.tensor(params[k], device=device, requires_grad=True) for k in ("w1", "b1", "w2", "b2")]
    optimizer = torch.optim.SGD([w1, b1, w2, b2], lr=RATE)

    def f() -> Any:
        optimizer.zero_grad()
        scores = torch.relu(x @ w1 + b1) @ w2 + b2
        value = -(y * torch.log_softmax(scores, -1)).sum(-1).mean()
        value.backward()
        optimizer.step()
        return value
    return f
