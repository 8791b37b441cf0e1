"""Bayesian logistic regression by Hamiltonian Monte Carlo: not one answer, but how sure one may be of it.

    python -m lantern.examples.hmc [--device cpu|gpu] [--seed N] [--quick]

Which of the 569 breast tumours that scikit-learn ships are malignant, by their measurements? Each proposal is a path
of leapfrog steps, a `scan`, along the gradient of the posterior (Neal, "MCMC using Hamiltonian dynamics", 2011); all
proposals are a `scan`, too, and `vmap` runs several chains. Whether they agree is what R-hat says (Gelman and Rubin,
1992; split chains).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.examples.command import check, command
from lantern.extras import require_extra
from lantern.typing import Array

CHAINS = 4
STEP = 0.12             # how far a leapfrog step goes
LEAPS = 8               # steps of one proposal
PRIOR = 1.0             # the standard deviation of weights before anything is known
TEST_EVERY = 4

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Data(NamedTuple):
    """Measurements, scaled to mean 0 and deviation 1 with a column of ones, and labels 0 or 1."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


class Chains(NamedTuple):
    """Weights (chains, draws, weights), and which proposals were accepted (chains, draws)."""

    weights: Array
    accepted: Array


class Result(NamedTuple):
    """The first draws of all chains, means of the weights, R-hat of each, and the share of right answers."""

    first: Values
    means: Values
    r_hat: Values
    accuracy: float


def load(quick: bool) -> Data:
    """569 tumours; in quick runs every second of them and the first ten measurements."""
    cancer = require_extra("sklearn.datasets").load_breast_cancer()
    rows = np.asarray(cancer.data, np.float64)[::2 if quick else 1, :10 if quick else None]
    labels = np.asarray(cancer.target, np.float32)[::2 if quick else 1]
    scaled = (rows - rows.mean(0)) / rows.std(0)
    columns = np.concatenate([np.ones((len(rows), 1)), scaled], 1).astype(np.float32)
    test = np.arange(len(rows)) % TEST_EVERY == 0
    return Data(*[jnp.asarray(x) for x in (columns[~test], labels[~test], columns[test], labels[test])])


def log_posterior(weights: Array, data: Data) -> Array:
    """Of the weights, but for a constant: a normal prior, and the probabilities of the labels."""
    scores = data.train @ weights
    likelihood = (data.train_labels * scores - nn.softplus(scores)).sum()
    return likelihood - (weights ** 2).sum() / (2 * PRIOR ** 2)


def proposal(key: random.Key, weights: Array, data: Data) -> tuple[Array, Array]:
    """One step of a chain: (the next weights, whether the proposal was accepted)."""
    kick_key, choice_key = random.split(key)
    slope = lantern.grad(log_posterior)

    def leap(state: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        place, speed, force = state
        half = speed + 0.5 * STEP * force
        there = place + STEP * half
        pull = slope(there, data)
        return (there, half + 0.5 * STEP * pull, pull), None

    speed = random.normal(kick_key, weights.shape)
    (there, arrival, _), _ = lax.scan(leap, (weights, speed, slope(weights, data)), None, length=LEAPS)
    before = log_posterior(weights, data) - 0.5 * (speed ** 2).sum()
    after = log_posterior(there, data) - 0.5 * (arrival ** 2).sum()
    accepted = jnp.log(random.uniform(choice_key)) < after - before
    return jnp.where(accepted, there, weights), accepted


def chain(key: random.Key, data: Data, draws: int) -> Chains:
    """Draws from the posterior, one after the other, from a random start."""
    start_key, rest = random.split(key)

    def step(weights: Array, key: random.Key) -> tuple[Array, tuple[Array, Array]]:
        after, accepted = proposal(key, weights, data)
        return after, (after, accepted)

    start = 0.5 * random.normal(start_key, (data.train.shape[1],))
    _, (weights, accepted) = lax.scan(step, start, random.split(rest, draws))
    return Chains(weights, accepted)


def chains(keys: Array, data: Data, draws: int) -> Chains:
    """A chain for each key."""
    def one(key: random.Key) -> Chains:
        return chain(key, data, draws)

    return Chains(*lantern.vmap(one)(keys))


def split_r_hat(draws: Array) -> Array:
    """The deviation of all halves of chains together, over that within them: 1 where they agree.

    >>> halves = np.float32([[0, 1, 0, 1], [5, 6, 5, 6]])
    >>> float(split_r_hat(jnp.asarray(halves)[..., None])[0]) > 2
    True
    """
    half = draws.shape[1] // 2
    parts = draws[:, :2 * half].reshape(-1, half, draws.shape[2])
    within = parts.var(1, ddof=1).mean(0)
    between = parts.mean(1).var(0, ddof=1)
    return jnp.sqrt((half - 1) / half + between / within)


def run(quick: bool = False, seed: int = 0) -> Result:
    """Draw from the posterior, and answer by the mean over all draws."""
    data = load(quick)
    draws = 160 if quick else 1000
    keys = random.split(random.key(seed), CHAINS)
    found = lantern.jit(chains, static_argnums=2)(keys, data, draws)
    kept = found.weights[:, draws // 3:]        # the rest is the way from the start
    r_hat = split_r_hat(kept)
    chances = nn.sigmoid(jnp.einsum("cdw,nw->ncd", kept, data.test)).mean((1, 2))
    accuracy = float(((chances > 0.5) == (data.test_labels > 0.5)).mean())
    print(f"posterior  {CHAINS} chains of {draws} draws, {float(found.accepted.mean()):.0%} of the proposals accepted")
    print(f"answers    {accuracy:.1%} of {len(data.test_labels)} tumours kept aside are named right")
    check("disagreement of the chains (R-hat - 1)", float(r_hat.max()) - 1, at_most=0.1)
    check("tumours named wrongly", 1 - accuracy, at_most=0.12)
    return Result(np.asarray(found.weights[:, :5]), np.asarray(kept.mean((0, 1))), np.asarray(r_hat), accuracy)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("hmc", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
