"""docs/semantics.md says what the program does: its example is told anew, its tables are whole."""

from __future__ import annotations

import re

import pytest

from readroom.messages import ACTIONS, LOOKS, MEASURES
from readroom.words import vocabulary
from tests.aggregator.pictures import BEGIN, END, FOLDER, PAGE, sentences


def rows_of(heading: str) -> set[str]:
    """The names in the first cells of a section's table."""
    section = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_the_clip_is_told_as_the_page_tells_it() -> None:
    told = PAGE.read_text("utf-8").split(BEGIN)[1].split(END)[0]

    assert told == f"\n{sentences()}\n", "run `python -m tests.aggregator.pictures`"


def test_every_kind_of_event_is_explained() -> None:
    kinds = {
        re.sub("_(sure|bare|changed|unclear)$", "", kind)
        for kind in vocabulary(without_emotion=False).events
    }

    assert rows_of("Events") == kinds


def test_every_measure_is_explained() -> None:
    assert rows_of("Measures of the room") == set(MEASURES)


@pytest.mark.parametrize(("page", "names"), [("looks.md", LOOKS), ("actions.md", ACTIONS)])
def test_every_look_and_action_is_explained_in_its_part(page: str, names: tuple[str, ...]) -> None:
    text = (FOLDER / page).read_text("utf-8")

    assert not [name for name in names if name not in text]


def test_every_link_leads_somewhere() -> None:
    link = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
    links = [
        (page, target)
        for page in (PAGE, *FOLDER.glob("*.md"))
        for target in link.findall(page.read_text("utf-8"))
        if "://" not in target
    ]

    assert len(links) > 30
    assert not [(page.name, to) for page, to in links if not (page.parent / to).exists()]
