"""Makes the pictures that extraction is measured with: photos brought to one size, with a little noise as cameras have.

    python pictures.py PHOTOS OUT WIDTH HEIGHT COUNT
"""

import sys
from pathlib import Path

import cv2
import numpy as np

NOISE = 2.0  # levels; enough for the bytes of a photo of that size: 0.9 MB for 12 megapixels
QUALITY = 90


def main():
    photos, out, width, height, count = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:6])
    files = sorted(photos.rglob("*.jpg"))
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    for i in range(count):
        photo = cv2.imread(str(files[i * len(files) // count]))
        if photo.shape[0] > photo.shape[1]:
            photo = cv2.rotate(photo, cv2.ROTATE_90_CLOCKWISE)
        photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        photo += random.normal(0, NOISE, photo.shape).astype(np.float32)
        pixels = np.clip(photo, 0, 255).astype(np.uint8)
        cv2.imwrite(str(out / f"{i:04}.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
