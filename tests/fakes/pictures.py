"""Photos as a telephone makes them, with where and by what they were taken."""

from io import BytesIO

from PIL import Image

MAKER = "Pocket Phone 7"


def photo(kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """Red on the left, blue on the right; turned by a quarter as telephones hold it, with a position in its EXIF data."""
    made = Image.new("RGB", size, "red")
    made.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = MAKER, 6
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 46.0, 48.0), 3: "E", 4: (119.0, 57.0, 0.0)})
    file = BytesIO()
    made.save(file, kind, exif=exif)
    return file.getvalue()
