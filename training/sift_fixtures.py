"""Writes what the tests compare `sift` and `vlad` with, computed directly with numpy, OpenCV and scikit-learn.

    python training/sift_fixtures.py crates/alike/tests/it/fixtures/sift.json

Needs numpy, scikit-learn, opencv-python-headless, and what source_fixtures.py needs. Pictures are drawn by `drawn`, rows of
local descriptors by `clustered_rows`, here and in the tests alike. Descriptors are computed pixel by pixel, and must
agree with OpenCV's at the same keypoints but for its rounding to 1/512 and its quick arc tangent.
"""

import json
import sys

import cv2
import numpy as np
from sklearn.cluster import KMeans

from source_fixtures import SIDE, drawn

SCALES = [(6, 8), (9, 6), (14, 4)]
PART, PARTS = 128, 116
CHECKED = [0, 9, 27, 63, 64, 83, 99, 100, 110, 115]
WORDS = 12
ROUNDS = 16


def keypoints():
    """Side of a cell, x and y of each descriptor."""
    for cell, grid in SCALES:
        places = [2 * cell + i * (SIDE - 1 - 4 * cell) // (grid - 1) for i in range(grid)]
        yield from ((cell, x, y) for y in places for x in places)


def descriptor(grey, cell, x, y):
    """4 x 4 cells of 8 directions around a pixel, at unit length, no number above 0.2, and at unit length again."""
    histogram = np.zeros((4, 4, 8))
    for v in range(1, SIDE - 1):
        for u in range(1, SIDE - 1):
            column, row = (u - x) / cell, (v - y) / cell
            if max(abs(column), abs(row)) >= 2.5:
                continue
            right, up = grey[v, u + 1] - grey[v, u - 1], grey[v - 1, u] - grey[v + 1, u]
            votes = np.hypot(right, up) * np.exp(-(column**2 + row**2) / 8)
            turn = np.arctan2(up, right) / (2 * np.pi) * 8
            apart = np.abs(turn % 8 - np.arange(8))
            near = lambda distances: np.clip(1 - np.abs(distances), 0, None)
            cells = np.outer(near(row + 1.5 - np.arange(4)), near(column + 1.5 - np.arange(4)))
            histogram += votes * cells[:, :, None] * near(np.minimum(apart, 8 - apart))
    clipped = np.minimum(histogram.ravel() / np.linalg.norm(histogram), 0.2)
    return clipped / np.linalg.norm(clipped)


def opencv(grey, points):
    # A deviation of 0.5 is what OpenCV takes pictures to have: it smooths nothing.
    sift = cv2.SIFT_create(sigma=0.5)
    keypoints = [cv2.KeyPoint(float(x), float(y), cell / 1.5, 0) for cell, x, y in points]
    return sift.compute(grey, keypoints)[1] / 512


def of_picture(seed):
    grey = drawn(SIDE, SIDE, seed)[:, :, 0]
    points = [list(keypoints())[i] for i in CHECKED]
    direct = np.array([descriptor(grey.astype(np.float64), *point) for point in points])
    assert np.abs(direct - opencv(grey, points)).max() < 0.006
    return {"seed": seed, "places": CHECKED, "rows": rounded(np.sqrt(direct / direct.sum(1, keepdims=True)))}


def random_numbers(count, seed):
    """From 0 to 1 by a linear congruential generator."""
    numbers, state = np.empty(count), seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers[i] = (state >> 8) / 2**24
    return numbers


def clustered_rows(count, seed):
    """Rows of local descriptors: each is 0 but for a noisy bump at one of twelve places."""
    numbers = random_numbers(count * PARTS * 10, seed).reshape(count, PARTS, 10)
    rows = np.zeros((count, PARTS, PART), np.float32)
    for row, part in np.ndindex(count, PARTS):
        place = int(numbers[row, part, 0] * 12) * 10
        rows[row, part, place : place + 9] = numbers[row, part, 1:].astype(np.float32)
    return rows.astype(np.float64)


def vlad(words, parts):
    nearest = ((parts[:, None] - words[None]) ** 2).sum(2).argmin(1)
    sums = np.array([(parts[nearest == i] - word).sum(0) for i, word in enumerate(words)])
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return sums.ravel() / np.linalg.norm(sums)


def aggregated():
    """Every eighth number of two rows, by words that are local descriptors themselves."""
    words = clustered_rows(1, 3)[0][:WORDS]
    return rounded([vlad(words, parts)[::8] for parts in clustered_rows(2, 4)])


def vocabulary():
    """Every eighth number of the words that Lloyd's k-means finds from parts at equal distances."""
    parts = clustered_rows(WORDS, 5).reshape(-1, PART)
    start = parts[np.arange(WORDS) * len(parts) // WORDS]
    return rounded(KMeans(WORDS, init=start, n_init=1, max_iter=ROUNDS, tol=0).fit(parts).cluster_centers_[:, ::8])


def rounded(rows):
    return [[round(float(x), 5) for x in row] for row in rows]


if __name__ == "__main__":
    pictures = [of_picture(seed) for seed in (1, 2)]
    expected = {"pictures": pictures, "aggregated": aggregated(), "words": vocabulary()}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(json.dumps(expected) + "\n")
