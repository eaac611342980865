"""Serves searches with FAISS behind FastAPI and uvicorn: faiss_peer.py ROWS.npy PORT flat|ivf PROCESSES. ROWS.npy and the
lines beside it are what `alike export` writes. Each process has an index of its own."""

import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import faiss
import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException


def made(rows, kind):
    dims = rows.shape[1]
    if kind == "flat":
        index = faiss.IndexFlatIP(dims)
        index.add(rows)
        return index
    # As in the comparison of searches without a server: the least nprobe that finds .99.
    inner = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dims), dims, 512, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    inner.cp.spherical, inner.cp.niter, inner.cp.max_points_per_centroid = True, 8, 64
    inner.train(rows)
    inner.add(rows)
    inner.nprobe = 2
    made.kept = inner
    refined = faiss.IndexRefineFlat(inner, faiss.swig_ptr(rows))
    refined.k_factor = 3.2
    return refined


gallery = {}


@asynccontextmanager
async def lifespan(app):
    rows = Path(os.environ["ROWS"])
    gallery["rows"] = np.load(rows)
    with open(rows.with_suffix(".jsonl")) as lines:
        gallery["records"] = [json.loads(line) for line in lines]
    gallery["row_of"] = {record["id"]: row for row, record in enumerate(gallery["records"])}
    gallery["index"] = made(gallery["rows"], os.environ["INDEX"])
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/api/v1/images/{id}/similar")
def similar(id: int, k: int = 10):
    row = gallery["row_of"].get(id)
    if row is None:
        raise HTTPException(404, "no such image")
    # Other requests have the other cores. A thread's own affair, and FastAPI has many.
    faiss.omp_set_num_threads(1)
    scores, found = gallery["index"].search(gallery["rows"][row : row + 1], k)
    hits = [{"score": float(s), **gallery["records"][r]} for s, r in zip(scores[0], found[0])]
    return {"hits": hits}


if __name__ == "__main__":
    os.environ["ROWS"], os.environ["INDEX"] = sys.argv[1], sys.argv[3]
    uvicorn.run("faiss_peer:app", port=int(sys.argv[2]), workers=int(sys.argv[4]), access_log=False, log_level="error")
