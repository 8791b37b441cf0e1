"""scikit-learn on lantern's arrays through the array API, in a process of its own: SciPy reads its setting at import.

Prints one line a case: its name, the type of the result, and how far it is from scikit-learn's own on NumPy arrays.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import config_context, metrics
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.metrics import pairwise
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import KernelCenterer, LabelEncoder, StandardScaler

import lantern
import lantern.numpy as jnp

Case = Callable[[Any, Any, Any], Any]
CASES: dict[str, Case] = {
    "PCA.transform": lambda x, y, c: PCA(3, svd_solver="full").fit(x).transform(x),
    "PCA.components_": lambda x, y, c: PCA(3, svd_solver="full").fit(x).components_,
    "PCA.randomized": lambda x, y, c: PCA(3, svd_solver="randomized", power_iteration_normalizer="QR",
                                          random_state=0).fit_transform(x),
    "RidgeCV.predict": lambda x, y, c: RidgeCV().fit(x, y).predict(x),
    "RidgeCV.coef_": lambda x, y, c: RidgeCV().fit(x, y).coef_,
    "KernelCenterer": lambda x, y, c: KernelCenterer().fit_transform(x @ x.T),
    "LabelEncoder": lambda x, y, c: LabelEncoder().fit_transform(c),
    "train_test_split": lambda x, y, c: train_test_split(x, random_state=0)[0],
    "linear_kernel": lambda x, y, c: pairwise.linear_kernel(x),
    "polynomial_kernel": lambda x, y, c: pairwise.polynomial_kernel(x),
    "mean_squared_error": lambda x, y, c: metrics.mean_squared_error(y, y * 1.5),
    "mean_absolute_error": lambda x, y, c: metrics.mean_absolute_error(y, y * 1.5),
    "accuracy_score": lambda x, y, c: metrics.accuracy_score(c, c[::-1]),
    "confusion_matrix": lambda x, y, c: metrics.confusion_matrix(c, c[::-1]),
    "roc_auc_score": lambda x, y, c: metrics.roc_auc_score(c, y),
}


def main() -> None:
    r = np.random.default_rng(0)
    x = r.normal(size=(60, 5)).astype(np.float32)
    y = (x @ np.arange(5.0) + 0.1 * r.normal(size=60)).astype(np.float32)
    labels = (y > 0).astype(np.int32)
    with lantern.default_device("cpu"):
        ours = [jnp.asarray(v) for v in (x, y, labels)]
        for name, case in CASES.items():
            wanted = np.asarray(case(x, y, labels), np.float64)
            with config_context(array_api_dispatch=True):
                found = case(*ours)
            away = float(np.max(np.abs(np.asarray(found, np.float64) - wanted)))
            sys.stdout.write(f"{name} {type(found).__name__} {away}\n")
        try:
            with config_context(array_api_dispatch=True):
                StandardScaler().fit(ours[0])
        except TypeError as error:
            sys.stdout.write(f"StandardScaler {error}\n")


if __name__ == "__main__":
    main()
