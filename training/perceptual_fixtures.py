"""Writes the codes of imagehash that the tests compare with.

    python training/perceptual_fixtures.py crates/alike/tests/it/fixtures

Needs imagehash 4.3.2, PyWavelets, scipy, numpy, pillow < 13, whose resizing ours equals, and what source_fixtures.py needs.
`perceptual.tsv` is of pictures that are drawn, here and in the tests alike: width, height, seed, side of their blocks, size,
and the codes of ahash, dhash, phash and whash in hexadecimal. `perceptual_files.tsv` is of the shared test data (ALIKE_DATA,
else ../shared/data) with size 8: file, the first 16 hex digits of the SHA-256 of its upright RGB pixels on white as Pillow
decodes them, and the codes.

The squares of the drawn pictures have a side of 11, because with one of 16 some frequencies of phash are zero but for
scipy's rounding, as large as the median; there imagehash's bits are rounding, and ours are 0.
"""

import hashlib
import os
import sys
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageOps

from source_fixtures import drawn

HASHES = [imagehash.average_hash, imagehash.dhash, imagehash.phash, imagehash.whash]
SIDES = [
    (1, 1), (1, 9), (9, 1), (2, 2), (7, 5), (8, 8), (9, 8), (16, 16), (17, 33), (32, 32), (31, 64), (64, 64), (65, 40),
    (100, 100), (127, 129), (128, 200), (256, 256), (300, 201), (384, 256), (256, 384), (513, 130), (3, 400), (640, 480),
]  # fmt: skip
FOLDERS = ["odd", "check-photos"]
SUFFIXES = {".png", ".gif", ".bmp", ".tiff", ".jpg", ".webp"}
MOST_PIXELS = 10_000_000


def codes(picture, size):
    return [str(code(picture, hash_size=size)) for code in HASHES]


def of_drawn():
    for width, height in SIDES:
        for seed, waves in ((3, 1), (4, 11)):
            pixels = blocks(drawn(-(-width // waves), -(-height // waves), seed), waves)[:height, :width]
            picture = Image.fromarray(np.ascontiguousarray(pixels))
            for size in (2, 8, 16):
                yield [width, height, seed, waves, size, *codes(picture, size)]


def blocks(pixels, side):
    """Each pixel as a square."""
    return pixels.repeat(side, 0).repeat(side, 1)


def of_files(data):
    for file in sorted(path for folder in FOLDERS for path in (data / folder).rglob("*")):
        if file.suffix.lower() not in SUFFIXES:
            continue
        try:
            picture = Image.open(file)
            if picture.width * picture.height > MOST_PIXELS:
                continue
            picture = on_white(ImageOps.exif_transpose(picture))
        except (OSError, Image.DecompressionBombError):
            continue
        digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        yield [file.relative_to(data), digest, *codes(picture, 8)]


def on_white(picture):
    """RGB, what is transparent put on white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def write(path, rows):
    head = f"# imagehash {imagehash.__version__}, pillow {Image.__version__}: written by training/perceptual_fixtures.py"
    path.write_text("\n".join([head] + ["\t".join(map(str, row)) for row in rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    beside = Path(__file__).parent.parent.parent / "shared/data"
    write(target / "perceptual.tsv", of_drawn())
    write(target / "perceptual_files.tsv", of_files(Path(os.environ.get("ALIKE_DATA", beside))))
