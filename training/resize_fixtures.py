"""Writes crates/alike/tests/it/fixtures/resize.tsv and tensors.tsv: what OpenCV, Pillow and numpy make of noise that the
tests can draw themselves.

    python training/resize_fixtures.py        (numpy, opencv-python-headless and pillow < 13 installed)

A line is `from width, from height, to width, to height` and the first 16 hex digits of the SHA-256 of the resized RGB
pixels under cv2.INTER_LINEAR, and Pillow's BILINEAR, BICUBIC and LANCZOS. Pillow 13 takes the vertical pass first for some
shapes, which moves pixels by one level; all releases before it, which the known models were made with, never do.

A line of tensors.tsv is the network's input as a manifest says it, `from width, from height`, and the first 16 hex digits of
the SHA-256 of the tensor, float32 in NCHW.
"""

import hashlib
import json
import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

FIXTURES = Path(__file__).parent.parent / "crates/alike/tests/it/fixtures"

CASES = [
    (1, 1, 1, 1), (1, 1, 5, 3), (1, 9, 4, 4), (9, 1, 4, 4), (2, 2, 1, 1), (2, 2, 227, 227), (1, 2000, 227, 227),
    (454, 454, 227, 227), (454, 200, 227, 227), (454, 200, 227, 100), (228, 454, 227, 227), (227, 227, 227, 227),
    (227, 300, 227, 227), (300, 227, 227, 227), (226, 228, 227, 227), (500, 375, 227, 227), (384, 256, 227, 227),
    (256, 384, 224, 336), (32, 32, 227, 227), (640, 480, 320, 240), (640, 480, 320, 241), (13, 7, 3, 2), (3, 2, 13, 7),
    (40, 30, 15, 9), (40, 30, 16, 9), (40, 30, 17, 9), (40, 30, 33, 31), (2, 1, 300, 3), (1, 2, 3, 300), (9, 9, 1, 1),
    (6000, 2, 50, 1), (6000, 3, 7001, 5), (2, 6000, 1, 50), (3, 1, 2, 1), (5, 600, 4, 480),
]  # fmt: skip

# How a picture becomes an input: width, height, channels, scale, the shortest edge (0 to stretch), the filter.
WAYS = [
    (227, 227, "rgb", "0-1", 0, ""),
    (33, 17, "bgr", "0-255", 0, ""),
    (224, 224, "rgb", "0-1", 256, "bilinear"),
    (224, 224, "bgr", "0-1", 256, "bicubic"),
    (4, 2, "rgb", "0-255", 4, "lanczos"),
]
# The first again at the end: what was kept of a size must not stay for another.
SIZES = [(500, 375), (384, 256), (256, 300), (227, 227), (454, 454), (1, 1), (5, 600), (600, 5), (70, 90), (500, 375)]
FILTERS = {name: Image.Resampling[name.upper()] for name in ("bilinear", "bicubic", "lanczos")}


def noise(count: int) -> np.ndarray:
    """The upper bytes of a linear congruential generator of 32 bits, seeded with 7."""
    state, out = 7, bytearray(count)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    return np.frombuffer(bytes(out), np.uint8)


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def resized(pixels: np.ndarray, width: int, height: int, edge: int, filter: str) -> np.ndarray:
    """torchvision's Resize and CenterCrop on a PIL image, or OpenCV's resize."""
    if edge == 0:
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    h, w = pixels.shape[:2]
    to_w, to_h = (edge, edge * h // w) if w <= h else (edge * w // h, edge)
    left, top = round((to_w - width) / 2.0), round((to_h - height) / 2.0)
    picture = np.asarray(Image.fromarray(pixels).resize((to_w, to_h), FILTERS[filter]))
    return picture[top : top + height, left : left + width]


def tensor(pixels: np.ndarray, way: tuple) -> np.ndarray:
    width, height, channels, scale, edge, filter = way
    levels = resized(pixels, width, height, edge, filter)
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    values = levels[..., ::-1 if channels == "bgr" else 1].astype(np.float32)
    if scale == "0-1":
        values = values / np.float32(255)
    return ((values - mean) / std).transpose(2, 0, 1)


def write_tensors(samples: np.ndarray) -> None:
    lines = [f"# opencv {cv2.__version__}, pillow {Image.__version__}: written by training/resize_fixtures.py"]
    for way in WAYS:
        width, height, channels, scale, edge, filter = way
        how = f'{{ shortest_edge = {edge}, filter = "{filter}" }}' if edge else '"stretch"'
        manifest = f'width = {width}\nheight = {height}\nchannels = "{channels}"\nscale = "{scale}"\nresize = {how}'
        for w, h in SIZES:
            values = tensor(samples[: w * h * 3].reshape(h, w, 3), way)
            lines.append("\t".join([json.dumps(manifest), str(w), str(h), digest(values)]))
    (FIXTURES / "tensors.tsv").write_text("\n".join(lines) + "\n")


def main() -> None:
    draw = random.Random(1)
    cases = CASES + [tuple(draw.randint(1, 320) for _ in range(4)) for _ in range(60)]
    samples = noise(max(w * h for w, h, *_ in cases + SIZES) * 3)
    lines = [f"# opencv {cv2.__version__}, pillow {Image.__version__}: written by training/resize_fixtures.py"]
    for w, h, to_w, to_h in cases:
        pixels = samples[: w * h * 3].reshape(h, w, 3)
        picture = Image.fromarray(pixels)
        results = [
            cv2.resize(pixels, (to_w, to_h), interpolation=cv2.INTER_LINEAR),
            np.asarray(picture.resize((to_w, to_h), Image.Resampling.BILINEAR)),
            np.asarray(picture.resize((to_w, to_h), Image.Resampling.BICUBIC)),
            np.asarray(picture.resize((to_w, to_h), Image.Resampling.LANCZOS)),
        ]
        lines.append("\t".join(map(str, [w, h, to_w, to_h, *map(digest, results)])))
    (FIXTURES / "resize.tsv").write_text("\n".join(lines) + "\n")
    write_tensors(samples)


if __name__ == "__main__":
    main()
