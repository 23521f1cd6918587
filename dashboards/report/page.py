"""The report as one HTML file: no script, no external address, nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from readroom import __version__
from readroom.dashboards.report.basis import appendix, coverage_section
from readroom.dashboards.report.changes import Table, table
from readroom.dashboards.report.comparison_section import comparison_section
from readroom.dashboards.report.curve import curve, numbers, picture, time_axis
from readroom.dashboards.report.facts import Facts, facts
from readroom.dashboards.report.markers_section import markers_section
from readroom.dashboards.report.markup import Child, Markup, element, joined, tied
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.moments import moments
from readroom.dashboards.report.strips import MOST, legend, patterns, share, strip
from readroom.dashboards.report.summary import fine, summary
from readroom.dashboards.report.tables import plain_table
from readroom.dashboards.report.words import Words, listed, words
from readroom.messages import LOOKS
from readroom.words import PURPOSE_WORDS, clock, moment, percent, seconds

#: What a report says it was made by: an own report may be written over.
GENERATOR: Final = "readroom report"
#: Nothing may be fetched, and nothing run.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
#: A gap that can be seen, as a share of a curve's points.
SEEN_GAP: Final = 0.01
#: Rows of the table of totals at most, and names in the head.
MOST_ROWS: Final = 60
MOST_NAMES: Final = 12


def page(now: Material, then: Material | None, made_at: float | None) -> str:
    """The whole file; ``then`` is the session to compare with."""
    said = words(now.without_emotion)
    people = [facts(now, person) for person in now.people]
    changed = table(now)
    sections = [
        _section("summary", _summary(now, people, changed, said), said),
        _section("curve_one" if len(people) == 1 else "curve", _curve(now, said), said),
        _section("people", _people(now, people, said), said) if people else None,
        _section("markers", markers_section(now, changed, said), said),
        _section("moments", _moments(now, said), said),
        _compared(now, then, people) if then is not None else None,
        _section("notes", _notes(now), said) if now.notes else None,
        _section("coverage", coverage_section(now, people, said), said),
        _section("appendix", appendix(now, said), said),
    ]
    body = element(
        "body",
        patterns(),
        _header(now, people, said),
        element("main", _banner(now, said), *sections),
        _footer(made_at, said),
    )
    return f"<!DOCTYPE html>\n{element('html', _head(now, said), body, lang='en')}\n"


def title_of(material: Material, said: Words) -> str:
    """What the session is called."""
    return material.session.title or said.say("untitled", room=material.session.room)


def _head(material: Material, said: Words) -> Markup:
    title = said.say("document", title=title_of(material, said))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("meta", name="generator", content=f"{GENERATOR} {__version__}"),
        element("meta", name="robots", content="noindex"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style()),
    )


@lru_cache
def style() -> Markup:
    """The style sheet, which is ours and needs no escaping."""
    return Markup((Path(__file__).parent / "style.css").read_text("utf-8"))


def _header(material: Material, people: Sequence[Facts], said: Words) -> Markup:
    session = material.session
    kind = "kind_recording" if session.recording else "kind_live"
    names = [found.person.label for found in people[:MOST_NAMES]]
    who = listed(names) if len(people) <= MOST_NAMES else f"{', '.join(names)} … ({len(people)})"
    known: Mapping[str, str] = {str(k): v for k, v in PURPOSE_WORDS.choices.items()}
    purpose = known.get(session.purpose or "")
    pairs: list[tuple[str, str, str | None]] = [
        ("when", said.say(kind, moment=moment(session.started_at)), None),
        ("length", seconds(material.end_s), None),
        ("room", session.room, None),
        ("purpose", purpose or said.say("purpose_none"), None),
        ("who", who or said.say("who_nobody"), "wide"),
    ]
    about = [
        element("div", element("dt", said.say(key)), element("dd", value), class_=wide)
        for key, value, wide in pairs
    ]
    return element(
        "header",
        element("p", "Read the Room", class_="brand"),
        element("h1", title_of(material, said)),
        element("p", said.say("honesty"), class_="honesty"),
        element("dl", *about, class_="about"),
    )


def _banner(material: Material, said: Words) -> Markup | None:
    state = material.session.state
    if state == "open":
        text = said.say("running", moment=moment(material.session.saved_at))
    elif state == "abandoned":
        text = said.say("abandoned", end=clock(material.end_s))
    else:
        return None
    return element("p", text, class_="banner", role="note")


def _section(key: str, content: Child, said: Words) -> Markup:
    heading = element("h2", said.say(key), id=f"h-{key}")
    return element("section", heading, content, aria_labelledby=f"h-{key}")


def _summary(material: Material, people: Sequence[Facts], changed: Table, said: Words) -> Markup:
    sentences = summary(material, people, changed, said)
    return element("ul", *(element("li", tied(text)) for text in sentences), class_="summary")


def _curve(material: Material, said: Words) -> Markup:
    found = curve(material)
    if not found.known:
        return element("p", said.say("no_curve_one" if len(material.people) == 1 else "no_curve"))
    one = len(material.people) == 1
    what = said.say("curve_what_one" if one else "curve_what")
    thin = said.say("own_line") if one else said.say("seconds_line", width=seconds(found.thin_s))
    items: list[tuple[Child, str]] = [(_mark("line" if one else "thin"), thin)]
    if not one:
        items.insert(0, (_mark("line"), said.say("minute_line")))
    if material.markers:
        items.append((_mark("marker"), said.say("marker_line")))
    if any(event.kind in ("inflection", "peak") for event in material.events):
        items += [("▲▼", said.say("turn_sign")), ("◆", said.say("peak_sign"))]
    if np.isnan(found.thin if one else found.value).mean() > SEEN_GAP:
        items.append((None, said.say("gap")))
    key = element("ul", *(element("li", sign, text) for sign, text in items), class_="key")
    caption = element("p", f"{what} ({said.say('curve_unit')})", class_="muted small")
    return joined(caption, picture(material, found, said), key)


def _mark(name: str) -> Markup:
    """A line as it is drawn, for the key."""
    path = element("path", class_=name, d="M1 6H21")
    return element("svg", path, width="22", height="12", aria_hidden="true")


def _people(material: Material, people: Sequence[Facts], said: Words) -> Markup:
    shown = sorted(people, key=lambda found: -found.there_s)[:MOST]
    shown = [found for found in people if found in shown]
    rows = [
        element(
            "li",
            element("span", found.person.label, class_="who"),
            strip(material, found, said, number),
            element("span", share(found), class_="share"),
        )
        for number, found in enumerate(shown, 1)
    ]
    flags = element("div", *numbers(material), class_="flags", aria_hidden="true")
    more = None
    if len(people) > len(shown):
        more = element("p", said.say("strips_more", count=len(people) - len(shown)), class_="small")
    return joined(
        element("div", flags, class_="strip-axis") if material.markers else None,
        element("ul", *rows, class_="strips"),
        element("div", time_axis(material), class_="strip-axis"),
        legend(people, said),
        element("p", said.say("legend_markers"), class_="muted small")
        if material.markers
        else None,
        more,
        element("h3", said.say("totals")),
        _totals(people, said),
    )


def _totals(people: Sequence[Facts], said: Words) -> Markup:
    looks = [
        look
        for look in LOOKS[:-1]
        if look in said.vocabulary.looks and any(look in found.looks for found in people)
    ]
    heads = [said.say(k) for k in ("person", "there", "in_view", "seen_for", "seen_share")]
    heads += [said.vocabulary.looks[look]["label"] for look in looks]
    heads.append(said.say("front"))
    rows: list[list[Child]] = []
    for found in people[:MOST_ROWS]:
        front = said.say("nothing") if found.front is None else percent(found.front)
        times = [found.there_s, found.in_view_s, found.readable_s]
        rows.append(
            [
                found.person.label,
                *(seconds(time) for time in times),
                share(found),
                *(_time(found.looks.get(look), said) for look in looks),
                front,
            ]
        )
    return plain_table(
        heads, rows, said.say("table", what=said.say("totals")), numbers=range(1, len(heads))
    )


def _time(time_s: float | None, said: Words) -> str:
    return said.say("nothing") if time_s is None else seconds(time_s)


def _moments(material: Material, said: Words) -> Markup:
    found = moments(material, said)
    if not found:
        return element("p", said.say("no_moments"))
    short = fine(material)
    rows: list[list[Child]] = [
        [clock(m.start_s, fine=short), said.say(f"kind_{m.kind}"), m.sentence] for m in found
    ]
    heads = [said.say(key) for key in ("time", "kind", "what")]
    return plain_table(heads, rows, said.say("table", what=said.say("moments")))


def _compared(now: Material, then: Material, people: Sequence[Facts]) -> Markup:
    # What is put beside a session without emotion says nothing of one either.
    said = words(now.without_emotion or then.without_emotion)
    theirs = [facts(then, person) for person in then.people]
    return _section("comparison", comparison_section(now, then, people, theirs, said), said)


def _notes(material: Material) -> Markup:
    short = fine(material)
    items = [
        element(
            "li", element("span", clock(note.time_s, fine=short), class_="muted"), f"  {note.text}"
        )
        for note in material.notes
    ]
    return element("ul", *items)


def _footer(made_at: float | None, said: Words) -> Markup:
    if made_at is None:
        return element("footer", element("p", said.say("honesty")))
    made = said.say("made", moment=moment(made_at), version=__version__)
    return element("footer", element("p", f"{made} {said.say('honesty')}"))
