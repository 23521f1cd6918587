"""What is exported: the session's tables as columns, with what is derived beside what is stored.

Where no emotion may be inferred, columns that hold or name one aren't there at all, as in the
recorded table (readroom.dashboards.record).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from readroom.dashboards.record.columns import Column, Kind
from readroom.messages import ACTIONS, EXPRESSIONS, LOOKS, NOT_VISIBLE, STATES, WITHOUT_EMOTION
from readroom.sessions.arrays import Floats, Points
from readroom.sessions.choosing import named
from readroom.sessions.dictionary import TABLES
from readroom.sessions.timelines import StoredPerson, StoredSession, Timelines, whole_people

Values = list[Any]
_SIDES: Final = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table: its columns, and their values by name, all equally many; None where the store
    knows nothing."""

    name: str
    text: str
    columns: tuple[Column, ...]
    values: dict[str, Values]

    def rows(self) -> Iterable[tuple[Any, ...]]:
        """The same by row."""
        return zip(*(self.values[column.name] for column in self.columns), strict=True)


def tables(timelines: Timelines, session: str, *, pseudonyms: bool) -> list[ExportTable]:
    """All tables of a session. Raises BadSettings where there is none of that name."""
    found = named(timelines.sessions(), session)
    plain = found.purpose in WITHOUT_EMOTION
    people = timelines.people(session)
    return [
        _session(found),
        _people(people, pseudonyms=pseudonyms),
        _timelines(timelines.arrays(session), people, plain),
        _events(timelines, session),
        _measures(timelines, session),
        _listed(
            "markers",
            "marker",
            ("id", "time_s", "label"),
            [(m.id, m.time_s, m.label) for m in timelines.markers(session)],
        ),
        _listed(
            "notes",
            "note",
            ("id", "time_s", "text"),
            [(n.id, n.time_s, n.text) for n in timelines.notes(session)],
        ),
        _cameras(timelines, session),
    ]


def _session(found: StoredSession) -> ExportTable:
    row = (
        *(found.name, found.room, found.title, found.started_at, found.recording, found.state),
        *(found.purpose, found.saved_at, _json(found.models)),
    )
    names = ("name", "room", "title", "started_at", "recording", "state", "purpose", "saved_at")
    return _listed("session", "session", (*names, "models"), [row])


def _people(people: Sequence[StoredPerson], *, pseudonyms: bool) -> ExportTable:
    whole = whole_people(people)
    names: tuple[str, ...] = ("person", "slot", "pseudonym", "name", "camera", "entered_s")
    names = (*names, "left_s", "cameras", "merged_into")
    rows = [
        (
            *(p.person, p.slot, p.pseudonym, p.name, p.camera, p.entered_s),
            *(p.left_s, _json(p.cameras), p.merged_into, whole[p.person]),
        )
        for p in people
    ]
    table = _listed("people", "person", names, rows, (_IS,))
    if not pseudonyms:
        return table
    kept = tuple(column for column in table.columns if column.name != "name")
    values = {name: found for name, found in table.values.items() if name != "name"}
    return ExportTable(table.name, table.text, kept, values)


def _events(timelines: Timelines, session: str) -> ExportTable:
    names = ("kind", "start_s", "end_s", "slot", "camera", "state", "confidence", "person", "other")
    measured = ("figure", "value", "low", "high", "n", "coverage", "p")
    rows = []
    for e in timelines.events(session):
        m = e.measure
        figures = (None,) * 6 if m is None else (m.value, m.low, m.high, m.n, m.coverage, m.p)
        rows.append(
            (
                *(e.kind, e.start_s, e.end_s, e.slot, e.camera, e.state, e.confidence),
                *(e.person, e.other, e.figure, *figures),
            )
        )
    return _listed("events", "event", (*names, *measured), rows)


def _measures(timelines: Timelines, session: str) -> ExportTable:
    names = ("time_s", "name", "value", "low", "high", "n", "coverage", "p")
    rows = [
        (r.time_s, r.name, m.value, m.low, m.high, m.n, m.coverage, m.p)
        for r in timelines.measures(session)
        for m in (r.measure,)
    ]
    return _listed("measures", "measure", names, rows)


def _cameras(timelines: Timelines, session: str) -> ExportTable:
    names = ("camera", "source", "mode", "frames", "last_seq", "dropped")
    rows = [
        (c.camera, c.source, c.mode, c.frames, c.last_seq, _json(c.dropped))
        for c in timelines.cameras(session)
    ]
    return _listed("cameras", "camera", names, rows)


