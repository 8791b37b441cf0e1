"""A recurrent network learns a text by heart, one character after the other, by truncated backpropagation through time.

    python -m lantern.examples.char_rnn [--device cpu|gpu] [--seed N] [--quick]

The text is cut into a few strips, which `vmap` reads side by side, each in one scan. `lax.truncated_scan` cuts the
gradient every few characters (Williams and Peng, 1990): what is remembered goes on, its derivative does not, so no
error is sent further back than that. Afterwards the network recites.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.examples import adam
from lantern.examples.command import check, command
from lantern.typing import Array, Dim, Float, Int

TEXT = """the lantern swings above the door, the door is never closed;
the moth that circles round the flame is never quite composed.
the flame is small, the night is wide, the moth is all alone;
it reads the letters of the dark by light that is its own.
"""
ALPHABET = "".join(sorted(set(TEXT)))
STRIPS = 5              # of the text, read side by side
EVERY = 12              # characters between two cuts
RATE = 0.01


class Strips(Dim):
    """Parts of the text."""


class Characters(Dim):
    """Places in a strip."""


class Letters(Dim):
    """The different characters."""


class Hidden(Dim):
    """What the network remembers."""


HIDDEN, LETTERS = Hidden(64), Letters(len(ALPHABET))


class Params(NamedTuple):
    """A plain recurrent layer and a layer that reads it."""

    embed: Float[Letters, Hidden]
    recur: Float[Hidden, Hidden]
    bias: Float[Hidden]
    read: Float[Hidden, Letters]
    read_bias: Float[Letters]


class Result(NamedTuple):
    """The loss of each step, and how the network goes on after the first words."""

    losses: list[float]
    continuation: str


def strips(text: str) -> Int[Strips, Characters]:
    """The numbers of the characters, in strips of equal length; the last characters fall off."""
    width = len(text) // STRIPS
    numbers = jnp.array([ALPHABET.index(c) for c in text[:STRIPS * width]])
    return numbers.reshape(STRIPS, width)


def initial_params(key: Array) -> Params:
    """Small random weights; the recurrent ones keep the size of what passes through them."""
    k1, k2, k3 = random.split(key, 3)
    return Params(
        random.normal(k1, (LETTERS, HIDDEN)) * 0.5,
        random.normal(k2, (HIDDEN, HIDDEN)) / math.sqrt(HIDDEN),
        jnp.zeros((HIDDEN,)),
        random.normal(k3, (HIDDEN, LETTERS)) / math.sqrt(HIDDEN),
        jnp.zeros((LETTERS,)))


def tick(params: Params, hidden: Float[Hidden], letter: Int[()]) -> tuple[Float[Hidden], Float[Letters]]:
    """(what is remembered after a letter, scores of the next one)."""
    hidden = jnp.tanh(params.embed[letter] + hidden @ params.recur + params.bias)
    return hidden, hidden @ params.read + params.read_bias


def strip_loss(params: Params, strip: Int[Characters], every: int = EVERY) -> Float[()]:
    """The mean cross entropy of each character, given all before it; gradients reach back less than `every` of them."""
    def step(hidden: Float[Hidden], letters: tuple[Int[()], Int[()]]) -> tuple[Float[Hidden], Float[()]]:
        here, following = letters
        hidden, scores = tick(params, hidden, here)
        return hidden, -nn.log_softmax(scores)[following]

    _, losses = lax.truncated_scan(step, jnp.zeros((HIDDEN,)), (strip[:-1], strip[1:]), every=every)
    return losses.mean()


def loss(params: Params, text: Int[Strips, Characters]) -> Float[()]:
    """The mean over the strips."""
    return lantern.vmap(strip_loss, in_axes=(None, 0))(params, text).mean()


@lantern.jit
def update(state: adam.State[Params], text: Int[Strips, Characters]) -> tuple[adam.State[Params], Float[()]]:
    """One step of Adam: (next state, loss before it)."""
    value, slope = lantern.value_and_grad(loss)(state.params, text)
    return adam.move(state, slope, RATE), value


@lantern.jit(static_argnames=("count",))
def continued(params: Params, start: Int[Characters], count: int) -> Array:
    """The likeliest `count` letters after a text, each fed back."""
    def read(hidden: Float[Hidden], letter: Int[()]) -> tuple[Float[Hidden], Int[()]]:
        hidden, scores = tick(params, hidden, letter)
        return hidden, scores.argmax()

    def write(state: tuple[Float[Hidden], Int[()]], _: None) -> tuple[tuple[Float[Hidden], Int[()]], Int[()]]:
        hidden, scores = tick(params, *state)
        following = scores.argmax()
        return (hidden, following), state[1]

    hidden, guesses = lax.scan(read, jnp.zeros((HIDDEN,)), start)
    _, letters = lax.scan(write, (hidden, guesses[-1]), None, length=count)
    return letters


def run(quick: bool = False, seed: int = 0) -> Result:
    """Learn the text, then recite it."""
    steps = 100 if quick else 500
    text = strips(TEXT)
    params = initial_params(random.key(seed))
    state, losses = adam.start(params), list[Array]()
    print(f"text       {len(TEXT)} characters, {len(ALPHABET)} different; guessing costs {math.log(len(ALPHABET)):.3f}")
    for k in range(steps):
        state, value = update(state, text)
        losses.append(value)
        if (k + 1) % (steps // 5) == 0:
            print(f"step {k + 1:5}/{steps}  loss {float(value):.4f}")
    numbers = [float(x) for x in np.asarray(jnp.stack(losses))]
    start = 12
    letters = np.asarray(continued(state.params, text[0, :start], count=text.shape[1] - start))
    continuation = "".join([ALPHABET[int(k)] for k in letters])
    print(f"recites    {TEXT[:start]!r} {continuation!r}")
    check("loss at the end", numbers[-1], at_most=1.0 if quick else 0.2)
    return Result(numbers, continuation)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("char_rnn", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
