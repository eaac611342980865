"""Writes what scikit-learn and scipy learn from labelled vectors.

    python training/train_fixtures.py crates/alike/tests/it/fixtures/train.json

Needs numpy, scipy and scikit-learn. The vectors are made by `samples`, here and in the tests alike.
"""

import json
import sys

import numpy as np
import scipy.linalg
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

DIMS, CLASSES = 12, 3


def noise(count, seed):
    """Numbers between -1 and 1 of a linear congruential generator."""
    numbers = []
    for _ in range(count):
        seed = (seed * 1_664_525 + 1_013_904_223) % 2**32
        numbers.append((seed >> 8) / 2**23 - 1)
    return np.array(numbers)


def samples(count, seed):
    """Vectors at unit length, those of a class about a centre of its own, and their classes."""
    rows = noise(count * DIMS, seed).reshape(count, DIMS) * (1 + np.arange(DIMS) % 4)
    labels = np.arange(count) % CLASSES
    rows[np.arange(count), labels] += 1.5
    rows[np.arange(count), 3 + labels] -= 0.5 * labels
    rows = rows.astype(np.float32).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32).astype(np.float64), labels


def oracle(covariance, n):
    """Chen, Wiesel, Eldar and Hero, IEEE TSP 2010, equation 23, and the covariance shrunk by it."""
    p = len(covariance)
    trace, squares = np.trace(covariance), np.sum(covariance**2)
    share = ((1 - 2 / p) * squares + trace**2) / ((n + 1 - 2 / p) * (squares - trace**2 / p))
    share = min(share, 1)
    return share, (1 - share) * covariance + share * trace / p * np.eye(p)


def softmax(rows, labels, queries, strength):
    mean = rows.mean(0)
    scale = 1 / np.sqrt(np.mean((rows - mean) ** 2))
    model = LogisticRegression(C=1 / (strength * len(rows)), solver="newton-cg", tol=1e-10, max_iter=10_000)
    model.fit((rows - mean) * scale, labels)
    return model.predict_proba((queries - mean) * scale)


def lda(rows, labels, queries):
    """Generalised eigenvectors of the covariances between and within classes."""
    mean = rows.mean(0)
    within = sum(np.cov(rows[labels == c].T, bias=True) * np.mean(labels == c) for c in range(CLASSES))
    # The between-class covariance is the total less the within-class one.
    between = np.cov(rows.T, bias=True) - within
    share, within_shrunk = oracle(within, len(rows))
    _, vectors = scipy.linalg.eigh(between, within_shrunk)
    return share, (queries - mean) @ vectors[:, ::-1][:, : CLASSES - 1]


def whitening(rows, labels, queries, dims):
    """Pair by pair, as Radenović, Tolias and Chum describe it."""
    pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j and labels[i] == labels[j]]
    differences = np.array([rows[i] - rows[j] for i, j in pairs])
    mean = np.mean([rows[i] for i, _ in pairs], 0)
    share, matching = oracle(differences.T @ differences / len(pairs), len(rows))
    whiten = scipy.linalg.inv(scipy.linalg.cholesky(matching, lower=True))
    whitened = (rows - mean) @ whiten.T
    _, axes = np.linalg.eigh(whitened.T @ whitened / len(rows))
    return share, (queries - mean) @ whiten.T @ axes[:, ::-1][:, :dims]


def cosines(vectors):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors @ vectors.T).tolist()


rows, labels = samples(90, 5)
queries, _ = samples(6, 77)
# Where nothing is shrunk, scikit-learn's discriminant analysis is the same as ours.
plain = LinearDiscriminantAnalysis(solver="svd").fit(rows, labels)
within = sum(np.cov(rows[labels == c].T, bias=True) * np.mean(labels == c) for c in range(CLASSES))
_, vectors = scipy.linalg.eigh(np.cov(rows.T, bias=True) - within, within)
ours = (queries - rows.mean(0)) @ vectors[:, ::-1][:, : CLASSES - 1]
assert np.allclose(cosines(plain.transform(queries)), cosines(ours))

strengths = [10 ** (1 - step / 2) for step in range(10)]
of_lda, of_whitening = lda(rows, labels, queries), whitening(rows, labels, queries, 5)
expected = {
    "softmax": [[s, softmax(rows, labels, queries, s).tolist()] for s in strengths],
    "lda": [of_lda[0], cosines(of_lda[1])],
    "whitening": [of_whitening[0], cosines(of_whitening[1])],
}
with open(sys.argv[1], "w") as file:
    json.dump(expected, file)
