"""Writes crates/alike/tests/it/fixtures/fusion.json: late fusion by ranx (Bassani and Romelli, CIKM 2022).

    pip install ranx==0.3.21
    python training/fusion_fixtures.py

ranx gives no order to equal scores; here ids break them.
"""

import json
from pathlib import Path

import numpy as np
from ranx import Run, fuse

TARGET = Path(__file__).parents[1] / "crates/alike/tests/it/fixtures/fusion.json"
RECORDS, FOUND, RECIPES = 40, 25, 3


def rankings(seed):
    """Of each recipe some records with their scores, best first, scores of single precision without ties."""
    random = np.random.default_rng(seed)
    for recipe in range(RECIPES):
        ids = random.choice(RECORDS, FOUND, replace=False) + 1
        # Cosines, shares of bits, and scores that are all below zero.
        scores = np.float32([[-0.2, 1.0], [0.4, 0.9], [-0.9, -0.1]][recipe])
        scores = np.sort(random.uniform(*scores, FOUND).astype(np.float32))[::-1]
        assert len(set(scores)) == FOUND
        yield [(int(id), float(score)) for id, score in zip(ids, scores)]


def fused(lists, method, norm, share):
    runs = [Run({"q": {str(id): score for id, score in ranking}}) for ranking in lists]
    scores = fuse(runs=runs, method=method, norm=norm).run["q"]
    ranked = sorted(((int(id), score / share) for id, score in scores.items()), key=lambda hit: (-round(hit[1], 12), hit[0]))
    return [{"id": id, "score": score} for id, score in ranked]


def main():
    lists = list(rankings(7))
    content = {
        "rankings": lists,
        "rrf": fused(lists, "rrf", None, 1),
        "scores": fused(lists, "sum", "min-max", RECIPES),
    }
    TARGET.write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