#: Of the store's columns: type, unit, range. What isn't here is text.
_KINDS: Final[dict[str, tuple[Kind, str, str]]] = {
    "started_at": ("float64", "Unix s", ""),
    "saved_at": ("float64", "Unix s", ""),
    "recording": ("bool", "", ""),
    "person": ("int32", "", "≥ 1"),
    "slot": ("int32", "", "1..32"),
    "merged_into": ("int32", "", "≥ 1"),
    "other": ("int32", "", "≥ 1"),
    "n": ("int32", "people", "≥ 0"),
    "frames": ("int32", "frames", "≥ 0"),
    "last_seq": ("int32", "", "≥ -1"),
    "confidence": ("float64", "", "0..1"),
    "coverage": ("float64", "", "0..1"),
    "p": ("float64", "", "0..1"),
    "value": ("float64", "of the figure", ""),
    "low": ("float64", "of the figure", ""),
    "high": ("float64", "of the figure", ""),
    "time_s": ("float64", "s", "≥ 0"),
    "start_s": ("float64", "s", "≥ 0"),
    "end_s": ("float64", "s", "≥ 0"),
    "entered_s": ("float64", "s", "≥ 0"),
    "left_s": ("float64", "s", "≥ 0"),
}
_IS: Final = Column("is_person", "int32", "", "≥ 1", "who they are after all merges: a `person`")


def _listed(
    name: str,
    stored: str,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    derived: tuple[Column, ...] = (),
) -> ExportTable:
    """A table of rows whose first columns are the store's own, ``stored`` its table there."""
    explained = TABLES[stored]
    columns = [
        Column(column, *_KINDS.get(column, ("text", "", "")), explained.columns[column])
        for column in names
    ]
    columns += derived
    found = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    values = {column.name: list(of) for column, of in zip(columns, found, strict=True)}
    return ExportTable(name, explained.text, tuple(columns), values)


def _timelines(points: Points, people: Sequence[StoredPerson], plain: bool) -> ExportTable:
    columns = [column for column in _timeline_columns() if not (plain and column.emotion)]
    named = {p.person: p.pseudonym for p in people}
    cameras = {p.person: p.camera for p in people}
    valence, arousal = points.affect()
    who = points.person.tolist()
    values: dict[str, Values] = {
        "time_s": points.time_s.tolist(),
        "person": who,
        "pseudonym": [named.get(n) for n in who],
        "camera": [
            cameras.get(n) if c is None else c for n, c in zip(who, points.camera, strict=True)
        ],
        "visible": (points.state != STATES.index(NOT_VISIBLE)).tolist(),
        "state": [STATES[n] for n in points.state.tolist()],
        "confidence": points.confidence.tolist(),
        "look": [LOOKS[n] for n in points.look.tolist()],
        "valence": _known(valence),
        "arousal": _known(arousal),
        "coverage": points.coverage.tolist(),
    }
    values |= {f"p_{e}": _known(points.expression[:, n]) for n, e in enumerate(EXPRESSIONS)}
    for number, action in enumerate(ACTIONS):
        going, told = points.actions >> number & 1, points.measured >> number & 1
        values[f"action_{action}"] = [
            bool(g) if t else None for g, t in zip(going.tolist(), told.tolist(), strict=True)
        ]
    values |= {f"box_{side}": points.box[:, n].tolist() for n, side in enumerate(_SIDES)}
    return ExportTable(
        "timelines",
        TABLES["sample"].text,
        tuple(columns),
        {column.name: values[column.name] for column in columns},
    )


def _timeline_columns() -> list[Column]:
    said = TABLES["sample"].columns
    known = "null: it couldn't be told"
    return [
        Column("time_s", "float64", "s", "≥ 0", said["time_s"]),
        Column("person", "int32", "", "≥ 1", "whose: `person` in people"),
        Column("pseudonym", "text", "", "", "what they were called on the page: P1 in slot 1"),
        Column("camera", "text", "", "", "whose frame the box is in"),
        Column("visible", "bool", "", "", "whether the face was in view"),
        Column("state", "text", "", ", ".join(STATES), "how a viewer would name the expression",
               emotion=True),
        Column("confidence", "float64", "", "0..1", said["confidence"], emotion=True),
        Column("look", "text", "", ", ".join(LOOKS), "how the person looked all in all",
               emotion=True),
        Column("valence", "float64", "", "-1..1", "derived (readroom.affect): unpleasant to "
               "pleasant; null: the face wasn't being read", emotion=True),
        Column("arousal", "float64", "", "-1..1", "derived (readroom.affect): quiet to excited; "
               "null: the face wasn't being read", emotion=True),
        *(Column(f"p_{name}", "float64", "", "0..1", f"smoothed probability of {name}, in steps of "
                 "1/255; null: nothing was read", emotion=True) for name in EXPRESSIONS),
        Column("coverage", "float64", "", "0..1", said["coverage"]),
        *(Column(f"action_{name}", "bool", "", "", f"{name.replace('_', ' ')} at this moment; "
                 f"{known}") for name in ACTIONS),
        *(Column(f"box_{side}", "float32", "px", "", f"{side} of the face's box in the camera's "
                 "frame (x, y: its top left)") for side in _SIDES),
    ]  # fmt: skip


def _known(values: Floats) -> Values:
    """A list with None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
