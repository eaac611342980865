"""Writes the expected scores of recipes with steps, computed with numpy and scikit-learn.

    python training/step_fixtures.py crates/alike/tests/it/fixtures/steps.json

Needs numpy and scikit-learn. The rows are made by `noisy_rows`, here and in the tests alike.
"""

import json
import sys

import numpy as np
from sklearn.covariance import OAS
from sklearn.decomposition import PCA

DIMS = 324


def noisy_rows(count, seed):
    """Numbers between -1 and 1 of a linear congruential generator, spread and shifted by dimension."""
    state, rows = seed, np.empty((count, DIMS))
    for row in rows:
        for i in range(DIMS):
            state = (state * 1664525 + 1013904223) % 2**32
            row[i] = ((state >> 8) / 2**23 - 1) * (1 + i % 7) + i % 3
    return rows.astype(np.float32).astype(np.float64)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def center(gallery):
    mean = unit(gallery).mean(0)
    return lambda rows: unit(rows) - mean


def pca(gallery, dims):
    fitted = PCA(dims, svd_solver="full").fit(unit(gallery))
    return lambda rows: fitted.transform(unit(rows))


def whiten(gallery, dims, power=0.5):
    units = unit(gallery)
    mean = units.mean(0)
    count, size = units.shape
    covariance = np.cov(units.T, bias=True)
    if count <= size:
        covariance = shrunk(covariance, count)
        # scikit-learn leaves terms of 1 / size out of the same formula.
        near = OAS().fit(units).covariance_
        assert np.abs(covariance - near).max() < 0.02 * np.abs(near).max()
    variances, axes = np.linalg.eigh(covariance)
    largest = np.argsort(-variances)[:dims]
    axes = axes[:, largest] * variances[largest] ** -power
    return lambda rows: (unit(rows) - mean) @ axes


def shrunk(covariance, count):
    """Oracle approximating shrinkage, Chen et al. 2010, equation 23."""
    size = len(covariance)
    trace, squares = np.trace(covariance), np.sum(covariance**2)
    wanted = (1 - 2 / size) * squares + trace**2
    share = min(1, wanted / ((count + 1 - 2 / size) * (squares - trace**2 / size)))
    return (1 - share) * covariance + share * trace / size * np.eye(size)


def power(_, exponent):
    return lambda rows: np.sign(rows) * np.abs(rows) ** exponent


RECIPES = {
    "center": [(center,)],
    "pca(16)": [(pca, 16)],
    "center | pca(16)": [(center,), (pca, 16)],
    "whiten(16)": [(whiten, 16)],
    "whiten(8, 0.25)": [(whiten, 8, 0.25)],
    "power(0.5)": [(power, 0.5)],
    "power(0.3) | pca(12) | whiten(4)": [(power, 0.3), (pca, 12), (whiten, 4)],
}


def scores(steps, gallery, queries):
    for step, *args in steps:
        made = step(gallery, *args)
        gallery, queries = made(gallery), made(queries)
    products = unit(queries) @ unit(queries).T
    return [round(float(products[i, j]), 6) for i in range(len(products)) for j in range(i)]


if __name__ == "__main__":
    queries = noisy_rows(4, 77)
    expected = [
        {"recipe": f"shape | {recipe}", "gallery": count, "scores": scores(steps, noisy_rows(count, 5), queries)}
        for count in (400, 60)
        for recipe, steps in RECIPES.items()
    ]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(one) for one in expected) + "\n]\n")
