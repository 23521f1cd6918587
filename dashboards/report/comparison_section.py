"""The section that puts a session beside another one."""

from __future__ import annotations

from collections.abc import Sequence

from readroom.dashboards.report.compare import Comparison, Difference, compared
from readroom.dashboards.report.facts import Facts
from readroom.dashboards.report.markup import Child, Markup, element, joined
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.tables import plain_table
from readroom.dashboards.report.words import Words, interval
from readroom.words import moment, percent, seconds, signed


def comparison_section(
    now: Material, then: Material, ours: Sequence[Facts], theirs: Sequence[Facts], words: Words
) -> Markup:
    """What the section holds below its heading."""
    found = compared(now, then)
    other = then.session.title or words.say("untitled", room=then.session.room)
    head = words.say(
        "compared_with",
        title=other,
        moment=moment(then.session.started_at),
        length=seconds(then.end_s),
    )
    heads = [words.say(k) for k in ("figure", "this", "the_other", "difference", "verdict")]
    rows = _basis(now, then, ours, theirs, words)
    rows += [
        [words.figures[figure], *_cells(difference, figure, "people_counted", words)]
        for figure, difference in found.room.items()
    ]
    return joined(
        element("p", head),
        plain_table(heads, rows, words.say("table", what=words.say("comparison"))),
        *_people(found, heads, words),
        *_markers(found, heads, now, then, words),
        element("p", words.say("compared_basis", figures=_methods(found)), class_="muted small"),
    )


def _methods(found: Comparison) -> str:
    """Which interval each of the room's figures has."""
    welch = any(figure != "facing_front" for figure in found.room)
    return "Welch; shares: Agresti & Caffo" if welch else "Agresti & Caffo"


def _basis(
    now: Material, then: Material, ours: Sequence[Facts], theirs: Sequence[Facts], words: Words
) -> list[list[Child]]:
    """What both rest on, beside each other."""
    return [
        [words.say("length_row"), seconds(now.end_s), seconds(then.end_s), "", ""],
        [words.say("people_row"), str(len(ours)), str(len(theirs)), "", ""],
        [words.say("coverage_row"), _covered(ours, words), _covered(theirs, words), "", ""],
    ]


def _covered(people: Sequence[Facts], words: Words) -> str:
    there = sum(found.there_s for found in people)
    if there <= 0:
        return words.say("nothing")
    return percent(sum(found.readable_s for found in people) / there)


def _people(found: Comparison, heads: Sequence[str], words: Words) -> list[Markup]:
    title = element("h3", words.say("same_names"))
    if not found.people:
        return [title, element("p", words.say("no_names"))]
    figure = next(iter(found.room))
    rows = [
        [name, *_cells(difference, figure, "stretches_counted", words)]
        for name, difference in found.people.items()
    ]
    figure_name = element("p", words.figures[figure], class_="muted small")
    heads = [words.say("person"), *heads[1:]]
    return [
        title,
        figure_name,
        plain_table(heads, rows, words.say("table", what=words.say("same_names"))),
    ]


def _markers(
    found: Comparison, heads: Sequence[str], now: Material, then: Material, words: Words
) -> list[Markup]:
    if not now.markers or not then.markers:
        return []
    title = element("h3", words.say("same_markers"))
    if not found.markers:
        return [title, element("p", words.say("no_same_markers"))]
    figure = next(iter(found.room))
    rows = [
        [label, *_cells(difference, figure, "people_counted", words, change=True)]
        for label, difference in found.markers.items()
    ]
    what = element("p", words.say("same_markers_what"), class_="muted small")
    heads = [words.say("marker"), *heads[1:]]
    return [
        title,
        what,
        plain_table(heads, rows, words.say("table", what=words.say("same_markers"))),
    ]


def _cells(
    difference: Difference, figure: str, counted: str, words: Words, *, change: bool = False
) -> list[Child]:
    def side(value: float | None, n: int) -> str:
        if value is None:
            return words.say("cant_compare")
        spelled = signed(value)
        if not change and figure != "valence":
            spelled = percent(value) if figure == "facing_front" else f"{value:.2f}"
        return f"{spelled}, {words.say(f'{counted}_one' if n == 1 else counted, n=n)}"

    ours = side(difference.now, difference.n_now)
    theirs = side(difference.then, difference.n_then)
    if difference.value is None:
        return [ours, theirs, words.say("nothing"), words.say("cant_compare")]
    figures = f"{signed(difference.value)} ({interval(difference.low, difference.high)})"
    return [ours, theirs, figures, words.say(_verdict(difference))]


def _verdict(difference: Difference) -> str:
    low, high = difference.low or 0.0, difference.high or 0.0
    if low <= 0 <= high:
        return "no_difference"
    return "more_now" if (difference.value or 0.0) > 0 else "less_now"
