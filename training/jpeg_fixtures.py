"""Writes crates/alike/tests/it/fixtures/jpeg.tsv and the JPEGs in fixtures/jpeg: what OpenCV makes of JPEGs, whole and
reduced (IMREAD_REDUCED_COLOR_2, 4 and 8).

    ALIKE_DATA=../shared/data python training/jpeg_fixtures.py    (opencv-python-headless 5, pillow; cjpeg of libjpeg-turbo)

A line is a file (of the test data, or of fixtures/jpeg), what its shorter side must at least be, the width and height of
the upright picture, what they are divided by, and the first 16 hex digits of the SHA-256 of the RGB pixels.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

TARGET = Path(__file__).parent.parent / "crates/alike/tests/it/fixtures"
DATA = Path(os.environ["ALIKE_DATA"])
FLAGS = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}

# What photographs seldom are: other subsamplings than 4:2:0, restarts, several scans, arithmetic coding, RGB as it is.
MADE = {
    "422": ["-sample", "2x1"],
    "440": ["-sample", "1x2", "-restart", "3B"],
    "411": ["-sample", "4x1"],
    "420_restart": ["-sample", "2x2", "-restart", "1"],
    "422_progressive": ["-sample", "2x1", "-progressive"],
    "mixed": ["-sample", "2x2,2x1,1x1"],
    "arithmetic": ["-arithmetic"],
    "arithmetic_progressive": ["-arithmetic", "-progressive"],
    "rgb": ["-rgb"],
    "scans": ["-scans", "scans.txt"],
}


def drawing(width: int, height: int) -> Image.Image:
    """Waves of all colours, with noise."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 90 * np.sin(x / 3 + c) * np.cos(y / (4 + c)) for c in range(3)]
    noise = np.random.default_rng(7).normal(0, 12, (height, width, 3))
    return Image.fromarray(np.clip(np.stack(waves, 2) + noise, 0, 255).astype(np.uint8))


def make() -> list[str]:
    """Draws the pictures of fixtures/jpeg, of a size that no unit of blocks divides."""
    (TARGET / "jpeg").mkdir(exist_ok=True)
    picture = drawing(67, 45)
    with tempfile.TemporaryDirectory() as folder:
        picture.save(f"{folder}/drawing.ppm")
        Path(folder, "scans.txt").write_text("0; 1; 2;\n")
        for name, options in MADE.items():
            target = TARGET / "jpeg" / f"{name}.jpg"
            command = ["cjpeg", "-quality", "80", *options, "-outfile", str(target.absolute()), "drawing.ppm"]
            subprocess.run(command, cwd=folder, check=True)
    return [f"jpeg/{name}.jpg" for name in MADE]


def line(name: str, path: Path, least: int) -> str:
    height, width = cv2.imread(str(path)).shape[:2]
    reduction = next((r for r in (8, 4, 2) if min(width, height) // r >= least), 1)
    pixels = cv2.cvtColor(cv2.imread(str(path), FLAGS[reduction]), cv2.COLOR_BGR2RGB)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    return f"{name}\t{least}\t{pixels.shape[1]}\t{pixels.shape[0]}\t{reduction}\t{digest}\n"


def main() -> None:
    photos = sorted(path.relative_to(DATA) for path in (DATA / "corel1k").rglob("*.jpg"))[::5]
    lines = [line(str(name), DATA / name, 1 + i * 7 % 160) for i, name in enumerate(photos)]
    odd = sorted((DATA / "odd").glob("exif/*.jpg")) + sorted((DATA / "odd").glob("photos/*.jpg"))
    odd += [DATA / "odd" / name for name in ("made/gray_1channel.jpg", "made/jpeg_named.png")]
    odd += [DATA / "odd/jpeg" / f"{name}.jpg" for name in ("cmyk", "cmyk_no_profile", "gain-map", "progressive_3", "progressive_cat", "rgb_pdq")]
    for path in odd:
        lines += [line(str(path.relative_to(DATA)), path, least) for least in (20, 41, 57, 83, 2000)]
    for name in make():
        lines += [line(name, TARGET / name, least) for least in (5, 11, 22, 23)]
    (TARGET / "jpeg.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
