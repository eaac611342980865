"""Makes large pictures of small photos: brought to one size, with a little noise as cameras have.

    python pictures.py PHOTOS OUT WIDTH HEIGHT COUNT    so many of a folder's, numbered; tall ones are turned
    python pictures.py SET OUT WIDTH HEIGHT             all of a labelled set, upright, with their names and its lists

Extraction is measured with the former, what decoding to fewer pixels changes in quality with the latter.
"""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

NOISE = 2.0  # levels; enough for the bytes of a photo of that size: 0.9 MB for 12 megapixels
QUALITY = 90


def main():
    photos, out, size = Path(sys.argv[1]), Path(sys.argv[2]), tuple(map(int, sys.argv[3:5]))
    files = sorted(photos.rglob("*.jpg"))
    if len(sys.argv) > 5:
        numbered(files, out, size, int(sys.argv[5]))
    else:
        labelled(photos, files, out, size)


def numbered(files, out, size, count):
    random = np.random.default_rng(1)
    for i in range(count):
        photo = cv2.imread(str(files[i * len(files) // count]))
        if is_tall(photo):
            photo = cv2.rotate(photo, cv2.ROTATE_90_CLOCKWISE)
        write(out / f"{i:04}.jpg", enlarged(photo, size, random))


def labelled(photos, files, out, size):
    cv2.setNumThreads(1)

    def make(i):
        photo = cv2.imread(str(files[i]))
        upright = size[::-1] if is_tall(photo) else size
        # Random numbers of its own, whichever thread makes it.
        write(out / files[i].relative_to(photos), enlarged(photo, upright, np.random.default_rng([1, i])))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make, range(len(files))))
    for lists in sorted(photos.glob("*.txt")):  # last: where they are, the pictures are
        shutil.copyfile(lists, out / lists.name)


def is_tall(photo):
    return photo.shape[0] > photo.shape[1]


def enlarged(photo, size, random):
    photo = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    photo += random.normal(0, NOISE, photo.shape).astype(np.float32)
    return np.clip(photo, 0, 255).astype(np.uint8)


def write(file, pixels):
    file.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        sys.exit(f"can't write {file}: is there room?")


if __name__ == "__main__":
    main()
