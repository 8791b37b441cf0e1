"""The name clash: another distribution, called `lantern`, installs a package of the same import name."""
from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

# Folders of metadata as pip writes them; our own begins with `lantern_jit-`.
_ENDINGS = (".dist-info", ".egg-info")


def warn_if_clashing(folders: Sequence[str] | None = None) -> None:
    """Warn if the distribution `lantern` is installed in one of `folders` (default: sys.path).

    It looks for the metadata folder by name: `importlib.metadata` would read every distribution on the path, which
    takes longer than importing lantern.

    >>> warn_if_clashing(["/nowhere"])
    """
    for folder in sys.path if folders is None else folders:
        try:
            names = os.listdir(folder or ".")
        except OSError:     # a zip file, or gone
            continue
        for name in names:
            if name[:8].lower() == "lantern-" and name.endswith(_ENDINGS):
                warnings.warn(_message(name[8:].rpartition(".")[0].partition("-")[0]), RuntimeWarning, stacklevel=3)
                return


def _message(version: str) -> str:
    return (f"the distribution 'lantern' ({version}) is installed too. It is another, older package with the same "
            "import name, and its files mix with those of lantern-jit. Cure: python -m pip uninstall lantern; then "
            "python -m pip install --force-reinstall --no-deps lantern-jit")
