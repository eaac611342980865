"""Makes a network of 8-bit weights and activations: NAME_int8.onnx and NAME_int8.toml for alike, from NAME.onnx.

    python training/quantise.py net.onnx photos/           pictures of a folder and the folders in it
    python training/quantise.py net.onnx trainval.txt      or of a list, `path TAB label`

The pictures tell how large activations get. They should be such as will be searched, but no queries of an evaluation, and
some dozens are enough. They are prepared as NAME.toml says, or without one as alike guesses. Weights are quantised channel
by channel (Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018), and outputs are float32.
Needs the packages of requirements-quantise.txt.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image, ImageOps

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}
LINEAR = {"Gemm", "MatMul"}
PASS = {"Add", "Cast", "Dropout", "Flatten", "Identity", "Reshape", "Softmax", "Squeeze", "Unsqueeze"}
WEIGHTS_PASS = {"Cast", "DequantizeLinear", "Identity", "Transpose"}
DEFAULT_SIDE = 224


def main():
    args = parse_args()
    target = (args.output or args.model.with_name(f"{args.model.stem}_int8")).with_suffix(".onnx")
    model = onnx.load(args.model)
    manifest = read_manifest(args.model, model)
    expose(model, manifest["outputs"])
    paths = chosen(args.pictures, args.count)
    tensors = Tensors(model.graph.input[0].name, [prepared(path, manifest["input"]) for path in paths])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        floats, folded = Path(work) / "floats.onnx", Path(work) / "folded.onnx"
        onnx.save(model, floats)
        quant_pre_process(floats, folded, skip_symbolic_shape=True)
        quantise(folded, target, tensors)
        similarity = compare(floats, target, tensors, manifest["outputs"])
    write_manifest(target, args.model, manifest)
    print(f"wrote {target} and {target.with_suffix('.toml')}; {len(paths)} pictures; {similarity}")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="NAME.onnx, float32, perhaps with NAME.toml beside it")
    parser.add_argument("pictures", type=Path, help="a folder, or a list with paths relative to its folder")
    parser.add_argument("-o", "--output", type=Path, help="NAME or NAME.onnx to write (NAME_int8 beside the model)")
    parser.add_argument("--count", type=int, default=64, help="pictures to draw of those, from a fixed seed (64)")
    return parser.parse_args()


def read_manifest(path, model):
    """The manifest beside the network, or what alike guesses of a bare ImageNet model."""
    beside = path.with_suffix(".toml")
    if beside.exists():
        return tomllib.loads(beside.read_text(encoding="utf-8"))
    height, width = (axis.dim_value or DEFAULT_SIDE for axis in model.graph.input[0].type.tensor_type.shape.dim[2:])
    preprocessing = {
        "width": width,
        "height": height,
        "channels": "rgb",
        "scale": "0-1",
        "resize": "stretch",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }
    return {"name": path.stem, "input": preprocessing, "outputs": guessed_outputs(model.graph)}


def guessed_outputs(graph):
    """As crates/alike/src/model/graph.rs guesses: the scores are what a linear layer ends in, the features an output of that
    name, another of rank 2, what goes into the linear layer, or a pool."""
    names = [output.name for output in graph.output]
    heads = [(name, *head) for name in names if (head := linear_layer(graph, name))][:1]
    others = [name for name in names if name not in {head[0] for head in heads}]
    found = [name for name in others if name == "features"] + [name for name in others if rank(graph, name) == 2]
    found += [features for _, features, _ in heads]
    found += [node.output[0] for node in reversed(graph.node) if node.op_type == "GlobalAveragePool"]
    found += names if len(names) == 1 else []
    if not found:
        sys.exit(f"which of the outputs {', '.join(names)} are features? write a manifest beside the network")
    outputs = {"logits": {"output": name, "softmax": softmax} for name, _, softmax in heads}
    take = {4: "avg", 3: "cls"}.get(rank(graph, found[0]), "flat")
    return outputs | {"features": {"output": found[0], "take": take}}


def linear_layer(graph, name):
    """What goes into the one that an output comes from through biases, reshapes and a softmax, and whether there is one."""
    producers = {output: node for node in graph.node for output in node.output}
    weights = {weight.name for weight in graph.initializer}
    softmax = False
    while node := producers.get(name):
        constant = [is_constant(tensor, producers, weights) for tensor in node.input]
        if node.op_type in LINEAR and constant[1]:
            return node.input[0], softmax
        if node.op_type not in PASS or all(constant):
            return None
        softmax |= node.op_type == "Softmax"
        name = node.input[constant.index(False) if node.op_type == "Add" else 0]
    return None


def is_constant(name, producers, weights):
    """A weight, or made of nothing but weights."""
    while name in producers and producers[name].op_type in WEIGHTS_PASS:
        name = producers[name].input[0]
    return name in weights or name in producers and producers[name].op_type == "Constant"


def rank(graph, name):
    """As the graph declares it; None where it doesn't."""
    for value in [*graph.output, *graph.value_info]:
        if value.name == name and value.type.tensor_type.HasField("shape"):
            return len(value.type.tensor_type.shape.dim)
    return None


