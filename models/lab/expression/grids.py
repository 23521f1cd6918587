"""Pictures in aligned rows with captions, as one PNG each, and a page that holds them all.

Everything is placed in whole pixels, so that a tile's pixels are the network's, enlarged and not
mixed; text is measured before it is drawn, and shortened where it wouldn't fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import NDArray

from readroom.models.boxes import Floats

Image = NDArray[np.uint8]

_DPI: Final = 100
_MARGIN_PX: Final = 18
_GAP_PX: Final = 10
_LABEL_PX: Final = 96
#: Heights of letters and of lines, px.
_TITLE_PX: Final = 17
_TEXT_PX: Final = 12.5
_CAPTION_PX: Final = 11.5
_LINE_RATIO: Final = 1.4
_INK, _PALE = "#1d2530", "#5a6675"
#: Measures text as it will be drawn: hinting makes it wider than its outlines. (Matplotlib's
#: renderers come without type annotations.)
_RENDERER: Final[Any] = RendererAgg(1, 1, _DPI)  # type: ignore[no-untyped-call]
#: Narrower would leave no room for the note.
_LEAST_WIDTH_PX: Final = 640


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture uint8 [h, w] grey or [h, w, 3] RGB, and the lines below it."""

    image: Image
    caption: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Tiles from left to right, and what stands before them: a name and a smaller line."""

    tiles: Sequence[Tile]
    label: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture grid: ``tile_px`` is the side of a tile; ``smooth`` says whether small pictures
    are enlarged smoothly or as the squares that their pixels are."""

    title: str
    note: str
    rows: Sequence[Row]
    tile_px: int = 144
    smooth: bool = False


def draw(grid: Grid) -> Figure:
    """The grid as a figure whose pixels are those of its tiles."""
    columns = max(len(row.tiles) for row in grid.rows)
    label_px = _LABEL_PX if any(row.label for row in grid.rows) else 0
    tiles_px = columns * (grid.tile_px + _GAP_PX) - _GAP_PX
    width = max(_LEAST_WIDTH_PX, 2 * _MARGIN_PX + label_px + tiles_px)
    inside = width - 2 * _MARGIN_PX
    note = wrapped(grid.note, inside, _TEXT_PX)
    tops, y = [], _MARGIN_PX + _lines_px(1, _TITLE_PX) + _lines_px(len(note), _TEXT_PX) + 12
    for row in grid.rows:
        tops.append(y)
        y += grid.tile_px + _captions_px(row) + _GAP_PX
    height = y - _GAP_PX + _MARGIN_PX
    canvas = np.full((height, width, 3), 255, np.uint8)
    page = _Page(width, height)
    page.write(
        _MARGIN_PX, _MARGIN_PX, [fitted(grid.title, inside, _TITLE_PX)], _TITLE_PX, bold=True
    )
    page.write(_MARGIN_PX, _MARGIN_PX + _lines_px(1, _TITLE_PX) + 2, note, _TEXT_PX, colour=_PALE)
    for row, top in zip(grid.rows, tops, strict=True):
        middle = top + (grid.tile_px - _lines_px(len(row.label), _CAPTION_PX)) // 2
        label = [fitted(line, label_px - _GAP_PX, _CAPTION_PX, bold=True) for line in row.label]
        page.write(_MARGIN_PX, middle, label[:1], _CAPTION_PX, bold=True)
        page.write(
            _MARGIN_PX, middle + _lines_px(1, _CAPTION_PX), label[1:], _CAPTION_PX, colour=_PALE
        )
        for column, tile in enumerate(row.tiles):
            left = _MARGIN_PX + label_px + column * (grid.tile_px + _GAP_PX)
            # A hairline, or white tiles would run into the paper.
            canvas[top - 1 : top + grid.tile_px + 1, left - 1 : left + grid.tile_px + 1] = 200
            canvas[top : top + grid.tile_px, left : left + grid.tile_px] = _enlarged(tile, grid)
            lines = [fitted(line, grid.tile_px + _GAP_PX - 4, _CAPTION_PX) for line in tile.caption]
            page.write(left, top + grid.tile_px + 4, lines, _CAPTION_PX)
    page.figure.figimage(canvas, 0, 0, origin="upper", zorder=-1)
    return page.figure


def save_grid(path: Path, grid: Grid) -> None:
    """Write the grid as PNG."""
    draw(grid).savefig(path, dpi=_DPI, metadata={"Software": None})


