"""A second process: loads functions that it has never seen the source of, runs them, and writes what they give.

    python second.py FOLDER DEVICE

Each NAME.lantern of the folder is called with the arrays of NAME.args.npz; what it gives goes to NAME.DEVICE.npz.
"""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import lantern
from lantern import export, tree


def main(folder: Path, device: str) -> None:
    with lantern.default_device(device):
        for path in sorted(folder.glob("*.lantern")):
            exported = export.load(path)
            with np.load(path.with_suffix(".args.npz")) as given:
                leaves = [given[k] for k in given]
            args = [lantern.random.key(int(x)) if "key" in str(a) else lantern.numpy.asarray(x)
                    for x, a in zip(leaves, exported.in_avals, strict=True)]
            args, kwargs = tree.unflatten(exported.in_tree, args)
            outs = tree.leaves(exported.call(*args, **kwargs))
            slopes = []
            if path.name.startswith("grad_"):
                slopes = [lantern.grad(exported.call)(*args, **kwargs),
                          lantern.vmap(exported.call)(*[lantern.numpy.stack([x, 2.0 * x]) for x in args])]
            np.savez(path.with_suffix(f".{device}.npz"), *map(np.asarray, [*outs, *slopes]))
            if exported.donated:
                assert leaves and tree.leaves((args, kwargs))[exported.donated[0]].is_deleted(), path


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
