"""Ranks with numpy: numpy_peer.py FOLDER DIMS. Prints seconds and CPU seconds of the product, and of product and order."""

import sys
import time
from pathlib import Path

import numpy as np


def now():
    return np.array([time.perf_counter(), time.process_time()])


folder, dims = Path(sys.argv[1]), int(sys.argv[2])
gallery = np.fromfile(folder / "gallery", np.float32).reshape(-1, dims)
queries = np.fromfile(folder / "queries", np.float32).reshape(-1, dims)
product = order = 0
queries[:10] @ gallery.T  # threads begin
for block in np.array_split(queries, max(1, len(queries) // 250)):
    start = now()
    scores = block @ gallery.T
    product += now() - start
    start = now()
    np.argsort(-scores, axis=1)
    order += now() - start
print(*product, *(product + order))
