"""Writes crates/alike/tests/it/fixtures/resize.tsv: what OpenCV and Pillow make of noise that the test can draw itself.

    python training/resize_fixtures.py        (numpy, opencv-python-headless and pillow < 13 installed)

A line is `from width, from height, to width, to height` and the first 16 hex digits of the SHA-256 of the resized RGB
pixels under cv2.INTER_LINEAR, and Pillow's BILINEAR, BICUBIC and LANCZOS. Pillow 13 takes the vertical pass first for some
shapes, which moves pixels by one level; all releases before it, which the known models were made with, never do.
"""

import hashlib
import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

TARGET = Path(__file__).parent.parent / "crates/alike/tests/it/fixtures/resize.tsv"

CASES = [
    (1, 1, 1, 1), (1, 1, 5, 3), (1, 9, 4, 4), (9, 1, 4, 4), (2, 2, 1, 1), (2, 2, 227, 227), (1, 2000, 227, 227),
    (454, 454, 227, 227), (454, 200, 227, 227), (454, 200, 227, 100), (228, 454, 227, 227), (227, 227, 227, 227),
    (227, 300, 227, 227), (300, 227, 227, 227), (226, 228, 227, 227), (500, 375, 227, 227), (384, 256, 227, 227),
    (256, 384, 224, 336), (32, 32, 227, 227), (640, 480, 320, 240), (640, 480, 320, 241), (13, 7, 3, 2), (3, 2, 13, 7),
]  # fmt: skip


def noise(count: int) -> np.ndarray:
    """The upper bytes of a linear congruential generator of 32 bits, seeded with 7."""
    state, out = 7, bytearray(count)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    return np.frombuffer(bytes(out), np.uint8)


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def main() -> None:
    draw = random.Random(1)
    cases = CASES + [tuple(draw.randint(1, 320) for _ in range(4)) for _ in range(60)]
    samples = noise(max(w * h for w, h, _, _ in cases) * 3)
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
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
