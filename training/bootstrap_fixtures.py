"""Writes crates/alike-eval/tests/it/fixtures/bootstrap.json: intervals and p values by numpy.

Two kinds: the same draws (SplitMix64 written anew in Python's integers), where numbers must be equal, and numpy's own
generator, where they must be near.
"""

import json
from pathlib import Path

import numpy as np

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def draws(seed, resample, n):
    state = mixed(seed ^ mixed((resample + GOLDEN) & MASK))
    out = []
    for _ in range(n):
        state = (state + GOLDEN) & MASK
        out.append((mixed(state) * n) >> 64)
    return out


def summary(values, means):
    low, high = np.percentile(means, [2.5, 97.5])
    tail = min((means <= 0).sum(), (means >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (len(means) + 1))
    return {"mean": float(values.mean()), "low": float(low), "high": float(high), "p": p}


def main():
    generator = np.random.default_rng(20261125)
    n = 37
    a = generator.beta(4, 1, n).round(6)
    b = (a - generator.normal(0.03, 0.1, n)).round(6)
    seed, few, many = 7, 200, 10_000
    cases = {}
    for name, values in [("a", a), ("b", b), ("a minus b", a - b)]:
        same = np.array([values[draws(seed, r, n)].mean() for r in range(few)])
        own = generator.choice(values, (many, n)).mean(axis=1)
        cases[name] = {"same": summary(values, same), "numpy": summary(values, own)}
    fixture = {"seed": seed, "few": few, "many": many, "a": a.tolist(), "b": b.tolist(), "cases": cases}
    path = Path(__file__).parent.parent / "crates/alike-eval/tests/it/fixtures/bootstrap.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
