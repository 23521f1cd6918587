"""The *Room* dashboard: everybody together, as the room's read-out says it.

Coverage stands beside every figure: a share of few readable faces says little of a room.
"""

from __future__ import annotations

from readroom.dashboards.grafana.legends import (
    look_words,
    mix_looks,
    share_looks,
    state_words,
)
from readroom.dashboards.grafana.panels import (
    COLUMNS,
    Board,
    Panel,
    Section,
    Target,
    band,
    stat,
    text,
    timeline,
    timeseries,
)
from readroom.dashboards.grafana.variables import ROOM
from readroom.messages import NOT_VISIBLE
from readroom.metrics import STATE_VALUES
from readroom.words import vocabulary

#: Few faces readable, and most: where a share begins to say something of the room.
_COVERAGE_STEPS = ((None, "red"), (0.3, "orange"), (0.6, "green"))
_LOOKED = "How faces looked, not what people felt."
_MINUTE = (
    "Over the last minute; the band is the 95 % interval, with people as the unit, so it is wide "
    "for few people. Nothing is drawn where fewer than two people, or too little of them, could "
    "be read."
)


def room_board(without_emotion: bool) -> Board:
    """The dashboard; without emotion it has no panel, and no word, for one."""
    inner = (*_plain_measures(), *_people(True)) if without_emotion else _full()
    return Board(
        uid="readroom-room-plain" if without_emotion else "readroom-room",
        title="readroom: Room" + (" (no expressions)" if without_emotion else ""),
        description="A room's read-out over time: how people look together, and how much of them "
        "can be read.",
        sections=(Section("Now", (text(_honesty(without_emotion)), *_now())), *inner, _events()),
        variables=(ROOM,),
        annotated=True,
    )


def _full() -> tuple[Section, ...]:
    measures = (_valence(), _coverage(), _expressiveness(), _facing(), _synchrony(), _chance())
    return (Section("The room", (_mix(), *measures, _people_behind())), *_people(False))


def _plain_measures() -> tuple[Section, ...]:
    return (Section("The room", (_facing(), _coverage(), _people_behind())),)


def _honesty(without_emotion: bool) -> str:
    said = vocabulary(without_emotion).page["honesty"]
    return f"**{said}** Read every figure together with coverage: the share that could be read."


def _now() -> tuple[Panel, ...]:
    hidden = STATE_VALUES[NOT_VISIBLE]
    seen = f'count(max by (slot) (readroom_person_state{{room="$room"}}) != {hidden}) or vector(0)'
    running = 'max by (phase) (readroom_session_phase{room="$room"}) == 1'
    return (
        stat(
            "People in view",
            "People whose face is seen now. Somebody whom two cameras see counts once where the "
            "room knows that they are one person.",
            Target(seen),
        ),
        stat(
            "Coverage",
            "Mean share of the last minute in which the present people's faces could be read. "
            "Below 30 % nothing said of the room can be relied on.",
            Target('max(readroom_coverage_ratio{room="$room"})'),
            unit="percentunit",
            steps=_COVERAGE_STEPS,
        ),
        stat(
            "Facing the front",
            "Share of people facing the front over the last minute. No figure for fewer than two "
            "people. Where a head points, not whether somebody listens.",
            Target('max(readroom_measure_value{room="$room",measure="facing_front"})'),
            unit="percentunit",
        ),
        stat(
            "Session",
            "waiting: nothing has come from a camera yet. rolling: people are read, nothing is "
            "stored. running: stored. closed: ended.",
            Target(running, "{{phase}}"),
            name=True,
        ),
        stat(
            "Session time",
            "How long the session has gone on, by the cameras' own clock.",
            Target('max(readroom_session_seconds{room="$room"})'),
            unit="dtdurations",
        ),
        stat(
            "Age of the picture",
            "How far the read-out is behind the newest picture, of the camera that is furthest "
            "behind.",
            Target('max(readroom_lag_seconds{room="$room"})'),
            unit="s",
            steps=((None, "green"), (1.0, "orange"), (2.0, "red")),
        ),
    )


def _mix() -> Panel:
    shares = 'max by (expression) (readroom_expression_share_ratio{room="$room"})'
    return timeseries(
        "Mix",
        f"Share of the visible people in each state. {_LOOKED} A viewer would name most of these "
        "faces so; some they would name otherwise. What can't be told is a share of its own.",
        Target(shares, "{{expression}}"),
        unit="percentunit",
        bounds=(0.0, 1.0),
        stacked=True,
        looks=mix_looks(),
        width=COLUMNS,
    )


