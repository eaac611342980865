"""Writes the expected values of the hand-crafted sources, computed by OpenCV and scikit-image.

    python training/source_fixtures.py crates/alike/tests/it/fixtures/sources.json

Needs numpy, opencv-python-headless and scikit-image. The pictures are drawn by `drawn`, here and in the tests alike.
"""

import json
import sys

import cv2
import numpy as np
from skimage.feature import hog, local_binary_pattern

SIDE = 128
HUES, SATURATIONS, VALUES = 16, 4, 5
VARIANCES = [3e-5, 1.5e-4, 5e-4, 1.5e-3, 4e-3, 1e-2]


def drawn(width, height, seed):
    """Waves with noise of a linear congruential generator."""
    state, rgb = seed, []
    for y in range(height):
        for x in range(width):
            for c in range(3):
                state = (state * 1664525 + 1013904223) % 2**32
                wave = (x * (3 + c + seed) + y * (7 - c)) % 256
                rgb.append((wave * 3 + (state >> 24)) // 4)
    return np.array(rgb, np.uint8).reshape(height, width, 3)


def tent(x, bins):
    """Membership of each x in the bins 0, 1, ..., falling to zero one bin away: [n, bins]."""
    return np.clip(1 - np.abs(x[:, None] - np.arange(bins)), 0, None)


def color(rgb):
    """The part of `color` that sees the whole picture."""
    hue, saturation, value = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2HSV).reshape(-1, 3).T
    hue = tent(hue / 360 * HUES, HUES + 1)
    hue = np.concatenate([hue[:, :1] + hue[:, -1:], hue[:, 1:-1]], 1)
    saturation, value = tent(saturation * SATURATIONS, SATURATIONS + 1), tent(value * (VALUES - 1), VALUES)
    greys = np.einsum("n,nv->v", saturation[:, 0], value)
    colours = np.einsum("ns,nh,nv->shv", saturation[:, 1:], hue, value)
    histogram = np.concatenate([greys, colours.ravel()]) / len(hue)
    return np.sqrt(0.5 * histogram)


def patterns(grey, radius):
    """Shares of the 10 patterns x 7 variances of one radius over the whole picture."""
    inner = slice(radius, SIDE - radius)
    pattern = local_binary_pattern(grey, 8, radius, "uniform")[inner, inner].astype(int)
    variance = local_binary_pattern(grey, 8, radius, "var")[inner, inner]
    levels = len(VARIANCES) + 1
    joint = pattern * levels + np.digitize(variance, VARIANCES)
    return np.bincount(joint.ravel(), minlength=10 * levels) / joint.size


def shape(grey):
    cell = SIDE // 4
    return hog(grey, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2), block_norm="L2-Hys")


def expected(seed):
    rgb = drawn(SIDE, SIDE, seed)
    grey = rgb.astype(np.float64) / 255 @ [0.299, 0.587, 0.114]
    rounded = lambda values: [round(float(v), 6) for v in values]
    return {
        "seed": seed,
        "color": rounded(color(rgb)),
        "patterns_1": rounded(patterns(grey, 1)),
        "patterns_3": rounded(patterns(grey, 3)),
        "shape": rounded(shape(grey)),
    }


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(expected(seed)) for seed in (1, 2, 3)) + "\n]\n")
