"""What is asked of the API: query parameters and bodies, each with its bounds.

A parameter that isn't given is UNSET; ``null`` is no number.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from readroom.commands import LONGEST_TEXT
from readroom.messages import MAX_SLOTS

#: Session time beyond which nothing is, s: some thirty years.
_FOREVER_S: Final = 1e9
#: Something that can be read: not only white space and control characters.
_SOMETHING: Final = r"[^\s\x00-\x1f\x7f-\x9f]"

Slot = Annotated[int, Meta(ge=1, le=MAX_SLOTS, description="A person's slot: 3 for P3.")]
Number = Annotated[
    int, Meta(ge=1, le=1_000_000, description="A person's number in the session, from 1.")
]
SessionId = Annotated[
    str, Meta(min_length=1, max_length=100, description="The session, as the list of them has it.")
]
CameraName = Annotated[str, Meta(min_length=1, max_length=100, description="A camera's name.")]
#: Types of the parameters that are in paths.
IN_PATH: Final = {"id": SessionId, "person": Number, "slot": Slot, "camera": CameraName}

_From = Annotated[float, Meta(ge=0, le=_FOREVER_S, description="Session time to begin with, s.")]
_To = Annotated[float, Meta(ge=0, le=_FOREVER_S, description="Session time to end before, s.")]
_Step = Annotated[float, Meta(ge=0.05, le=86400, description="One point for each so many seconds.")]
_Offset = Annotated[int, Meta(ge=0, le=1_000_000_000, description="How many to leave out first.")]
_Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        pattern=_SOMETHING,
        description="A line of text; line breaks become spaces.",
    ),
]
_Title = Annotated[str, Meta(max_length=LONGEST_TEXT, description="The session's title.")]


class SessionsQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which sessions."""

    room: Annotated[str, Meta(min_length=1, max_length=100, description="Only of this room.")] | (
        UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=500, description="At most so many.")] = 50
    offset: _Offset = 0


class RangeQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which part of a session."""

    from_s: _From = 0.0
    to_s: _To = _FOREVER_S


class TimelinesQuery(RangeQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which timelines, in which steps."""

    person: Number | UnsetType = UNSET
    step_s: _Step | UnsetType = UNSET


class MeasuresQuery(RangeQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which figures of the room, in which steps."""

    name: (
        Annotated[str, Meta(min_length=1, max_length=50, description="Only this figure.")]
        | UnsetType
    ) = UNSET
    step_s: _Step | UnsetType = UNSET


class EventsQuery(RangeQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events."""

    kind: (
        Annotated[str, Meta(min_length=1, max_length=50, description="Only of this kind.")]
        | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=10_000, description="At most so many.")] = 1000
    offset: _Offset = 0


class ReportQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the report compares with."""

    compare: SessionId | UnsetType = UNSET


class StartBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session to begin."""

    title: _Title = ""


class TitleBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session's title."""

    title: _Text


class StoredTitleBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stored session's title; empty: none."""

    title: _Title


class MarkerBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A moment to mark."""

    label: _Text
    id: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_-]{1,64}$",
                description="Makes one that is sent twice count once.",
            ),
        ]
        | UnsetType
    ) = UNSET
    time_s: (
        Annotated[
            float,
            Meta(ge=0, le=_FOREVER_S, description="Session time; none: the moment of arrival."),
        ]
        | UnsetType
    ) = UNSET


class NoteBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A note about the session."""

    text: _Text


class NameBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person is called; null, or nothing that can be read: nothing any more."""

    name: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None


class MergeBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who the same person is."""

    other: Slot


class SplitBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which camera sees somebody else; none: the only one that sees the person."""

    camera: CameraName | None = None
