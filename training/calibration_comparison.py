"""Compares isotonic regression with Platt's logistic curve by the likelihood of queries left out.

    alike export -c DIR --recipe RECIPE --npy rows.npy
    python training/calibration_comparison.py rows.npy [groundtruth.txt]

Relevant is what the ground truth lists, else what has the query's label. Ten folds by photo or class, as in
`alike calibrate`. Prints the mean of -log likelihood over all pairs, in units of 1e-4: the less, the better; and precision
and recall of the cut-off for a precision of .95, of scores as they are, and less the mean of the query's nearest hundred
but for the first twenty (as adaptive score normalisation does). Needs numpy and scikit-learn.
"""

import json
import os
import sys

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

FOLDS = 10


def scores(path):
    rows = np.load(path).astype(np.float64)
    if np.isin(rows, (0, 1)).all():
        return 1 - (rows @ (1 - rows).T + (1 - rows) @ rows.T) / rows.shape[1]
    return rows @ rows.T


def by_lists(path, position):
    folder = os.path.dirname(os.path.abspath(path))
    for group, line in enumerate(open(path, encoding="utf-8")):
        query, *relevant = [position[os.path.join(folder, name)] for name in line.rstrip("\n").split("\t")]
        yield query, group, relevant


def by_labels(labels):
    classes = sorted(set(labels))
    for query, label in enumerate(labels):
        yield query, classes.index(label), np.flatnonzero(np.array(labels) == label)


def pairs(matrix, queries):
    raw, normed, right, groups = [], [], [], []
    for query, group, relevant in queries:
        others = np.arange(len(matrix)) != query
        row = matrix[query]
        raw.append(row[others])
        normed.append(row[others] - np.sort(row)[::-1][20:100].mean())
        right.append(np.isin(np.arange(len(matrix)), relevant)[others])
        groups.append(np.full(others.sum(), group))
    return [np.concatenate(parts) for parts in (raw, normed, right, groups)]


def isotonic(scores, right, held_out):
    """With half an unrelated pair above all, and half a relevant one below, as the library does."""
    x = np.concatenate([[scores.max()], scores, [scores.min()]])
    order = np.argsort(-x, kind="stable")
    y, w = np.concatenate([[0], right, [1]]), np.concatenate([[0.5], np.ones(len(scores)), [0.5]])
    fitted = IsotonicRegression(increasing=True).fit(x[order], y[order], sample_weight=w[order])
    known = fitted.X_thresholds_, fitted.y_thresholds_
    return known[1][np.clip(np.searchsorted(known[0], held_out, "right") - 1, 0, None)]


def platt(scores, right, held_out):
    return LogisticRegression(C=1e6).fit(scores[:, None], right).predict_proba(held_out[:, None])[:, 1]


def cutoff(scores, right, wanted):
    order = np.argsort(-scores, kind="stable")
    ordered, precision = scores[order], np.cumsum(right[order]) / np.arange(1, len(scores) + 1)
    last = np.append(ordered[1:] != ordered[:-1], True)
    reached = np.flatnonzero(last & (precision >= wanted))
    return ordered[reached[-1]] if len(reached) else np.inf


def main(rows, truth=None):
    about = [json.loads(line) for line in open(os.path.splitext(rows)[0] + ".jsonl", encoding="utf-8")]
    position = {line["path"]: i for i, line in enumerate(about)}
    queries = by_lists(truth, position) if truth else by_labels([line["label"] for line in about])
    raw, normed, right, groups = pairs(scores(rows), list(queries))
    for name, fit in (("isotonic", isotonic), ("Platt", platt)):
        loss = 0
        for fold in range(FOLDS):
            out = groups % FOLDS == fold
            p = np.clip(fit(raw[~out], right[~out], raw[out]), 1e-12, 1 - 1e-12)
            loss -= np.log(np.where(right[out], p, 1 - p)).sum()
        print(f"{name}: {loss / len(raw) * 1e4:.2f}")
    for name, values in (("scores", raw), ("normalised scores", normed)):
        found = np.zeros(len(values), bool)
        for fold in range(FOLDS):
            out = groups % FOLDS == fold
            found[out] = values[out] >= cutoff(values[~out], right[~out], 0.95)
        print(f"{name}: precision {right[found].mean():.3f}, recall {right[found].sum() / right.sum():.3f}")


main(*sys.argv[1:])
