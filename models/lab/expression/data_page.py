"""The data report's building blocks: HTML that needs nothing from elsewhere, follows the reader's
light or dark setting and fits a phone. Pictures are PNG data URIs with alternative texts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.models.lab.expression.dataset import Images

_BINS = 32

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --paper: #fff; --soft: #667080; --line: #d8dde3;
  --bar: #3b74b8; --tile: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --paper: #14181d; --soft: #98a3b0;
  --line: #333b45; --bar: #5a97dd; --tile: #1d232a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 1.2rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .3rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
h4 { font-size: .85rem; font-weight: 600; margin: .7rem 0 .2rem; }
p { margin: .2rem 0 .8rem; color: var(--soft); max-width: 46rem; }
pre { background: var(--tile); padding: .8rem 1rem; border-radius: 8px; white-space: pre-wrap; }
.columns { display: grid; margin-bottom: 1rem; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.faces { display: flex; flex-wrap: wrap; gap: 8px; }
.group { display: flex; flex-wrap: wrap; gap: 2px; padding: 4px; background: var(--tile);
  border-radius: 6px; }
figure { margin: 0; }
figure.face { width: 72px; }
figure.face img { width: 72px; height: 72px; display: block; border-radius: 3px; }
figcaption { font-size: .7rem; line-height: 1.2; color: var(--soft); overflow-wrap: anywhere; }
.chart figcaption, caption { font-size: .85rem; text-align: left; padding-bottom: .3rem; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 3px 8px;
  font-size: .85rem; align-items: center; }
.bars i { display: block; height: .8rem; background: var(--bar); border-radius: 2px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.shaded td { text-align: right; }
.shaded th { font-weight: 500; }
svg { width: 100%; height: auto; display: block; }
svg rect { fill: var(--bar); }
svg line { stroke: var(--line); }
.ends { display: flex; justify-content: space-between; font-size: .75rem; color: var(--soft); }
"""


def page(title: str, lines: Sequence[str], sections: Sequence[str]) -> str:
    """A whole document: a title, a summary of plain lines, and what :func:`section` made."""
    summary = escape("\n".join(lines))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1><pre>{summary}</pre>\n"
        + "\n".join(sections)
        + "</body></html>\n"
    )


def section(title: str, note: str, body: Sequence[str]) -> str:
    """A part of the page; ``body`` is HTML, the rest text."""
    told = f"<p>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{told}{''.join(body)}</section>"


def face(image: Images, described: str, caption: str = "") -> str:
    """One grey picture, uint8 [h, w], with its alternative text and a caption if there is one."""
    data = base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    alt = escape(described, quote=True)
    return (
        f'<figure class="face"><img src="data:image/png;base64,{data}" alt="{alt}" title="{alt}" '
        f'width="72" height="72">{told}</figure>'
    )


def faces(shown: Sequence[str]) -> str:
    """Pictures, pairs or groups in rows as wide as the screen."""
    return f'<div class="faces">{"".join(shown)}</div>'


def pair(one: str, other: str) -> str:
    """Two pictures that belong together."""
    return f'<div class="group">{one}{other}</div>'


def bars(title: str, names: Sequence[str], counts: NDArray[np.int64]) -> str:
    """A bar for each count, with the count and its share of all."""
    total, most = max(int(counts.sum()), 1), max(int(counts.max()), 1)
    rows = "".join(
        f'<span>{escape(name)}</span><i style="width:{100 * count / most:.1f}%"></i>'
        f'<span class="number">{count:,} · {100 * count / total:.1f} %</span>'
        for name, count in zip(names, counts.tolist(), strict=True)
    )
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<div class="bars">{rows}</div></figure>'
    )


def histogram(title: str, values: NDArray[np.float64], ends: tuple[float, float], unit: str) -> str:
    """How values spread between two ends, with their mean and median in the title."""
    counts = np.histogram(values, _BINS, ends)[0]
    heights = 100 * counts / max(int(counts.max()), 1)
    columns = "".join(
        f'<rect x="{10 * i + 0.5}" y="{100 - height:.1f}" width="9" height="{height:.1f}"/>'
        for i, height in enumerate(heights)
    )
    told = f"{title}: mean {values.mean():,.4g}, median {np.median(values):,.4g}"
    return (
        f'<figure class="chart"><figcaption>{escape(told)}</figcaption>'
        f'<svg viewBox="0 0 {10 * _BINS} 100" role="img" aria-label="{escape(told, quote=True)}">'
        f'{columns}<line x1="0" x2="{10 * _BINS}" y1="100" y2="100"/></svg>'
        f'<div class="ends"><span>{ends[0]:,.4g}</span><span>{escape(unit)}</span>'
        f"<span>{ends[1]:,.4g}</span></div></figure>"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    content = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{content}</table></div>'


def shaded_table(
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: NDArray[Any],
    form: str,
    caption: str,
    shades: NDArray[np.float64] | None = None,
) -> str:
    """A table of numbers [rows, columns] whose cells are as dark as ``shades`` (0..1) says, which
    are the values themselves if not given. ``form`` is how a number is written."""
    darkness = values if shades is None else shades
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in [corner, *columns])
    body = ""
    for name, numbers, dark in zip(rows, values, darkness, strict=True):
        cells = "".join(
            '<td style="background:color-mix(in srgb, var(--bar) '
            f'{70 * shade:.0f}%, transparent)">{form.format(number)}</td>'
            for number, shade in zip(numbers.tolist(), dark.tolist(), strict=True)
        )
        body += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    return (
        f'<div class="wide"><table class="shaded"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
