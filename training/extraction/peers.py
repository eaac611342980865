"""One peer of alike describes a folder of pictures by MobileNetV2, as people write it in Python.

    python peers.py PEER NETWORK PICTURES FEATURES.npy

Prints, as JSON, seconds on the clock and of CPU for the pictures alone: importing, loading and five pictures before
aren't counted. Files are taken in the order of their names. All peers use the weights of the ONNX file.
"""

import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

SIDE = 227
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
BATCH = 32
EPSILON = 1e-5


def main():
    name, network, pictures, out = sys.argv[1:]
    cv2.setNumThreads(1)
    files = sorted(str(path) for path in Path(pictures).rglob("*.jpg"))
    describe = PEERS[name](network)
    describe(files[:5])
    cpu, clock = cpu_seconds(), time.perf_counter()
    features = describe(files)
    clock, cpu = time.perf_counter() - clock, cpu_seconds() - cpu
    np.save(out, np.array(features, np.float32))
    print(json.dumps({"wall": clock, "cpu": cpu, "pictures": len(files)}))


def cpu_seconds():
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in of)


def normalised(rgb):
    return np.ascontiguousarray(((rgb.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))


def by_opencv(file):
    return normalised(cv2.cvtColor(cv2.resize(cv2.imread(file), (SIDE, SIDE)), cv2.COLOR_BGR2RGB))


def by_pillow_draft(file):
    from PIL import Image

    picture = Image.open(file)
    picture.draft("RGB", (SIDE, SIDE))
    return normalised(np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)))


def onnxruntime_pool(prepare):
    """A pool of as many threads as there are cores, each with the session's one thread of its own."""

    def start(network):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(network, options)
        entry = session.get_inputs()[0].name

        def one(file):
            return session.run(["features"], {entry: prepare(file)[None]})[0][0]

        def describe(files):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(pool.map(one, files))

        return describe

    return start


def layers(network):
    """Weight and bias of each convolution of the ONNX file, in the order of the graph; batch normalisation is in them."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(network).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    return [tuple(values[name].copy() for name in node.input[1:3]) for node in graph.node if node.op_type == "Conv"]


def torch_network(network):
    import torch
    import torchvision

    torch.set_num_threads(1)
    model = torchvision.models.mobilenet_v2(weights=None)
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for convolution, norm, (weight, bias) in zip(convolutions, norms, layers(network), strict=True):
            convolution.weight.copy_(torch.from_numpy(weight))
            norm.running_var.fill_(1 - norm.eps)  # so that it adds the bias and does nothing else
            norm.bias.copy_(torch.from_numpy(bias))
    return torch, model.eval()


def torch_one(network):
    torch, model = torch_network(network)

    def describe(files):
        with torch.inference_mode():
            return [pooled(model, torch.from_numpy(by_opencv(file)[None]))[0].numpy() for file in files]

    return describe


def pooled(model, pictures):
    return model.features(pictures).mean([2, 3])


def torch_loader(network):
    torch, model = torch_network(network)
    model = model.to(memory_format=torch.channels_last)  # for batches 1.6 times as fast as its own layout

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, files):
            self.files = files

        def __len__(self):
            return len(self.files)

        def __getitem__(self, i):
            return torch.from_numpy(by_opencv(self.files[i]))

    def describe(files):
        loader = torch.utils.data.DataLoader(Pictures(files), BATCH, num_workers=1)
        rows = []
        with torch.inference_mode():
            for batch in loader:
                rows.extend(pooled(model, batch.contiguous(memory_format=torch.channels_last)).numpy())
        return rows

    return describe


def paddle_one(network):
    import paddle

    paddle.set_device("cpu")
    model = paddle.vision.models.mobilenet_v2(pretrained=False, num_classes=0)
    convolutions = [layer for layer in model.sublayers() if isinstance(layer, paddle.nn.Conv2D)]
    norms = [layer for layer in model.sublayers() if isinstance(layer, paddle.nn.BatchNorm2D)]
    for convolution, norm, (weight, bias) in zip(convolutions, norms, layers(network), strict=True):
        convolution.weight.set_value(weight)
        norm._variance.set_value(np.full_like(bias, 1 - EPSILON))
        norm.bias.set_value(bias)
    model.eval()

    def describe(files):
        with paddle.no_grad():
            return [model(paddle.to_tensor(by_opencv(file)[None])).numpy().reshape(-1) for file in files]

    return describe


PEERS = {
    "onnxruntime": onnxruntime_pool(by_opencv),
    "onnxruntime-draft": onnxruntime_pool(by_pillow_draft),
    "torch": torch_one,
    "torch-loader": torch_loader,
    "paddle": paddle_one,
}

if __name__ == "__main__":
    main()
