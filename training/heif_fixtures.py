"""Writes the AVIF files of crates/alike/tests/it/fixtures: turned, and with alpha.

    python training/heif_fixtures.py        (pillow >= 11.3 installed)

Pillow makes boxes of the file (`irot`, `imir`) of an orientation that it is given as Exif.
"""

from pathlib import Path

from PIL import Image

FIXTURES = Path(__file__).parent.parent / "crates/alike/tests/it/fixtures"
RED, GREEN, BLUE, WHITE = (200, 0, 0), (0, 160, 0), (0, 0, 200), (255, 255, 255)
ORIENTATION = 0x0112


def quarters(width: int, height: int) -> Image.Image:
    """Red and green above blue and white."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def main() -> None:
    for orientation in (5, 6):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        path = FIXTURES / f"orientation_{orientation}.avif"
        quarters(32, 16).save(path, exif=exif, quality=100, subsampling="4:4:4")
    image = quarters(32, 16)
    image.putalpha(Image.new("L", image.size, 128))
    image.save(FIXTURES / "half_transparent.avif", quality=100, subsampling="4:4:4")


if __name__ == "__main__":
    main()
