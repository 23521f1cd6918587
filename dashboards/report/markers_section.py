"""The table of markers and people: what changed, how sure, and what can't be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from readroom.dashboards.report.changes import Change, Table
from readroom.dashboards.report.markup import Markup, element, joined
from readroom.dashboards.report.material import Material, Person
from readroom.dashboards.report.summary import fine
from readroom.dashboards.report.tables import scrolling
from readroom.dashboards.report.words import Words, interval
from readroom.messages import Event, Measure
from readroom.words import clock, signed

#: Columns that stand side by side on a printed page.
PEOPLE_BESIDE: Final = 5
#: Cells at most, and rows at least; the markers with the largest changes come in.
MOST_CELLS: Final = 720
LEAST_ROWS: Final = 12


def markers_section(material: Material, table: Table, words: Words) -> Markup:
    """What the section holds below its heading."""
    if not material.markers:
        return element("p", words.say("no_marker"))
    shown = _shown(table, len(material.people))
    room = answers_by_marker(material, table.figure)
    parts: list[Markup] = [element("p", words.say("marker_head"), class_="muted small")]
    blocks = _blocks(material.people)
    for number, people in enumerate(blocks):
        answered = room if number == 0 else None
        label = words.say("part", what=words.say("markers"), n=number + 1, of=len(blocks))
        parts.append(_block(material, table, shown, people, answered, words, label))
    if len(shown) < len(material.markers):
        more = len(material.markers) - len(shown)
        parts.append(element("p", words.say("marker_more", count=more), class_="muted small"))
    told = chance(table, words)
    if any(measure.value is not None for measure in room.values()):
        told = f"{told} {words.say('chance_room')}"
    parts.append(element("p", told, class_="muted small"))
    return joined(*parts)


def chance(table: Table, words: Words) -> str:
    """How many comparisons there were, and how many of them chance alone would tell."""
    if not table.tested:
        return words.say("chance_none")
    expected = 0.05 * table.tested
    made = words.say(
        "chance",
        tested=table.tested,
        expected=f"{expected:.1f}" if expected < 9.95 else f"{expected:.0f}",
        beyond=table.beyond,
    )
    held = words.say("chance_named" if table.named else "chance_unnamed", named=table.named)
    if table.telling < table.tested:
        held += f" {words.say('chance_short', count=table.tested - table.telling)}"
    return f"{made} {held}"


def answers_by_marker(material: Material, figure: str) -> dict[tuple[float, str], Measure]:
    """The room's answers, by the marker's time and label; without a value where too little was
    seen."""
    found: dict[tuple[float, str], Measure] = {}
    for event in material.events:
        if event.kind == "response":
            found.setdefault(_key(event), Measure(value=None))
            if event.figure == figure and event.measure is not None:
                found[_key(event)] = event.measure
    return found


def _key(event: Event) -> tuple[float, str]:
    return round(event.start_s, 3), event.state or ""


def _shown(table: Table, people: int) -> list[int]:
    """The places of the markers that have a row, in order of time."""
    most = max(LEAST_ROWS, MOST_CELLS // (people + 1))
    if len(table.rows) <= most:
        return list(range(len(table.rows)))

    def worth(place: int) -> tuple[bool, float]:
        row = table.rows[place]
        named = any(change.verdict in ("more", "less") for change in row)
        return named, max((abs(change.value or 0.0) for change in row), default=0.0)

    return sorted(sorted(range(len(table.rows)), key=worth, reverse=True)[:most])


def _blocks(people: Sequence[Person]) -> list[list[tuple[int, Person]]]:
    numbered = list(enumerate(people))
    return [
        numbered[begin : begin + PEOPLE_BESIDE]
        for begin in range(0, max(1, len(numbered)), PEOPLE_BESIDE)
    ]


def _block(
    material: Material,
    table: Table,
    shown: Sequence[int],
    people: Sequence[tuple[int, Person]],
    room: dict[tuple[float, str], Measure] | None,
    words: Words,
    label: str,
) -> Markup:
    heads = [element("th", words.say("marker"), scope="col")]
    if room is not None:
        heads.append(element("th", words.say("whole_room"), scope="col"))
    heads += [element("th", person.label, scope="col", class_="name") for _, person in people]
    rows = []
    for place in shown:
        marker = material.markers[place]
        when = clock(marker.time_s, fine=fine(material))
        cells = [
            element(
                "th",
                f"{place + 1}. {marker.label} ",
                element("span", when, class_="muted small"),
                scope="row",
            )
        ]
        if room is not None:
            cells.append(_room_cell(room.get((round(marker.time_s, 3), marker.label)), words))
        cells += [_cell(table.rows[place][column], words) for column, _ in people]
        rows.append(element("tr", *cells))
    head, body = element("thead", element("tr", *heads)), element("tbody", *rows)
    return scrolling(element("table", head, body, class_="changes"), label)


def _cell(change: Change, words: Words) -> Markup:
    figures = f"{signed(change.value)} ({interval(change.low, change.high)})"
    if change.verdict == "cant_tell":
        reason = words.say(f"reason_{change.reason}")
        known = joined(_beside(figures), _beside(reason)) if change.p is not None else None
        return element(
            "td", words.say("change_cant_tell"), known or _beside(reason), class_="quiet"
        )
    if change.verdict == "none":
        return element("td", words.say("change_none"), _beside(figures), class_="quiet")
    sign, kind = ("▲", "up") if change.verdict == "more" else ("▼", "down")
    said = f"{sign} {words.say(f'change_{change.verdict}')}"
    return element(
        "td", element("span", said, class_=f"what {kind}"), figures, _looks(change, words)
    )


def _looks(change: Change, words: Words) -> Markup | None:
    """How they mostly looked on both sides, where that is another look."""
    known = words.vocabulary.looks
    if change.before == change.after or not {change.before, change.after} <= set(known):
        return None
    before, after = (known[look]["label"] for look in (change.before, change.after) if look)
    return _beside(words.say("before_after", before=before, after=after))


def _room_cell(measure: Measure | None, words: Words) -> Markup:
    if measure is None or measure.value is None:
        reason = _beside(words.say("reason_unanswered" if measure is None else "reason_few"))
        return element("td", words.say("change_cant_tell"), reason, class_="quiet")
    figures = f"{signed(measure.value)} ({interval(measure.low, measure.high)})"
    low, high = measure.low or 0.0, measure.high or 0.0
    if low <= 0 <= high:
        return element("td", words.say("change_none"), _beside(figures), class_="quiet")
    up = measure.value > 0
    said = f"{'▲' if up else '▼'} {words.say('change_more' if up else 'change_less')}"
    kind = "up" if up else "down"
    return element("td", element("span", said, class_=f"what {kind}"), figures)


def _beside(text: str) -> Markup:
    return joined(element("br"), element("span", text, class_="small"))
