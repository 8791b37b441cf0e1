"""A language model as people write it, with every shape named: attention, layers by scan, Adam, sampling."""
from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVarTuple, assert_type

import lantern
import lantern.numpy as jnp
from lantern import lax, nn, random, tree
from lantern.typing import Array, Bool, Dim, Float, Int


class Batch(Dim):
    """Texts."""


class Time(Dim):
    """Positions in a text."""


class Past(Dim):
    """Positions that are looked at."""


class Vocabulary(Dim):
    """Different symbols."""


class Width(Dim):
    """Features of a position."""


class Heads(Dim):
    """Attention heads."""


class Size(Dim):
    """Features of a head."""


class Inner(Dim):
    """Units of the layer in between."""


class Layers(Dim):
    """Blocks, one after the other."""


Shape = TypeVarTuple("Shape")
BATCH, TIME, VOCABULARY, WIDTH = Batch(4), Time(8), Vocabulary(32), Width(16)
HEADS, SIZE, INNER, LAYERS = Heads(2), Size(8), Inner(32), Layers(2)
EPSILON = 1e-5


class Attention(NamedTuple):
    """Projections to queries, keys and values, and back."""

    query: Float[Width, Heads, Size]
    key: Float[Width, Heads, Size]
    value: Float[Width, Heads, Size]
    out: Float[Heads, Size, Width]


class Dense(NamedTuple):
    """Two layers."""

    up: Float[Width, Inner]
    up_bias: Float[Inner]
    down: Float[Inner, Width]
    down_bias: Float[Width]


class Norm(NamedTuple):
    """Layer normalisation."""

    scale: Float[Width]
    offset: Float[Width]


class Block(NamedTuple):
    """One layer of the model."""

    attention_norm: Norm
    attention: Attention
    dense_norm: Norm
    dense: Dense


class Model(NamedTuple):
    """All parameters."""

    tokens: Float[Vocabulary, Width]
    positions: Float[Time, Width]
    first: Block
    second: Block
    norm: Norm


class Moments(NamedTuple):
    """What Adam keeps."""

    step: Int[()]
    mean: Model
    square: Model


# parameters

def scaled(key: Array, shape: tuple[Width, Heads, Size]) -> Float[Width, Heads, Size]:
    """Weights of a projection."""
    return random.normal(key, shape) * (1.0 / math.sqrt(WIDTH))


def attention_params(key: Array) -> Attention:
    """Random projections."""
    query, first, second, last = random.split(key, 4)
    shape = (WIDTH, HEADS, SIZE)
    out = random.normal(last, (HEADS, SIZE, WIDTH)) * (1.0 / math.sqrt(WIDTH))
    return Attention(scaled(query, shape), scaled(first, shape), scaled(second, shape), out)


def dense_params(key: Array) -> Dense:
    """Random layers."""
    up, down = random.split(key)
    return Dense(
        random.normal(up, (WIDTH, INNER)) * math.sqrt(2 / WIDTH), jnp.zeros((INNER,)),
        random.normal(down, (INNER, WIDTH)) * math.sqrt(2 / INNER), jnp.zeros((WIDTH,)))


def norm_params() -> Norm:
    """As if there were none."""
    return Norm(jnp.ones((WIDTH,)), jnp.zeros((WIDTH,)))


def block_params(key: Array) -> Block:
    """One layer."""
    first, second = random.split(key)
    return Block(norm_params(), attention_params(first), norm_params(), dense_params(second))


def model_params(key: Array) -> Model:
    """The whole model."""
    tokens, positions, first, second = random.split(key, 4)
    return Model(
        random.normal(tokens, (VOCABULARY, WIDTH)) * 0.1,
        random.normal(positions, (TIME, WIDTH)) * 0.1,
        block_params(first),
        block_params(second),
        norm_params())


# layers

def normalise(norm: Norm, x: Float[*Shape, Width]) -> Float[*Shape, Width]:
    """Mean 0 and variance 1 at each position, then scaled."""
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred * lax.rsqrt(variance + EPSILON) * norm.scale + norm.offset


def causal_mask(size: Time) -> Bool[Time, Time]:
    """Which positions each position may look at."""
    rows = jnp.arange(size)
    assert_type(rows, Int[Time])
    mask = rows[:, None] >= rows
    assert_type(mask, Bool[Time, Time])
    return mask


def heads_first(x: Float[Time, Heads, Size]) -> Float[Heads, Time, Size]:
    """Heads as a batch."""
    return jnp.swapaxes(x, 0, 1)


