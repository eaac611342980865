"""Writes isotonic regressions by scikit-learn, and scores of a normal background by scipy.

    python training/calibration_fixtures.py crates/alike/tests/it/fixtures/calibration.json

Needs numpy, scipy and scikit-learn.
"""

import json
import sys

import numpy as np
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression


def isotonic(rng, count):
    """Shares that fall with noise, in steps that tie, and integer weights."""
    values = np.round(np.clip(np.linspace(1, 0, count) + rng.normal(0, 0.3, count), 0, 1), 2)
    weights = rng.integers(1, 20, count)
    fitted = IsotonicRegression(increasing=False).fit_transform(np.arange(count), values, sample_weight=weights)
    return {"values": values.tolist(), "weights": weights.tolist(), "fitted": fitted.tolist()}


def normal(count, deviation):
    """Scores whose Fisher's z are the quantiles of a normal distribution, and how many of them reach some scores."""
    z = norm.ppf((np.arange(count) + 0.5) / count, scale=deviation)
    at = [2.5, 3.0, 3.5]
    return {
        "scores": np.round(np.tanh(z), 7).tolist(),
        "at": [{"score": float(np.tanh(d * deviation)), "reach": float(norm.sf(d))} for d in at],
    }


def main(path):
    rng = np.random.default_rng(5)
    fixtures = {"isotonic": [isotonic(rng, count) for count in (1, 2, 7, 40)], "normal": normal(2000, 0.1)}
    with open(path, "w") as out:
        json.dump(fixtures, out)
        out.write("\n")


main(sys.argv[1])
