"""Writes a small network that ends in an average pool, and scores taken apart by numpy.

    python training/explain_fixtures.py crates/alike/tests/it/fixtures/explain.onnx crates/alike/tests/it/fixtures/explain.json

Terms: vectors go forward through the steps as sums of what comes from each term, where the library pulls the other vector
back. Places: maps of onnxruntime. Needs numpy, onnx, onnxruntime, scikit-learn and what `source_fixtures.py` needs.
"""

import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from layer_fixtures import SIDE, run
from source_fixtures import drawn
from step_fixtures import noisy_rows, unit

SHORT = 144


def network():
    """[1, 3, 16, 16] to the map [1, 6, 8, 8] and its mean, the features [1, 6]."""
    weights = np.random.default_rng(4).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["sums"], "conv", strides=[2, 2], dilations=[1, 1], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["sums"], ["map"], "relu"),
            helper.make_node("GlobalAveragePool", ["map"], ["mean"], "pool"),
            helper.make_node("Flatten", ["mean"], ["features"], "flat"),
        ],
        "explain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 6])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def blocks(rows, weights):
    """For each picture and term its block of the sum, zeros elsewhere: [pictures, terms, dims]."""
    widths = [part.shape[1] for part in rows]
    ends = np.cumsum([0] + widths)
    made = np.zeros((len(rows[0]), len(rows), ends[-1]))
    for i, (part, weight) in enumerate(zip(rows, weights)):
        made[:, i, ends[i] : ends[i + 1]] = unit(part) * np.sqrt(weight)
    return made


def centred(gallery, terms):
    """Each term at the length it has where the picture's vector has length 1, less its own block of the mean."""
    length = lambda made: np.linalg.norm(made.sum(1), axis=1)[:, None, None]
    mean = (gallery / length(gallery)).mean(0)
    return gallery / length(gallery) - mean, terms / length(terms) - mean


def projected(gallery, terms, dims):
    gallery, terms = centred(gallery, terms)
    axes = np.linalg.svd(gallery.sum(1), full_matrices=False)[2][:dims]
    return gallery @ axes.T, terms @ axes.T


STEPS = {
    "": [],
    " | center": [centred],
    " | pca(12)": [lambda gallery, terms: projected(gallery, terms, 12)],
    " | center | pca(12)": [centred, lambda gallery, terms: projected(gallery, terms, 12)],
}


def splits():
    rows = lambda count, seed: [noisy_rows(count, seed), noisy_rows(count, seed + 1)[:, :SHORT]]
    weights = [0.7, 0.3]
    pair = rows(2, 77)
    cosines = [float(unit(part)[0] @ unit(part)[1]) for part in pair]
    for text, steps in STEPS.items():
        gallery, terms = blocks(rows(60, 5), weights), blocks(pair, weights)
        for step in steps:
            gallery, terms = step(gallery, terms)
        query, hit = terms / np.linalg.norm(terms.sum(1), axis=1)[:, None, None]
        parts = (query @ hit.sum(0) + hit @ query.sum(0)) / 2
        yield {"recipe": f"(0.7*shape + 0.3*moments){text}", "cosines": cosines, "parts": [float(x) for x in parts]}


def heats(model):
    """Of the first and the second of three pictures, each place of one with the whole of the other."""
    maps = np.stack([run(model, ["map"], drawn(SIDE, SIDE, seed))[0][0] for seed in (1, 2, 3)]).astype(np.float64)
    places = maps.reshape(3, 6, 64).transpose(0, 2, 1)
    places = places / np.linalg.norm(places.mean(1), axis=1)[:, None, None]
    for recipe, mean in (("deep", 0), ("deep | center", places.mean(1).mean(0))):
        one, other = [made / np.linalg.norm(made.mean(0)) for made in (places - mean)[:2]]
        heat = lambda made, whole: [float(f"{x:.7g}") for x in made @ whole.mean(0) / 64]
        yield {"recipe": recipe, "query": heat(one, other), "hit": heat(other, one)}


if __name__ == "__main__":
    model = network()
    onnx.save(model, sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"splits": list(splits()), "heats": list(heats(model))}, file, indent=1)
        file.write("\n")
