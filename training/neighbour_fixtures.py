"""Writes what steps that look at neighbours find, by straightforward numpy.

    python training/neighbour_fixtures.py ../shared/data crates/alike-eval/tests/it/fixtures/neighbours.json

Needs numpy. Of each set the first queries with the places and scores of their ten nearest: `noise`, whose rows are made here
and in the tests alike, and the reference features of the test data.
"""

import json
import sys
from pathlib import Path

import numpy as np

QUERIES = 5
HITS = 10


def noisy_rows(count, dims, seed):
    """Numbers between -.2 and 1.8 of a linear congruential generator."""
    state, rows = seed, np.empty((count, dims))
    for row in rows:
        for i in range(dims):
            state = (state * 1664525 + 1013904223) % 2**32
            row[i] = (state >> 8) / 2**23 - 0.2
    return rows.astype(np.float32)


def unit(rows):
    rows = rows.astype(np.float64)
    # As descriptors are kept.
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)


def nearest(similarities, count):
    return np.argsort(-similarities, kind="stable")[:count]


def augment(gallery, count=10, alpha=3.0):
    similarities = gallery @ gallery.T
    rows = []
    for i, row in enumerate(similarities):
        others = [j for j in nearest(row, count + 1 + (row >= 1 - 1e-7).sum()) if j != i][:count]
        weights = np.maximum(row[others], 0) ** alpha
        rows.append(gallery[i] + weights @ gallery[others])
    return unit(np.array(rows))


def expand(gallery, query, count=10, alpha=3.0):
    similarities = gallery @ query
    near = nearest(similarities, count)
    weights = np.maximum(similarities[near], 0) ** alpha
    return unit((query + weights @ (gallery[near] - gallery.mean(0)))[None])[0]


def reciprocal(gallery, query, k1=20, k2=6, weight=0.3, candidates=200):
    similarities = gallery @ query
    first = nearest(similarities, candidates)
    nodes = np.vstack([query, gallery[first]])
    square = np.clip(nodes @ nodes.T, 0, 1)
    np.fill_diagonal(square, 2)  # each is the first of its own
    ranks = np.argsort(-square, axis=1, kind="stable")
    np.fill_diagonal(square, 1)

    def mutual(node, k):
        forward = ranks[node, : k + 1]
        return {other for other in forward if node in ranks[other, : k + 1]}

    sets = np.zeros_like(square)
    for node in range(len(nodes)):
        own = mutual(node, k1)
        members = set(own)
        for other in own:
            theirs = mutual(other, -(-k1 // 2))
            if len(theirs & own) > 2 / 3 * len(theirs):
                members |= theirs
        members = sorted(members)
        # Half the squared Euclidean distance, twice.
        sets[node, members] = np.exp(-(2 - 2 * square[node, members]))
        sets[node] /= sets[node].sum()
    sets = np.stack([sets[ranks[node, :k2]].mean(0) for node in range(len(nodes))])
    jaccard = [np.minimum(sets[0], row).sum() / np.maximum(sets[0], row).sum() for row in sets[1:]]
    return first, (1 - weight) * np.array(jaccard) + weight * square[0, 1:]


def diffuse(gallery, query, neighbours=20, weight=0.3, candidates=300, damping=0.9, gamma=3, seeds=10):
    similarities = gallery @ query
    first = nearest(similarities, candidates)
    nodes = gallery[first]
    square = np.clip(nodes @ nodes.T, 0, 1)
    np.fill_diagonal(square, -1)
    is_near = np.zeros_like(square, dtype=bool)
    for node, row in enumerate(square):
        is_near[node, nearest(row, neighbours)] = True
    edges = np.where(is_near & is_near.T, square, 0) ** gamma
    sums = edges.sum(1)
    sums[sums == 0] = 1  # nothing leads there
    edges = edges / np.sqrt(np.outer(sums, sums))
    start = np.zeros(len(first))
    start[:seeds] = np.clip(similarities[first[:seeds]], 0, 1) ** gamma
    arrived = np.linalg.solve(np.eye(len(first)) - damping * edges, start)
    return first, (1 - weight) * np.clip(arrived / arrived.max(), 0, 1) + weight * np.clip(similarities[first], 0, 1)


def best(places, scores):
    order = sorted(zip(-scores, places))[:HITS]
    return {"pictures": [int(place) for _, place in order], "scores": [float(-score) for score, _ in order]}


def cosines(gallery, query):
    return best(range(len(gallery)), gallery @ query)


METHODS = {
    "augment(10, 3)": lambda gallery, query: cosines(augmented(gallery), query),
    "expand(10, 3)": lambda gallery, query: cosines(gallery, expand(gallery, query)),
    "augment(10, 3) | expand(5, 1)": lambda gallery, query: cosines(
        augmented(gallery), expand(augmented(gallery), query, 5, 1.0)
    ),
    "reciprocal(20, 6, 0.3)": lambda gallery, query: best(*reciprocal(gallery, query)),
    "diffuse(20, 0.3)": lambda gallery, query: best(*diffuse(gallery, query)),
}

kept = {}


def augmented(gallery):
    return kept.setdefault(id(gallery), augment(gallery))


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    sets = {"noise": (noisy_rows(400, 8, 1), noisy_rows(QUERIES, 8, 2))}
    for name in ["corel1k", "zodiac-like"]:
        sets[name] = tuple(
            np.load(data / f"reference_features_{name}_{side}.npy") for side in ["gallery", "query"]
        )
    expected = []
    for name, (gallery, queries) in sets.items():
        gallery, queries = unit(gallery), unit(queries[:QUERIES])
        for method, find in METHODS.items():
            found = [find(gallery, query) for query in queries]
            expected.append({"set": name, "steps": method, "found": found})
        kept[name] = gallery  # ids of arrays that are alive are unique
    out.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