def project(x: Float[Time, Width], w: Float[Width, Heads, Size]) -> Float[Heads, Time, Size]:
    """Queries, keys or values of one text."""
    flat = x @ w.reshape((WIDTH, Inner(HEADS * SIZE)))
    assert_type(flat, Float[Time, Inner])
    return heads_first(flat.reshape((TIME, HEADS, SIZE)))


def attend(p: Attention, x: Float[Time, Width]) -> Float[Time, Width]:
    """Causal self-attention of one text."""
    q, k, v = project(x, p.query), project(x, p.key), project(x, p.value)
    assert_type(q, Float[Heads, Time, Size])
    scores = q @ k.mT * (1.0 / math.sqrt(SIZE))
    assert_type(scores, Float[Heads, Time, Time])
    masked = jnp.where(causal_mask(TIME), scores, -1e9)
    assert_type(masked, Float[Heads, Time, Time])
    weights = nn.softmax(masked, axis=-1)
    assert_type(weights, Float[Heads, Time, Time])
    mixed = weights @ v
    assert_type(mixed, Float[Heads, Time, Size])
    out = mixed @ p.out
    assert_type(out, Float[Heads, Time, Width])
    total = out.sum(0)
    assert_type(total, Float[Time, Width])
    return total


def dense(p: Dense, x: Float[*Shape, Width]) -> Float[*Shape, Width]:
    """Two layers at each position."""
    return nn.gelu(x @ p.up + p.up_bias) @ p.down + p.down_bias


def block(p: Block, x: Float[Time, Width]) -> Float[Time, Width]:
    """One layer, with its residuals."""
    x = x + attend(p.attention, normalise(p.attention_norm, x))
    return x + dense(p.dense, normalise(p.dense_norm, x))


def logits(model: Model, text: Int[Time]) -> Float[Time, Vocabulary]:
    """Scores of the next symbol at each position."""
    embedded = model.tokens[text]
    assert_type(embedded, Float[Time, Width])
    x = embedded + model.positions
    x = block(model.second, block(model.first, x))
    scores = normalise(model.norm, x) @ model.tokens.T
    assert_type(scores, Float[Time, Vocabulary])
    return scores


# loss and gradient

def text_loss(model: Model, text: Int[Time]) -> Float[()]:
    """Cross entropy of the next symbol."""
    wanted = jnp.roll(text, -1)
    assert_type(wanted, Int[Time])
    picked = nn.log_softmax(logits(model, text)) * nn.one_hot(wanted, VOCABULARY)
    assert_type(picked, Float[Time, Vocabulary])
    losses = -picked.sum(-1)
    assert_type(losses, Float[Time])
    return losses.mean()


def batch_loss(model: Model, texts: Int[Batch, Time]) -> Float[()]:
    """The mean over the texts."""
    losses = lantern.vmap(text_loss, in_axes=(None, 0))(model, texts)
    assert_type(losses, Float[Batch])
    return losses.mean()


def accuracy(model: Model, texts: Int[Batch, Time]) -> Float[()]:
    """How many next symbols are right."""
    scores = lantern.vmap(logits, in_axes=(None, 0))(model, texts)
    assert_type(scores, Float[Batch, Time, Vocabulary])
    answers = scores.argmax(-1)
    assert_type(answers, Int[Batch, Time])
    right = answers == jnp.roll(texts, -1, axis=1)
    assert_type(right, Bool[Batch, Time])
    return right.mean()


def norm_of(gradient: Model) -> Float[()]:
    """The length of all gradients together."""
    total = jnp.zeros(())
    for leaf in tree.leaves(gradient):
        total = total + jnp.square(leaf).sum()
    return jnp.sqrt(total)


def first_moments(model: Model) -> Moments:
    """Adam before the first step."""
    return Moments(jnp.zeros((), jnp.int32), tree.map(jnp.zeros_like, model), tree.map(jnp.zeros_like, model))


def smoothed(old: Float[*Shape], new: Float[*Shape], rate: float) -> Float[*Shape]:
    """An exponential average."""
    return rate * old + (1.0 - rate) * new


def moved(x: Float[*Shape], mean: Float[*Shape], square: Float[*Shape], rate: Float[()]) -> Float[*Shape]:
    """One parameter after one step."""
    return x - rate * mean / (jnp.sqrt(square) + 1e-8)


