"""Picture files, read safely: whatever their format, as uint8 BGR, upright, not too large.

Formats are told by content, and only those of photographs are tried: Pillow knows formats that run
other programs. A file's header says how many pixels it will need, before any is decoded.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from readroom.errors import BadSettings
from readroom.pixels import Picture

#: Formats that are read, where this Pillow knows them.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000")
#: How such files are called.
SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2")
)
#: How a file of MPEG's container begins that holds still pictures (ISO/IEC 23008-12).
HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
#: More pixels aren't decoded: with transparency so many take 1.3 GB for a moment (measured).
MOST_PIXELS: Final = 128_000_000
#: Larger pictures are scaled down to this side, px.
MOST_SIDE_PX: Final = 4096
#: A face needs a few of them.
LEAST_SIDE_PX: Final = 16


class Unreadable(BadSettings):
    """A picture that can't be used; the text names it, and says why."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as read: uint8 BGR [height, width, 3], upright. ``size`` is (width, height) of the
    file's own pixels, upright; ``note`` says what else there is to know of it."""

    path: Path
    picture: Picture
    size: tuple[int, int]
    note: str = ""

    @property
    def scale(self) -> float:
        """The file's pixels per pixel of ``picture``: 1 or more."""
        return self.size[0] / int(self.picture.shape[1])


def is_picture(path: Path) -> bool:
    """Whether a file begins like a picture, whatever it is called. Raises BadSettings where it
    can't be looked into."""
    try:
        with _open(path):
            return True
    except UnidentifiedImageError:
        return False
    except Image.DecompressionBombError:
        return True
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror or error})") from None
    except Exception:  # Whatever a damaged header makes of a decoder: it is none that can be used.
        return False


def called_a_picture(path: Path) -> bool:
    """Whether a file is called like a picture, whatever is in it."""
    return path.suffix.lower() in SUFFIXES


def is_heif(path: Path) -> bool:
    """Whether a file is a HEIF picture (HEIC), as telephones make them: a video reader would take
    its parts for pictures of their own."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS


def pictures_in(folder: Path) -> list[Path]:
    """A folder's pictures, by name; not those that are hidden, nor of folders in it."""
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise BadSettings(f"{folder}: can't be listed ({error.strerror})") from None
    pictures = [path for path in found if path.is_file() and is_picture(path)]
    if not pictures:
        raise BadSettings(f"{folder}: no pictures in this folder")
    return pictures


def read(path: Path) -> Photo:
    """Read a picture file. Raises Unreadable."""
    try:
        with _open(path) as image:
            return _read(path, image)
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except UnidentifiedImageError:
        raise Unreadable(f"{path}: not a picture that can be read") from None
    except MemoryError:
        raise Unreadable(f"{path}: takes more memory than there is; scale it down") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise Unreadable(f"{path}: can't be read ({why}); is it whole?") from None
    except Exception as error:  # Whatever a damaged file makes of a decoder: it is one picture.
        why = f"{type(error).__name__}: {error}"
        raise Unreadable(f"{path}: is damaged and can't be decoded ({why})") from None


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """The file's picture, of which nothing is decoded yet."""
    Image.init()
    formats: list[str] = [name for name in FORMATS if name in Image.OPEN]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of what Pillow only warns, it reads all the same.
        with Image.open(path, formats=formats) as image:
            yield image


def _too_large(path: Path) -> Unreadable:
    return Unreadable(
        f"{path}: has more than {MOST_PIXELS // 1_000_000} million pixels, which aren't decoded: "
        "that might fill the memory; scale it down first"
    )


def _read(path: Path, image: Image.Image) -> Photo:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise _too_large(path)
    if min(width, height) < LEAST_SIDE_PX:
        raise Unreadable(f"{path}: is {width}×{height} px, too small for any face")
    count = getattr(image, "n_frames", 1)
    small = _small(image)
    upright = ImageOps.exif_transpose(small)
    turned = upright.size == small.size[::-1]
    picture = cv2.cvtColor(np.asarray(_rgb(upright)), cv2.COLOR_RGB2BGR)
    notes = [f"the first of its {count} pictures"] if count > 1 else []
    if max(width, height) > MOST_SIDE_PX:
        notes.append(f"read at {picture.shape[1]}×{picture.shape[0]} px")
    size = (height, width) if turned else (width, height)
    return Photo(path, np.ascontiguousarray(picture, np.uint8), size, ", ".join(notes))


def _small(image: Image.Image) -> Image.Image:
    """The picture, scaled down where it is large; a JPEG is decoded at a fraction already."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    elif image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if max(image.size) > MOST_SIDE_PX:
        image.thumbnail((MOST_SIDE_PX, MOST_SIDE_PX), Image.Resampling.BOX)
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of real numbers, in 256 levels: of its format's range, or of its
    own where that is none."""
    levels = np.nan_to_num(np.asarray(image).astype(np.float32))
    most = float(levels.max(initial=0.0))
    top = next((top for top in (1.0, 255.0, 65535.0) if most <= top), most)
    if image.mode.startswith("I;16"):
        top = 65535.0
    grey = Image.fromarray(np.clip(levels * (255.0 / top), 0, 255).astype(np.uint8))
    grey.info, exif = dict(image.info), image.getexif()
    if exif:
        grey.info["exif"] = exif.tobytes()
    return grey


def _rgb(image: Image.Image) -> Image.Image:
    """Three channels; what is transparent is white, as on a page."""
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        page = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(page, with_alpha).convert("RGB")
    return image.convert("RGB")


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """A file in the folder that isn't there yet."""
    path, number = folder / f"{stem}{suffix}", 1
    while os.path.lexists(path):
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
