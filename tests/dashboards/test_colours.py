"""The page's colours, read from its style sheet."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import readroom.dashboards.live as live_package
from readroom.messages import EXPRESSIONS, STATES

Colour = NDArray[np.float64]

#: Full dichromacy in linear RGB: Machado, Oliveira and Fernandes 2009, table for severity 1.0.
SIGHTS = {
    "full colour": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

#: OKLab distance between any two expressions that every kind of sight still has. Neighbouring
#: patches are told apart from about 0.02 on; names stand beside the colours too.
LEAST_DISTANCE = 0.075
LEAST_CONTRAST = 4.5

#: Text colours and what they stand on.
TEXTS = [
    ("ink", "page"),
    ("ink", "card"),
    ("ink", "track"),
    ("muted", "page"),
    ("muted", "card"),
    ("bad", "card"),
    ("on-accent", "accent"),
    ("on-notice", "notice"),
]


def schemes() -> dict[str, dict[str, str]]:
    css = (Path(live_package.__file__).resolve().parent / "static" / "style.css").read_text()
    light, dark = css.split(':root[data-scheme="dark"]')
    pattern = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    bright = dict(pattern.findall(light))
    return {"light": bright, "dark": {**bright, **dict(pattern.findall(dark))}}


def linear(colour: str) -> Colour:
    """Linear RGB of ``#rrggbb`` (IEC 61966-2-1)."""
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Colour) -> Colour:
    """OKLab of linear RGB (Ottosson 2020)."""
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(to_lab @ np.cbrt(to_lms @ rgb))


def luminance(colour: str) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1..21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_expressions_stay_apart_for_every_kind_of_colour_sight(scheme: str, sight: str) -> None:
    colours = schemes()[scheme]
    seen = {
        state: oklab(np.clip(SIGHTS[sight] @ linear(colours[f"state-{STATES.index(state)}"]), 0, 1))
        for state in EXPRESSIONS
    }
    for one, other in itertools.combinations(EXPRESSIONS, 2):
        assert np.linalg.norm(seen[one] - seen[other]) >= LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_background(scheme: str) -> None:
    colours = schemes()[scheme]
    for text, background in TEXTS:
        assert contrast(colours[text], colours[background]) >= LEAST_CONTRAST, (text, background)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_bands_label_can_be_read_in_black_or_white(scheme: str) -> None:
    for state in EXPRESSIONS:
        band = schemes()[scheme][f"state-{STATES.index(state)}"]
        best = max(contrast(band, "#000000"), contrast(band, "#ffffff"))
        assert best >= LEAST_CONTRAST, state