class _Page:
    """A figure on which text is placed in px from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        self._width, self._height = width, height

    def write(
        self,
        x: int,
        y: float,
        lines: Sequence[str],
        size_px: float,
        *,
        bold: bool = False,
        colour: str = _INK,
    ) -> None:
        for number, line in enumerate(lines):
            top = y + number * size_px * _LINE_RATIO
            self.figure.text(
                x / self._width,
                1 - top / self._height,
                line,
                fontproperties=_font(size_px, bold=bold),
                color=colour,
                verticalalignment="top",
                parse_math=False,
            )


def _font(size_px: float, *, bold: bool = False) -> FontProperties:
    # By name, so that nobody's own settings change what fits.
    weight = "bold" if bold else "normal"
    return FontProperties(family="DejaVu Sans", weight=weight, size=size_px * 72 / _DPI)


def _lines_px(count: int, size_px: float) -> int:
    return round(count * size_px * _LINE_RATIO)


def _captions_px(row: Row) -> int:
    most = max((len(tile.caption) for tile in row.tiles), default=0)
    return _lines_px(most, _CAPTION_PX) + 6 if most else 0


def width_px(text: str, size_px: float, *, bold: bool = False) -> float:
    """How wide a line of text is when drawn, px."""
    font = _font(size_px, bold=bold)
    wide, _, _ = _RENDERER.get_text_width_height_descent(text, font, ismath=False)
    return float(wide)


def fitted(text: str, most_px: float, size_px: float, *, bold: bool = False) -> str:
    """The text, shortened at its end where it is wider than ``most_px``."""
    text = _drawable(text)
    if width_px(text, size_px, bold=bold) <= most_px:
        return text
    while text and width_px(f"{text}…", size_px, bold=bold) > most_px:
        text = text[:-1]
    return f"{text}…"


def wrapped(text: str, most_px: float, size_px: float) -> list[str]:
    """The text in lines of at most ``most_px``."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_px(_drawable(longer), size_px) <= most_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(line, most_px, size_px) for line in lines]


def _drawable(text: str) -> str:
    # A file's name may hold any character; the font doesn't.
    face = get_font(findfont(_font(_TEXT_PX)))
    return "".join(c if face.get_char_index(ord(c)) else "?" for c in text)


def _enlarged(tile: Tile, grid: Grid) -> Image:
    image = tile.image if tile.image.ndim == 3 else np.repeat(tile.image[..., None], 3, axis=2)
    size = (grid.tile_px, grid.tile_px)
    if max(image.shape[:2]) > grid.tile_px:
        how = cv2.INTER_AREA
    else:
        how = cv2.INTER_CUBIC if grid.smooth else cv2.INTER_NEAREST
    return cast(Image, cv2.resize(np.ascontiguousarray(image), size, interpolation=how))


def coloured(values: Floats, least: float, most: float) -> Image:
    """Values [h, w] from ``least`` (dark) to ``most`` (bright) as RGB uint8 [h, w, 3]."""
    share = (values - least) / max(most - least, 1e-12)
    return _rgb(colormaps["magma"](np.clip(share, 0, 1)))


def laid_over(face: Image, values: Floats, most: float) -> Image:
    """Signed values [h, w] over a grey face of the same size, as RGB uint8 [h, w, 3]: red from 0 to
    ``most``, blue from 0 to -``most``, the deeper the more."""
    share = np.clip(values / max(most, 1e-12), -1, 1)
    tint = colormaps["RdBu_r"](0.5 + share * 0.42)[..., :3] * 255
    deep = 0.75 * np.abs(share)[..., None] ** 0.8
    return np.asarray(face[..., None] * (1 - deep) + tint * deep, np.uint8)


def _rgb(colours: NDArray[np.float64]) -> Image:
    return np.asarray(colours[..., :3] * 255, np.uint8)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on the page: its file, beside the page, and what it shows, for those who can't
    see it."""

    file: str
    described: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a paragraph and pictures."""

    heading: str
    text: str
    pictures: Sequence[Shown]


_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1160px; margin: 2rem auto;
       padding: 0 1rem; }}
figure {{ margin: 1.5rem 0; }}
img {{ max-width: 100%; height: auto; background: #fff; border-radius: 6px; }}
figcaption {{ font: 12px ui-monospace, monospace; opacity: .7; }}
p {{ max-width: 70ch; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def page(title: str, text: Sequence[str], sections: Sequence[Section]) -> str:
    """An HTML page with the pictures, which lie beside it."""
    body = [f"<p>{escape(paragraph)}</p>" for paragraph in text]
    for section in sections:
        body.append(f"<h2>{escape(section.heading)}</h2>\n<p>{escape(section.text)}</p>")
        for shown in section.pictures:
            # A grid carries its own words; below it stands only where to find it.
            file, described = escape(shown.file), escape(shown.described)
            body.append(
                f'<figure><img src="{file}" alt="{described}" loading="lazy">'
                f"<figcaption>{file}</figcaption></figure>"
            )
    return _PAGE.format(title=escape(title), body="\n".join(body))
