"""What the API answers. Times are session time in seconds, but ``…_at``: Unix seconds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from readroom.messages import Event


class Problem(Struct, frozen=True, kw_only=True):
    """Why a request wasn't done: one sentence that names the thing, its value and the remedy."""

    error: str


class About(Struct, frozen=True, kw_only=True):
    """This server."""

    version: str
    room: str
    may_write: Annotated[bool, Meta(description="Whether this request carries the token.")]
    pictures: Literal["off", "blurred", "plain"]
    without_emotion: Annotated[
        bool, Meta(description="Whether no emotion may be inferred, so that none is named.")
    ]
    purpose: Annotated[str | None, Meta(description="What the room is read for; null: unknown.")]


class Done(Struct, frozen=True, kw_only=True):
    """What became of a command: it is done and stored, or (null, with status 202) nobody has said
    so in time, and it may still be."""

    done: bool | None
    id: Annotated[str, Meta(description="The command's or marker's own.")]


class SessionSummary(Struct, frozen=True, kw_only=True):
    """A stored session. ``state`` is open (it runs, or was cut off), closed or abandoned."""

    id: str
    title: str
    room: str
    started_at: float
    duration_s: Annotated[
        float, Meta(ge=0, description="The newest session time of which anything is stored.")
    ]
    recording: Annotated[bool, Meta(description="Whether times are a recording's own.")]
    state: str
    purpose: str | None
    people: Annotated[int, Meta(ge=0, description="Whoever was in it, each counted once.")]


class Sessions(Struct, frozen=True, kw_only=True):
    """Some of ``total`` sessions, newest first."""

    sessions: list[SessionSummary]
    total: int


class SessionCamera(Struct, frozen=True, kw_only=True):
    """A camera of a session: frames that reached the timelines, and those dropped, by reason."""

    camera: str
    mode: str
    frames: int
    dropped: dict[str, int]


class SessionDetail(SessionSummary, frozen=True, kw_only=True):
    """A stored session with its cameras, the networks that ran (engine: model), and how many
    markers and notes there are."""

    cameras: list[SessionCamera]
    models: dict[str, str]
    markers: int
    notes: int


class PersonOfSession(Struct, frozen=True, kw_only=True):
    """Somebody of a session. ``left_s`` is null while they are there; ``merged_into`` is the person
    that this one turned out to be. ``coverage`` is the mean of the timeline's, 0..1, null without
    one."""

    person: int
    slot: int
    pseudonym: str
    name: str | None
    entered_s: float
    left_s: float | None
    cameras: list[str]
    merged_into: int | None
    coverage: float | None


class PersonTimeline(Struct, frozen=True, kw_only=True):
    """One person's timeline as columns of the same length. ``confidence`` is the probability of
    ``state``; valence and arousal (−1..1) are null where no expression was read; ``actions`` is
    null where none could be told."""

    person: int
    slot: int
    pseudonym: str
    name: str | None
    merged_into: int | None
    time_s: list[float]
    state: list[str]
    confidence: list[float]
    valence: list[float | None]
    arousal: list[float | None]
    coverage: list[float]
    look: list[str]
    actions: list[list[str] | None]


class SessionTimelines(Struct, frozen=True, kw_only=True):
    """Timelines of a session's people; ``step_s`` null: every stored point. In steps the time is
    where a step begins; state, confidence, coverage, look and actions are those of its last point,
    valence and arousal the mean over it; steps without points are left out."""

    session: str
    step_s: float | None
    people: list[PersonTimeline]


class MeasureColumns(Struct, frozen=True, kw_only=True):
    """One figure of the room as columns of the same length: ``value`` (null: too little to say)
    with its 95 % interval, ``n`` people that it rests on, the mean share of the time in which they
    could be read, and ``p``, how likely such a value is by chance alone."""

    name: str
    time_s: list[float]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    n: list[int]
    coverage: list[float]
    p: list[float | None]


class SessionMeasures(Struct, frozen=True, kw_only=True):
    """Figures of the room. Each looks back over a minute already: in steps, the last is given."""

    session: str
    step_s: float | None
    measures: list[MeasureColumns]


class SessionEvents(Struct, frozen=True, kw_only=True):
    """Some of ``total`` events, by beginning."""

    events: list[Event]
    total: int


class MarkerOfSession(Struct, frozen=True, kw_only=True):
    """A moment that somebody marked."""

    id: str
    time_s: float
    label: str


class NoteOfSession(Struct, frozen=True, kw_only=True):
    """What somebody noted."""

    id: str
    time_s: float
    text: str


class Erased(Struct, frozen=True, kw_only=True):
    """The proof of an erasure: rows before and after, by table."""

    before: dict[str, int]
    after: dict[str, int]
    complete: Annotated[bool, Meta(description="Whether nothing is left.")]
