"""Turns an image classifier trained with Paddle into NAME.onnx and NAME.toml for alike.

    python training/paddle_to_onnx.py net.pdparams -o zodiac            MobileNetV2 of paddle.vision, its state_dict
    python training/paddle_to_onnx.py saved/net.pdmodel -o zodiac       any classifier that paddle.jit.save wrote

The network gets two outputs: `logits`, and `features`, the input of its last linear layer (MobileNetV2: the 1280-d
global average pool). Both are compared with what Paddle computes; a difference above 1e-4 is an error.
Needs the packages of requirements-paddle.txt.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import paddle
import paddle2onnx
from onnx import helper

TOLERANCE = 1e-4
LINEAR = {"Gemm", "MatMul"}
PADDLE_LINEAR = {"matmul", "matmul_v2", "mul", "fc", "linear"}


def main():
    args = parse_args()
    with tempfile.TemporaryDirectory() as work:
        prefix = inference_model(args, Path(work))
        graph = Path(work) / "converted.onnx"
        paddle2onnx.export(f"{prefix}.pdmodel", f"{prefix}.pdiparams", str(graph), opset_version=13, verbose=False)
        model = onnx.load(graph)
        weights_to_initializers(model.graph)
        fix_input_size(model, args.size)
        softmax = expose(model)
        onnx.checker.check_model(model, full_check=True)
        differences = compare(model, prefix, args)
    target = args.output.with_suffix(".onnx")
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, target)
    write_manifest(target, args, softmax)
    print(f"wrote {target} and {target.with_suffix('.toml')}; largest difference from Paddle: {differences}")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="NAME.pdparams, or NAME.pdmodel beside its NAME.pdiparams")
    parser.add_argument("-o", "--output", type=Path, required=True, help="NAME or NAME.onnx to write")
    parser.add_argument("--size", type=int, default=224, help="side of the input in pixels, as in training (224)")
    parser.add_argument("--mean", type=float, nargs=3, default=[0.485, 0.456, 0.406], help="a channel, values being 0-1")
    parser.add_argument("--std", type=float, nargs=3, default=[0.229, 0.224, 0.225])
    parser.add_argument("--bgr", action="store_true", help="trained on pictures as cv2.imread gives them")
    parser.add_argument("--labels", type=Path, help="class names, one a line, or a JSON object such as label_dict")
    return parser.parse_args()


def inference_model(args, work):
    """The path without suffix of a saved inference model."""
    if args.model.suffix == ".pdmodel":
        return args.model.with_suffix("")
    if args.model.suffix != ".pdparams":
        sys.exit(f"{args.model}: wanted a .pdparams or a .pdmodel file")
    net = mobilenet(paddle.load(str(args.model)))
    net.eval()
    prefix = work / "inference"
    spec = paddle.static.InputSpec([None, 3, args.size, args.size], "float32", "image")
    paddle.jit.save(net, str(prefix), input_spec=[spec])
    return prefix


def mobilenet(state):
    """MobileNetV2 with as many classes as the weights have. Names may carry a prefix, as of a wrapping layer."""
    suffix = "classifier.1.weight"
    name = next((name for name in state if name.endswith(suffix)), None)
    if name is None:
        sys.exit(f"no {suffix} among the weights: this is no paddle.vision MobileNetV2; save it with paddle.jit.save")
    prefix = name.removesuffix(suffix)
    net = paddle.vision.models.MobileNetV2(num_classes=state[name].shape[1])
    wanted = net.state_dict()
    state = {key.removeprefix(prefix): value for key, value in state.items()}
    missing = [key for key in wanted if key not in state or list(state[key].shape) != wanted[key].shape]
    if missing:
        sys.exit(f"{len(missing)} weights are missing or of another shape, such as {missing[0]}")
    net.set_state_dict({key: state[key] for key in wanted})
    return net


def expose(model):
    """Names the outputs `logits` and `features`; says whether the first are already a softmax."""
    graph = model.graph
    producers = {output: node for node in graph.node for output in node.output}
    end = graph.output[0].name
    node, softmax = producers[end], False
    while node.op_type not in LINEAR:
        softmax |= node.op_type == "Softmax"
        inputs = [name for name in node.input if name in producers and producers[name].op_type != "Constant"]
        if node.op_type not in {"Softmax", "Add", "Identity", "Reshape", "Squeeze"} or not inputs:
            sys.exit(f"the graph ends in {node.op_type}: wanted a linear layer, so this is no classifier")
        node = producers[inputs[0]]
    features = node.input[0]
    graph.node.append(helper.make_node("Identity", [features], ["features"], name="features"))
    graph.node.append(helper.make_node("Identity", [end], ["logits"], name="logits"))
    del graph.output[:]
    classes = ["batch", "classes"]
    graph.output.append(helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, classes))
    graph.output.append(helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["batch", "dims"]))
    return softmax


def weights_to_initializers(graph):
    """Paddle2ONNX writes weights as Constant nodes; as initializers they are counted and optimised as weights."""
    rest = []
    for node in graph.node:
        values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        if node.op_type == "Constant" and values and values[0].data_type == onnx.TensorProto.FLOAT:
            values[0].name = node.output[0]
            graph.initializer.append(values[0])
        else:
            rest.append(node)
    del graph.node[:]
    graph.node.extend(rest)


def fix_input_size(model, size):
    """A graph that leaves height and width open gets those of training."""
    axes = model.graph.input[0].type.tensor_type.shape.dim
    if axes[2].dim_value not in (0, size) and axes[2].dim_value > 0:
        sys.exit(f"the saved network takes {axes[2].dim_value} pixels: say --size {axes[2].dim_value}")
    for axis in axes[2:]:
        axis.dim_value = size
    axes[0].dim_param = "batch"


def compare(model, prefix, args):
    """Largest differences between Paddle and the exported graph, on noise as the network's input has it."""
    low, high = (0 - np.array(args.mean)) / args.std, (1 - np.array(args.mean)) / args.std
    noise = np.random.default_rng(0).random((2, args.size, args.size, 3))
    batch = (low + noise * (high - low)).transpose(0, 3, 1, 2).astype(np.float32)
    expected = run_paddle(prefix, batch)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    got = session.run(["logits", "features"], {session.get_inputs()[0].name: batch})
    said = []
    for name, ours, theirs in zip(("logits", "features"), got, expected):
        if ours.size != theirs.size:
            sys.exit(f"{name}: {ours.shape} from the exported graph, {theirs.shape} from Paddle")
        difference = float(np.abs(ours.reshape(theirs.shape) - theirs).max())
        if not difference <= TOLERANCE:
            sys.exit(f"{name} differ from Paddle's by {difference:.2e}, wanted at most {TOLERANCE}: nothing was written")
        said.append(f"{name} {difference:.1e} (values up to {np.abs(theirs).max():.3g})")
    return ", ".join(said)