@lantern.jit
def train_step(model: Model, moments: Moments, texts: Int[Batch, Time]) -> tuple[Model, Moments, Float[()]]:
    """Loss, gradient, clipping and Adam, one program."""
    loss, gradient = lantern.value_and_grad(batch_loss)(model, texts)
    assert_type(loss, Float[()])
    assert_type(gradient, Model)
    assert_type(gradient.first.attention.query, Float[Width, Heads, Size])
    factor = jnp.minimum(1.0, 1.0 / norm_of(gradient))
    assert_type(factor, Float[()])
    gradient = tree.map(lambda g: g * factor, gradient)
    step = moments.step + 1
    assert_type(step, Int[()])
    mean = tree.map(lambda m, g: smoothed(m, g, 0.9), moments.mean, gradient)
    square = tree.map(lambda s, g: smoothed(s, jnp.square(g), 0.999), moments.square, gradient)
    rate = 0.01 * jnp.sqrt(1.0 - 0.999 ** step) / (1.0 - 0.9 ** step)
    assert_type(rate, Float[()])
    model = tree.map(lambda x, m, s: moved(x, m, s, rate), model, mean, square)
    return model, Moments(step, mean, square), loss


# sampling

def next_symbol(model: Model, text: Int[Time], position: Int[()], key: Array) -> Int[()]:
    """Drawn from what the model says of one position."""
    scores = logits(model, text)[position]
    assert_type(scores, Float[Vocabulary])
    noise = random.uniform(key, (VOCABULARY,), minval=1e-6, maxval=1.0)
    assert_type(noise, Float[Vocabulary])
    symbol = (scores - jnp.log(-jnp.log(noise))).argmax()
    assert_type(symbol, Int[()])
    return symbol


def continued(model: Model, text: Int[Time], key: Array) -> Int[Time]:
    """The text with all symbols after the first one drawn anew."""
    def extend(known: Int[Time], position: Int[()]) -> tuple[Int[Time], Int[()]]:
        symbol = next_symbol(model, known, position, random.fold_in(key, position))
        following = known.at[position + 1].set(symbol)
        assert_type(following, Int[Time])
        return following, symbol

    final, symbols = lax.scan(extend, text, jnp.arange(TIME))
    assert_type(final, Int[Time])
    assert_type(symbols, Int[Time])
    return final


# per-example gradients, sensitivity, ensembles

def gradient_norms(model: Model, texts: Int[Batch, Time]) -> Float[Batch]:
    """How hard each text pulls."""
    def pull(model: Model, text: Int[Time]) -> Float[()]:
        return norm_of(lantern.grad(text_loss)(model, text))

    norms = lantern.vmap(pull, in_axes=(None, 0))(model, texts)
    assert_type(norms, Float[Batch])
    return norms


def sensitivity(p: Norm, x: Float[Width]) -> Float[Width, Width]:
    """The Jacobian of the normalisation."""
    def of_features(features: Float[Width]) -> Float[Width]:
        return normalise(p, features)

    jacobian = lantern.jacrev(of_features)(x)
    assert_type(jacobian, Float[Width, Width])
    return jacobian


def cross(q: Float[Heads, Time, Size], k: Float[Heads, Past, Size], v: Float[Heads, Past, Size],
          seen: Bool[Past]) -> Float[Heads, Time, Size]:
    """Attention to another text, some of whose positions are padding."""
    scores = q @ k.mT
    assert_type(scores, Float[Heads, Time, Past])
    weights = nn.softmax(jnp.where(seen, scores, -1e9))
    assert_type(weights, Float[Heads, Time, Past])
    return weights @ v


def main() -> None:
    """Three steps, and a text."""
    model = model_params(random.key(0))
    assert_type(model.tokens.shape, tuple[Vocabulary, Width])
    texts = random.randint(random.key(1), (BATCH, TIME), 0, VOCABULARY)
    assert_type(texts, Int[Batch, Time])
    moments = first_moments(model)
    losses: list[float] = []
    for _ in range(3):
        model, moments, loss = train_step(model, moments, texts)
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    assert continued(model, texts[0], random.key(2)).shape == (TIME,)
    assert gradient_norms(model, texts).shape == (BATCH,)
    assert sensitivity(model.norm, jnp.arange(WIDTH).astype(jnp.float32)).shape == (WIDTH, WIDTH)
    assert float(accuracy(model, texts)) >= 0.0
    past: Float[Heads, Past, Size] = jnp.ones((HEADS, Past(3), SIZE))
    assert cross(jnp.ones((HEADS, TIME, SIZE)), past, past, jnp.ones((Past(3),), bool)).shape == (HEADS, TIME, SIZE)
    described: dict[str, Any] = {"parameters": sum([leaf.size for leaf in tree.leaves(model)])}
    assert described["parameters"] > 0


main()
