"""Compares features of the same pictures.

    python agreement.py REFERENCE.npy FEATURES.npy    rows in the order of the files' names

A matrix that `alike export` wrote is ordered by the paths in the .jsonl file beside it. Prints, as JSON, the mean and
the least cosine.
"""

import json
import sys
from pathlib import Path

import numpy as np


def main():
    reference, features = map(load, sys.argv[1:])
    cosines = np.sum(reference * features, axis=1)
    print(json.dumps({"mean": float(cosines.mean()), "least": float(cosines.min())}))


def load(file):
    rows = np.load(file).astype(np.float64)
    table = Path(file).with_suffix(".jsonl")
    if table.exists():
        paths = [json.loads(line)["path"] for line in table.read_text().splitlines()]
        rows = rows[np.argsort(paths)]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
