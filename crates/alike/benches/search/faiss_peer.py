"""Searches with FAISS: faiss_peer.py FOLDER DIMS LISTS. Reads a line with a task and a number of threads, prints its
wall seconds, CPU seconds, queries, recall at 10, and what it did as JSON, and waits for the next."""

import json
import os
import sys
import time
from pathlib import Path

import faiss
import numpy as np

folder, dims, lists = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
base = np.fromfile(folder / "base", np.float32).reshape(-1, dims)
queries = np.fromfile(folder / "queries", np.float32).reshape(-1, dims)
truth = np.fromfile(folder / "truth", np.int64).reshape(-1, 10)
few = int(sys.argv[4])
WANTED = 0.99


def recall(found):
    return float(np.mean([len(set(row) & set(true)) / 10 for row, true in zip(found, truth)]))


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def one_by_one(index, count):
    return np.vstack([index.search(queries[i : i + 1], 10)[1] for i in range(count)])


class Indexes:
    """Each index is built when it is first needed."""

    def __init__(self):
        self.made = {}
        self.built = {}
        self.chosen = {}

    def get(self, name):
        if name not in self.made:
            threads = faiss.omp_get_max_threads()
            faiss.omp_set_num_threads(os.cpu_count())
            wall, cpu, self.made[name] = timed(getattr(self, name))
            self.built[name] = (wall, cpu)
            faiss.omp_set_num_threads(threads)
        return self.made[name]

    def flat(self):
        index = faiss.IndexFlatIP(dims)
        index.add(base)
        return index

    def binary(self):
        mean = base[::10].mean(0)
        self.codes = np.packbits(queries > mean, axis=1)
        index = faiss.IndexBinaryFlat(dims)
        index.add(np.packbits(base > mean, axis=1))
        return index

    def ivf(self):
        coarse = faiss.IndexFlatIP(dims)
        index = faiss.IndexIVFScalarQuantizer(
            coarse, dims, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.spherical, index.cp.niter, index.cp.max_points_per_centroid = True, 8, 64
        index.train(base)
        index.add(base)
        refined = faiss.IndexRefineFlat(index, faiss.swig_ptr(base))
        refined.k_factor = 3.2
        self.coarse, self.inner = coarse, index
        return refined

    def hnsw(self):
        index = faiss.IndexHNSWFlat(dims, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 128
        index.add(base)
        return index

    def tune(self, name, turn, values):
        """The least of the values that finds enough."""
        if name not in self.chosen:
            for value in values:
                turn(value)
                self.chosen[name] = value
                if recall(self.get(name).search(queries, 10)[1]) >= WANTED:
                    break
        turn(self.chosen[name])
        return self.chosen[name]


indexes = Indexes()
ladder = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]


def rescored(found):
    best = np.empty((len(found), 10), np.int64)
    for i, rows in enumerate(found):
        scores = base[rows] @ queries[i]
        top = np.argpartition(-scores, 9)[:10]
        best[i] = rows[top]
    return best


def do(task, threads):
    faiss.omp_set_num_threads(threads)
    if task == "flat one":
        index = indexes.get("flat")
        return timed(lambda: one_by_one(index, few)), f"IndexFlatIP, one query a call"
    if task == "flat batch":
        index = indexes.get("flat")
        return timed(lambda: index.search(queries, 10)[1]), "IndexFlatIP"
    if task == "ivf":
        index = indexes.get("ivf")
        probes = indexes.tune("ivf", lambda value: setattr(indexes.inner, "nprobe", value), [v for v in ladder if v <= lists])
        return timed(lambda: index.search(queries, 10)[1]), f"IVF{lists},SQ8 + refine 32, nprobe {probes}"
    if task == "hnsw":
        index = indexes.get("hnsw")
        depth = indexes.tune("hnsw", lambda value: setattr(index.hnsw, "efSearch", value), [v for v in ladder if v >= 16])
        return timed(lambda: index.search(queries, 10)[1]), f"HNSW16, efSearch {depth}"
    if task == "codes":
        index = indexes.get("binary")
        return timed(lambda: index.search(indexes.codes, 10)[1]), "IndexBinaryFlat"
    if task.startswith("codes "):
        index, depth = indexes.get("binary"), int(task.split()[1])
        return timed(lambda: rescored(index.search(indexes.codes, depth)[1])), f"IndexBinaryFlat {depth} + numpy"
    if task.startswith("build "):
        name = task.split()[1]
        indexes.get(name)
        return (*indexes.built[name], np.empty((0, 10), np.int64)), f"build {name}"
    raise SystemExit(f"unknown task {task}")


print(json.dumps({"version": faiss.__version__, "options": faiss.get_compile_options()}), flush=True)
for line in sys.stdin:
    task, threads = line.rstrip("\n").rsplit(" ", 1)
    (wall, cpu, found), what = do(task, int(threads))
    share = recall(found) if len(found) else 1.0
    print(json.dumps({"wall": wall, "cpu": cpu, "queries": len(found), "recall": share, "what": what}), flush=True)
