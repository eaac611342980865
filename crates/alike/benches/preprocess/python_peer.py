"""Makes pictures a network's input: python_peer.py FOLDER. Reads a line with a size, a number of runs and a task, prints the
CPU seconds of one run, and waits for the next. A picture is what the peer's decoder gives: BGR in an array for OpenCV, an
Image for Pillow."""

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image

cv2.setNumThreads(1)
folder = Path(sys.argv[1])
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def to_input(rgb):
    values = (rgb.astype(np.float32) / np.float32(255) - MEAN) / STD
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def with_cv2(bgr):
    return to_input(cv2.cvtColor(cv2.resize(bgr, (227, 227)), cv2.COLOR_BGR2RGB))


def with_pillow(image, resampling):
    edge, side = 256, 224
    width, height = image.size
    size = (edge, edge * height // width) if width <= height else (edge * width // height, edge)
    left, top = (round((length - side) / 2) for length in size)
    return to_input(np.asarray(image.resize(size, resampling).crop((left, top, left + side, top + side))))


def work(size, task):
    width, height = map(int, size.split("x"))
    rgb = np.fromfile(folder / size, np.uint8).reshape(height, width, 3)
    bgr, image = np.ascontiguousarray(rgb[..., ::-1]), Image.fromarray(rgb)
    if task == "cv2.resize":
        return lambda: cv2.resize(bgr, (227, 227))
    if task == "cv2":
        return lambda: with_cv2(bgr)
    return lambda: with_pillow(image, FILTERS[task.split()[1]])


print(f"OpenCV {cv2.__version__}, Pillow {PIL.__version__}, numpy {np.__version__}", flush=True)
for line in sys.stdin:
    size, repeat, task = line.strip().split(" ", 2)
    run = work(size, task)
    run()
    start = time.process_time()
    for _ in range(int(repeat)):
        run()
    print((time.process_time() - start) / int(repeat), flush=True)
