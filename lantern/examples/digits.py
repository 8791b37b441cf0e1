"""Handwritten digits: a small network learns to read the 1,797 images that scikit-learn ships.

    python -m lantern.examples.digits [--device cpu|gpu] [--seed N] [--steps N] [--quick]

The whole update step is one compiled program: it draws a batch, differentiates the mean of a per-example loss, and
moves the parameters. Sizes have names (`Batch`, `Pixels`, ...), so a type checker knows the shape of every array below.
"""
from __future__ import annotations

import argparse
import math
import sys
import textwrap
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVarTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import nn, random, tree
from lantern.backends.base import Device
from lantern.devices import default_device_and_reason, find_device
from lantern.errors import DeviceError, MissingExtraError
from lantern.extras import require_extra
from lantern.typing import Array, Dim, Float, Int

Report = Callable[[int, float], None]
Shape = TypeVarTuple("Shape")


class Train(Dim):
    """Images to learn from."""


class Test(Dim):
    """Images kept aside to measure how well it went."""


class Batch(Dim):
    """Images of one step."""


class Pixels(Dim):
    """8x8 grey values, one after the other."""


class Hidden(Dim):
    """Units between the pixels and the answer."""


class Classes(Dim):
    """The digits 0 to 9."""


BATCH, PIXELS, HIDDEN, CLASSES = Batch(64), Pixels(64), Hidden(128), Classes(10)
LEARNING_RATE = 0.2
MOMENTUM = 0.9
TEST_EVERY = 5      # every fifth image is a test image: a fixed split
STEPS, QUICK_STEPS = 1000, 300


class Data(NamedTuple):
    """The images, scaled to 0..1, and the digits they show."""

    train_images: Float[Train, Pixels]
    train_labels: Int[Train]
    test_images: Float[Test, Pixels]
    test_labels: Int[Test]


class Params(NamedTuple):
    """What is learnt: two layers. Any pytree would do."""

    hidden_weight: Float[Pixels, Hidden]
    hidden_bias: Float[Hidden]
    output_weight: Float[Hidden, Classes]
    output_bias: Float[Classes]


class State(NamedTuple):
    """What a step turns into the next: the parameters and their velocities."""

    params: Params
    velocity: Params


class Result(NamedTuple):
    """What `train` returns: the parameters, the loss of each step, and the answer for each test image."""

    params: Params
    losses: list[float]
    answers: np.ndarray[Any, Any]
    accuracy: float


def load() -> Data:
    """The digits of scikit-learn, split into 1,437 training and 360 test images.

    Raises MissingExtraError if scikit-learn is not installed.
    """
    digits = require_extra("sklearn.datasets").load_digits()
    images = np.asarray(digits.data, np.float32) / 16
    labels = np.asarray(digits.target, np.int32)
    test = np.arange(len(labels)) % TEST_EVERY == 0
    parts = [jnp.asarray(part) for part in (images[~test], labels[~test], images[test], labels[test])]
    return Data(*parts)


def initial_params(key: Array) -> Params:
    """Random weights, scaled so that signals neither grow nor fade (He et al., 2015); biases start at zero."""
    hidden_key, output_key = random.split(key)
    return Params(
        random.normal(hidden_key, (PIXELS, HIDDEN)) * math.sqrt(2 / PIXELS),
        jnp.zeros((HIDDEN,)),
        random.normal(output_key, (HIDDEN, CLASSES)) * math.sqrt(2 / HIDDEN),
        jnp.zeros((CLASSES,)))


def scores(params: Params, image: Float[Pixels]) -> Float[Classes]:
    """How much one image looks like each digit (logits)."""
    hidden = nn.relu(image @ params.hidden_weight + params.hidden_bias)
    return hidden @ params.output_weight + params.output_bias


def example_loss(params: Params, image: Float[Pixels], label: Int[()]) -> Float[()]:
    """Cross entropy of one image: minus the log-probability of the right digit."""
    return -(nn.log_softmax(scores(params, image)) * nn.one_hot(label, CLASSES)).sum()


def batch_loss(params: Params, images: Float[Batch, Pixels], labels: Int[Batch]) -> Float[()]:
    """The mean over a batch; `vmap` runs the per-example loss on all images at once."""
    return lantern.vmap(example_loss, in_axes=(None, 0, 0))(params, images, labels).mean()


def accelerate(velocity: Float[*Shape], gradient: Float[*Shape]) -> Float[*Shape]:
    """The velocity forgets a little and is pulled down the slope."""
    return MOMENTUM * velocity - LEARNING_RATE * gradient


def move(parameter: Float[*Shape], velocity: Float[*Shape]) -> Float[*Shape]:
    """One step along the velocity."""
    return parameter + velocity


@lantern.jit
def update(state: State, data: Data, key: Array) -> tuple[State, Float[()]]:
    """One step of gradient descent with momentum on a random batch: (next state, loss before the step)."""
    chosen = random.randint(key, (BATCH,), 0, data.train_labels.shape[0])
    images, labels = jnp.take(data.train_images, chosen, axis=0), jnp.take(data.train_labels, chosen, axis=0)
    loss, gradient = lantern.value_and_grad(batch_loss)(state.params, images, labels)
    velocity = tree.map(accelerate, state.velocity, gradient)
    return State(tree.map(move, state.params, velocity), velocity), loss