def _measure(name: str, title: str, description: str) -> Panel:
    labels = f'{{room="$room",measure="{name}"}}'
    return band(
        title,
        f"{description} {_MINUTE}",
        Target(f"max(readroom_measure_value{labels})", title.lower()),
        Target(f"max(readroom_measure_low{labels})", "low"),
        Target(f"max(readroom_measure_high{labels})", "high"),
    )


def _valence() -> Panel:
    return _measure(
        "valence",
        "Valence",
        "How pleased the faces looked, from −1 to 1: an index derived from the probabilities of "
        f"the expressions. {_LOOKED}",
    )


def _expressiveness() -> Panel:
    return _measure(
        "expressiveness",
        "Expressiveness",
        "How far the faces were from a plainly neutral one, from 0 to 1.",
    )


def _facing() -> Panel:
    return _measure(
        "facing_front",
        "Facing the front",
        "Share of people facing the front. Where heads point, not whether somebody listens.",
    )


def _synchrony() -> Panel:
    return _measure(
        "synchrony",
        "Synchrony",
        "How alike people's faces changed at the same moments: a correlation from −1 to 1, of "
        "three people or more. Slow faces correlate by accident: see the panel beside it.",
    )


def _chance() -> Panel:
    return timeseries(
        "Synchrony by chance",
        "How likely such a synchrony is by chance alone. Asked twelve times an hour, it is below "
        "0.05 by chance in every second hour.",
        Target('max(readroom_measure_chance_ratio{room="$room",measure="synchrony"})', "p"),
        bounds=(0.0, 1.0),
    )


def _coverage() -> Panel:
    return timeseries(
        "Coverage",
        "How much of the people could be read: of the faces, over the last minute, and of what "
        "each measure rests on. Figures above and beside count for as much.",
        Target('max(readroom_coverage_ratio{room="$room"})', "faces readable"),
        Target('max by (measure) (readroom_measure_coverage_ratio{room="$room"})', "{{measure}}"),
        unit="percentunit",
        bounds=(0.0, 1.0),
    )


def _people_behind() -> Panel:
    return timeseries(
        "People behind each measure",
        "How many people a measure rests on. Nothing is said of fewer than two.",
        Target('max by (measure) (readroom_measure_people{room="$room"})', "{{measure}}"),
        width=COLUMNS,
        height=6,
    )


def _people(without_emotion: bool) -> tuple[Section, ...]:
    seen = "whether a face is in view" if without_emotion else "what a viewer would name the face"
    states = timeline(
        "People",
        f"For each person, {seen}. P3 is a place in the room's list, which somebody else may have "
        "later.",
        Target('max by (slot) (readroom_person_state{room="$room"})', "P{{slot}}"),
        state_words(without_emotion),
        height=10,
    )
    looks = timeline(
        "Looks",
        "How each person looks all in all, by rules over what is visible (docs/semantics/looks.md)"
        ". A name for what is visible, no claim on what goes on in a person.",
        Target('max by (slot) (readroom_person_look{room="$room"})', "P{{slot}}"),
        look_words(without_emotion),
        height=10,
    )
    shares = timeseries(
        "Share of looks",
        "Share of the visible people who look so; nothing for fewer than two people.",
        Target('max by (look) (readroom_look_share_ratio{room="$room"})', "{{look}}"),
        unit="percentunit",
        bounds=(0.0, 1.0),
        stacked=True,
        looks=share_looks(without_emotion),
    )
    coverage = timeseries(
        "Coverage of each person",
        "Share of the last minute in which the person's face could be read.",
        Target('max by (slot) (readroom_person_coverage_ratio{room="$room"})', "P{{slot}}"),
        unit="percentunit",
        bounds=(0.0, 1.0),
    )
    return (Section("People", (states, looks, shares, coverage)),)


def _events() -> Section:
    counted = 'sum by (kind) (increase(readroom_events_total{room="$room"}[$__rate_interval]))'
    told = timeseries(
        "Events",
        "How many events of each kind there were in the window of each point. What they were: the "
        "room's live page, and the annotations that `readroom grafana annotate` writes.",
        Target(counted, "{{kind}}"),
        bars=True,
        quiet=True,
        width=COLUMNS,
    )
    return Section("Events", (told,))
