"""Writes a small network, and what its layers give when pooled, computed by onnxruntime and numpy.

    python training/layer_fixtures.py crates/alike/tests/it/fixtures/layers.onnx crates/alike/tests/it/fixtures/layers.json

The network has a map, tokens, a vector, and two tensors that can't be pooled. Needs numpy, onnx, onnxruntime and what
`source_fixtures.py` needs, whose `drawn` makes the pictures.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from source_fixtures import drawn

SIDE = 16
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def network():
    """[1, 3, 16, 16] to the map [1, 6, 8, 8], the tokens [1, 64, 6] and the features [1, 6]."""
    weights = np.random.default_rng(1).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    shape = np.array([1, 6, 64], np.int64)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["map"], "conv", strides=[2, 2], dilations=[1, 1], pads=[1, 1, 1, 1]),
            helper.make_node("Reshape", ["map", "shape"], ["places"]),
            helper.make_node("Transpose", ["places"], ["tokens"], name="turn", perm=[0, 2, 1]),
            helper.make_node("ReduceMean", ["tokens"], ["features"], name="mean", axes=[1], keepdims=0),
            helper.make_node("Shape", ["map"], ["size"], name="measure"),
            helper.make_node("Cast", ["size"], ["sizes"], name="cast", to=TensorProto.FLOAT),
        ],
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 6])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(shape, "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model, names, rgb):
    """The named tensors for a picture of the input's size, as a network without a manifest gets it."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name != "features")
    tensor = ((rgb.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(exposed.SerializeToString())
    return session.run(names, {session.get_inputs()[0].name: tensor})


def pooled(values):
    """By axis: of a map over height and width, of tokens over tokens, of a vector over nothing."""
    values = values[0].astype(np.float64)
    axes = {3: (1, 2), 2: 0, 1: ()}[values.ndim]
    if values.ndim == 1:
        return dict.fromkeys(["avg", "max", "gem(3)", "gem(1.5)"], values)
    gem = lambda p: (np.maximum(values, 1e-6) ** p).mean(axes) ** (1 / p)
    return {"avg": values.mean(axes), "max": values.max(axes), "gem(3)": gem(3), "gem(1.5)": gem(1.5)}


if __name__ == "__main__":
    model = network()
    onnx.save(model, sys.argv[1])
    names = ["map", "tokens", "features"]
    expected = [
        {"seed": seed, "layer": name, "pooling": pooling, "row": [float(f"{x:.7g}") for x in row]}
        for seed in (1, 2)
        for name, values in zip(names, run(model, names, drawn(SIDE, SIDE, seed)))
        for pooling, row in pooled(values).items()
    ]
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(one) for one in expected) + "\n]\n")
