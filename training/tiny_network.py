"""Writes the smallest network the tests of `alike model` can pull and show.

    python training/tiny_network.py crates/alike-cli/tests/it/fixtures/tiny.onnx

Conv (48 weights), global average pool, flatten: [n, 3, 224, 224] to [n, 4]. Needs onnx and numpy.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

weights = numpy_helper.from_array(np.linspace(-1, 1, 48, dtype=np.float32).reshape(4, 3, 2, 2), "w")
graph = helper.make_graph(
    [
        helper.make_node("Conv", ["x", "w"], ["map"], name="conv", strides=[2, 2], dilations=[1, 1], pads=[0, 0, 0, 0]),
        helper.make_node("GlobalAveragePool", ["map"], ["pool"], name="pool"),
        helper.make_node("Flatten", ["pool"], ["embedding"], name="flat"),
    ],
    "tiny",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
    [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4])],
    [weights],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