def run_paddle(prefix, batch):
    """What Paddle's own program gives: its output, and what goes into its last linear layer."""
    paddle.enable_static()
    executor = paddle.static.Executor(paddle.CPUPlace())
    program, feeds, fetches = paddle.static.load_inference_model(str(prefix), executor)
    linear = [op for op in program.global_block().ops if op.type in PADDLE_LINEAR][-1]
    name = linear.input("X" if "X" in linear.input_names else "Input")[0]
    features = program.global_block().var(name)
    return executor.run(program, feed={feeds[0]: batch}, fetch_list=[fetches[0], features])


def write_manifest(target, args, softmax):
    lines = [f"name = {json.dumps(target.stem)}"]
    if args.labels:
        labels = target.with_suffix(".labels.txt")
        labels.write_text("\n".join(class_names(args.labels)) + "\n", encoding="utf-8")
        lines.append(f"labels = {json.dumps(labels.name)}")
    data = target.read_bytes()
    lines += [
        "\n[input]",
        f"width = {args.size}",
        f"height = {args.size}",
        f'channels = "{"bgr" if args.bgr else "rgb"}"',
        'scale = "0-1"',
        'resize = "stretch"',
        f"mean = {args.mean}",
        f"std = {args.std}",
        "\n[outputs]",
        f'logits = {{ output = "logits", softmax = {str(softmax).lower()} }}',
        'features = { output = "features", take = "flat" }',
        "\n[origin]",
        f"bytes = {len(data)}",
        f'sha256 = "{hashlib.sha256(data).hexdigest()}"',
    ]
    target.with_suffix(".toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def class_names(path):
    """One name a class, from a text file or from {"0": "rat", "1": "ox"} or {"rat": 0, "ox": 1}."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return text.splitlines()
    names = json.loads(text)
    names = names.get("label_dict", names)
    pairs = [(int(k), v) if str(k).isdigit() else (int(v), k) for k, v in names.items()]
    return [str(name) for _, name in sorted(pairs)]


if __name__ == "__main__":
    main()