@lantern.jit
def answers(params: Params, images: Float[Test, Pixels]) -> Int[Test]:
    """The digit with the highest score, for each image."""
    return lantern.vmap(scores, in_axes=(None, 0))(params, images).argmax(-1)


def quiet(step: int, loss: float) -> None:
    """A report that says nothing."""


def train(data: Data, seed: int = 0, steps: int = STEPS, report: Report = quiet) -> Result:
    """Learn for `steps` steps. The same seed draws the same weights and batches on every device.

    `report(step, loss)` is called now and then; in between nobody waits for the device.
    """
    init_key, batch_key = random.split(random.key(seed))
    params = initial_params(init_key)
    state = State(params, tree.map(jnp.zeros_like, params))
    losses: list[Float[()]] = []
    for step in range(steps):
        state, loss = update(state, data, random.fold_in(batch_key, step))
        losses.append(loss)
        if (step + 1) % max(1, steps // 20) == 0:
            report(step + 1, float(loss))
    found = np.asarray(answers(state.params, data.test_images))
    accuracy = float((found == np.asarray(data.test_labels)).mean())
    return Result(state.params, [float(loss) for loss in losses], found, accuracy)


def confusion(truth: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> str:
    """How often each digit (row) was answered as each digit (column), as text.

    >>> print(confusion(np.array([0, 1, 1]), np.array([0, 1, 7])).splitlines()[2])
        1 |  .   1   .   .   .   .   .   1   .   .
    """
    counts = np.bincount(truth * CLASSES + found, minlength=CLASSES ** 2).reshape(CLASSES, CLASSES)
    head = "      |" + "".join([f"{digit:3} " for digit in range(CLASSES)])
    rows = [f"{digit:5} |" + "".join([f"{count or '.':>3} " for count in row]) for digit, row in enumerate(counts)]
    return "\n".join([line.rstrip() for line in (head, *rows)])


def picture(image: np.ndarray[Any, Any]) -> str:
    """An 8x8 image with values 0..1 as characters, two per pixel.

    >>> print(picture(np.eye(8, dtype=np.float32)).splitlines()[0].rstrip())
    @@
    """
    shades = " .:-=+*#@"
    return "\n".join(["".join([shades[round(float(v) * 8)] * 2 for v in row]) for row in image.reshape(8, 8)])


def mistake(data: Data, found: np.ndarray[Any, Any]) -> str:
    """The first test image that was read wrongly, drawn; or the news that there is none."""
    truth = np.asarray(data.test_labels)
    wrong = (found != truth).nonzero()[0]
    if not len(wrong):
        return "Every test image was read correctly."
    index = int(wrong[0])
    image = textwrap.indent(picture(np.asarray(data.test_images)[index]), "    ")
    return f"One of {len(wrong)} it got wrong: a {truth[index]}, read as a {found[index]}\n{image}"


@contextmanager
def progress(steps: int) -> Generator[Report, None, None]:
    """A progress bar on a terminal, plain lines elsewhere."""
    if not sys.stdout.isatty():
        yield lambda step, loss: print(f"step {step:5}/{steps}  loss {loss:.4f}", flush=True)
        return
    bar = require_extra("rich.progress").Progress()
    with bar:
        task = bar.add_task("training", total=steps)
        yield lambda step, loss: bar.update(task, completed=step, description=f"loss {loss:.4f}")


def run(device: Device, seed: int, steps: int) -> Result:
    """Train on `device` and print how it goes."""
    with lantern.default_device(device):
        data = load()
        sizes = len(data.train_labels), len(data.test_labels)
        print(f"data       {sum(sizes):,} images of 8x8: {sizes[0]:,} to learn from, {sizes[1]} to test on")
        start = time.perf_counter()
        with progress(steps) as report:
            result = train(data, seed, steps, report)
        print(f"time       {time.perf_counter() - start:.1f} s for {steps} steps of {BATCH} images, compiling included")
        print(f"accuracy   {100 * result.accuracy:.1f} % of the test images\n")
        print(f"Rows: the digit; columns: the answer\n{confusion(np.asarray(data.test_labels), result.answers)}\n")
        print(mistake(data, result.answers))
    return result


NEXT = """
What to try next:
    python -m lantern.examples.digits --device gpu    the same numbers from WGSL kernels
    python -m lantern doctor                          which devices there are, and whether they compute correctly
    docs/semantics.md                                 what numbers, arrays and devices do in the corner cases"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser("python -m lantern.examples.digits", description=(__doc__ or "").partition("\n")[0])
    found.add_argument("--device", choices=("cpu", "gpu"), help="where to compute (default: as `lantern doctor` says)")
    found.add_argument("--seed", type=int, default=0, help="draws the weights and the batches (default: 0)")
    found.add_argument("--steps", type=int, help=f"update steps (default: {STEPS})")
    found.add_argument("--quick", action="store_true", help=f"only {QUICK_STEPS} steps")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    options = parser().parse_args(arguments)
    steps: int = options.steps if options.steps is not None else QUICK_STEPS if options.quick else STEPS
    if steps < 1:
        print(f"--steps must be at least 1, got {steps}", file=sys.stderr)
        return 2
    try:
        asked = options.device
        device, reason = (find_device(asked), "asked for with --device") if asked else default_device_and_reason()
        print(f"device     {device}: {device.name} ({reason})")
        run(device, options.seed, steps)
    except (MissingExtraError, DeviceError) as error:
        print(error, file=sys.stderr)
        return 1
    print(NEXT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