def expose(model, outputs):
    """Makes outputs of the tensors that the manifest names: outputs are float32, inner tensors may become anything."""
    known = {output.name for output in model.graph.output}
    for name in {entry["output"] for entry in outputs.values()} - known:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))


def chosen(pictures, count):
    if pictures.is_dir():
        paths = sorted(path for path in pictures.rglob("*") if path.suffix.lower() in SUFFIXES)
    else:
        lines = pictures.read_text(encoding="utf-8").splitlines()
        paths = [pictures.parent / line.split("\t")[0] for line in lines if line.strip()]
    if not paths:
        sys.exit(f"{pictures}: no pictures, wanted a folder with some or a list of their paths")
    return random.Random(0).sample(paths, min(count, len(paths)))


def prepared(path, wanted):
    """Float32 [1, 3, height, width], as alike makes it but for how it decodes."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    rgb = np.asarray(resized(image, wanted), np.float32)
    planes = rgb if wanted["channels"] == "rgb" else rgb[:, :, ::-1]
    divisor = 255 if wanted["scale"] == "0-1" else 1
    values = (planes / divisor - np.array(wanted["mean"])) / np.array(wanted["std"])
    return values.transpose(2, 0, 1)[None].astype(np.float32)


def resized(image, wanted):
    width, height, how = wanted["width"], wanted["height"], wanted["resize"]
    if how == "stretch":
        return stretched(np.asarray(image, np.float32), width, height)
    edge, shorter = how["shortest_edge"], min(image.size)
    size = [edge * side // shorter for side in image.size]
    image = image.resize(size, getattr(Image.Resampling, how["filter"].upper()))
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    return image.crop((left, top, left + width, top + height))


def stretched(rgb, width, height):
    """OpenCV's bilinear, which mixes two neighbours however much smaller the picture gets."""
    for axis, length in ((0, height), (1, width)):
        last = rgb.shape[axis] - 1
        at = np.clip((np.arange(length) + 0.5) * rgb.shape[axis] / length - 0.5, 0, last)
        low = np.floor(at).astype(int)
        share = (at - low).reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
        rgb = rgb.take(low, axis) * (1 - share) + rgb.take(np.minimum(low + 1, last), axis) * share
    return np.rint(rgb)


class Tensors(CalibrationDataReader):
    """The prepared pictures, one after the other."""

    def __init__(self, name, tensors):
        self.all = [{name: tensor} for tensor in tensors]
        self.rest = iter(self.all)

    def get_next(self):
        return next(self.rest, None)


def quantise(source, target, tensors):
    """Activations are unsigned and weights signed, for which processors have instructions."""
    quantize_static(
        source,
        target,
        tensors,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def compare(floats, quantised, tensors, outputs):
    """How alike the outputs of both networks are, on the pictures that were calibrated with."""
    names = [entry["output"] for entry in outputs.values()]
    sessions = [onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (floats, quantised)]
    pairs = [[session.run(names, feed) for session in sessions] for feed in tensors.all]
    said = []
    for at, name in enumerate(names):
        cosines = [cosine(float_outputs[at], ours[at]) for float_outputs, ours in pairs]
        said.append(f"cosine of {name}: mean {np.mean(cosines):.4f}, least {min(cosines):.4f}")
    return "; ".join(said)


def cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def write_manifest(target, source, manifest):
    data = target.read_bytes()
    lines = [f"name = {toml(target.stem)}"]
    if "labels" in manifest:
        labels = target.with_suffix(".labels.txt")
        labels.write_bytes((source.parent / manifest["labels"]).read_bytes())
        lines.append(f"labels = {toml(labels.name)}")
    origin = {"source": source.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    licence = manifest.get("origin", {}).get("licence")
    origin |= {"licence": licence} if licence else {}
    for section, entries in (("input", manifest["input"]), ("outputs", manifest["outputs"]), ("origin", origin)):
        lines += [f"\n[{section}]"] + [f"{key} = {toml(value)}" for key, value in entries.items()]
    target.with_suffix(".toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


if __name__ == "__main__":
    main()
