"""Writes the expected values of the hand-crafted sources, computed by OpenCV, scikit-image and scipy.

    python training/source_fixtures.py crates/alike/tests/it/fixtures/sources.json

Needs numpy, scipy, opencv-python-headless and scikit-image. The pictures are drawn by `drawn`, here and in the tests alike.
"""

import json
import sys

import cv2
import numpy as np
from scipy import ndimage, stats
from skimage.color import rgb2xyz, xyz2lab
from skimage.feature import hog, local_binary_pattern
from skimage.filters import gabor_kernel

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


def cells(plane, count):
    """The pixels of count x count cells, row by row: [count * count, pixels]."""
    size = len(plane) // count
    return plane.reshape(count, size, count, size).swapaxes(1, 2).reshape(count * count, -1)


def halved(plane):
    return plane.reshape(len(plane) // 2, 2, -1, 2).mean((1, 3))


def magnitudes(plane, directions):
    """Of Gabor filters of 4 pixels' wavelength, within 5 pixels of their centre."""
    for i in range(directions):
        kernel = gabor_kernel(1 / 4, np.pi * i / directions, sigma_x=2, sigma_y=2, n_stds=6)
        y, x = (n // 2 for n in kernel.shape)
        kernel = kernel[y - 5 : y + 6, x - 5 : x + 6]
        yield abs(ndimage.convolve(plane, kernel.real, mode="nearest") + 1j * ndimage.convolve(plane, kernel.imag, mode="nearest"))


def energies(grey):
    """The part of `texture` that isn't patterns, before it is weighted and square-rooted."""
    plane, result = grey - grey.mean(), []
    for _ in range(3):
        plane = halved(plane)
        moments = sorted(((m.mean(), m.std()) for m in magnitudes(plane, 4)), reverse=True)
        result += [mean for mean, _ in moments] + [deviation for _, deviation in moments]
    return np.array(result) / (sum(result) + 1e-3)


def gist(grey):
    nearby = lambda plane: ndimage.gaussian_filter(plane, 6, mode="nearest", truncate=3)
    plane = np.log(1 + 255 * grey)
    plane -= nearby(plane)
    plane /= 0.2 + np.sqrt(nearby(plane**2))
    result = []
    for _ in range(4):
        result += [cells(m, 4).mean(1) for m in magnitudes(plane, 8)]
        plane = halved(plane)
    return np.concatenate(result)


def edges(grey):
    r = 2**0.5
    filters = np.array([[1, -1, 1, -1], [1, 1, -1, -1], [r, 0, 0, -r], [0, r, -r, 0], [2, -2, -2, 2]])
    blocks = cells(grey, SIDE // 2)
    response = abs(blocks @ filters.T)
    kind = np.where(response.max(1) >= 11 / 255, response.argmax(1), 5).reshape(SIDE // 2, SIDE // 2)
    parts = np.stack([cells(kind == k, 4).mean(1) for k in range(5)], 1).reshape(4, 4, 5)
    rows, columns = list(parts.mean(1)), list(parts.mean(0))
    squares = [parts[y : y + 2, x : x + 2].mean((0, 1)) for y, x in ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))]
    return np.concatenate([parts.ravel(), parts.mean((0, 1)), *columns, *rows, *squares])


def lab(rgb):
    """CIE L*a*b* with white where red, green and blue are 1: scikit-image's own is rounded, and greys aren't quite grey."""
    return xyz2lab(rgb2xyz(rgb) / rgb2xyz(np.ones((1, 1, 3))) * [0.95047, 1, 1.08883])


def lab_histogram(rgb):
    """The part of `lab` that sees the whole picture."""
    light, a, b = lab(rgb).reshape(-1, 3).T
    hue = lambda x: tent(np.clip((x + 64) / 128, 0, 1) * 7, 8)
    histogram = np.einsum("nl,na,nb->lab", tent(light / 25, 5), hue(a), hue(b)) / len(light)
    return np.sqrt(0.5 * histogram.ravel())


def correlogram(rgb):
    l, a, b = np.moveaxis(lab(rgb), 2, 0)
    hue = lambda x: np.clip(np.floor(x / 16 + 3.5), 0, 6)
    color = np.minimum(l // 25, 3) * 49 + hue(a) * 7 + hue(b)
    pixels = np.array([np.sum(color == c) for c in range(196)])
    result = []
    for distance in (1, 3, 5, 7):
        far = np.pad(color, distance, constant_values=-1)
        steps = range(-distance, distance + 1)
        ring = [(y, x) for y in steps for x in steps if max(abs(y), abs(x)) == distance]
        at = lambda y, x: far[distance + y :, distance + x :][:SIDE, :SIDE]
        equal = sum((color == at(y, x)).astype(int) for y, x in ring)
        found = np.array([equal[color == c].sum() for c in range(196)])
        result.append(found / np.maximum(pixels * len(ring), 1))
    return np.concatenate(result)


def moments(rgb):
    reduced = cv2.resize(rgb.astype(np.float64) / 255, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    parts = np.stack([cells(channel, 4) for channel in np.moveaxis(lab(reduced) / 100, 2, 0)], 1)
    third = stats.moment(parts, order=3, axis=2)
    return np.stack([parts.mean(2), parts.std(2), np.cbrt(third)], 2).ravel()


def expected(seed):
    rgb = drawn(SIDE, SIDE, seed)
    grey = rgb.astype(np.float64) / 255 @ [0.299, 0.587, 0.114]
    rounded = lambda values: [round(float(v), 5) for v in values]
    return {
        "seed": seed,
        "color": rounded(color(rgb)),
        "lab": rounded(lab_histogram(rgb)),
        "patterns_1": rounded(patterns(grey, 1)),
        "patterns_3": rounded(patterns(grey, 3)),
        "energies": rounded(energies(grey)),
        "shape": rounded(shape(grey)),
        "moments_of_300x200": rounded(moments(drawn(300, 200, seed))),
        "correlogram": rounded(correlogram(rgb)),
        "edges": rounded(edges(grey)),
        "gist": rounded(gist(grey)),
    }


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(expected(seed)) for seed in (1, 2)) + "\n]\n")
