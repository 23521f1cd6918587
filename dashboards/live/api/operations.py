"""What the API offers, as values: operations, what they are asked and with what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from readroom.dashboards.live.api.room import RunningRoom
from readroom.dashboards.live.hub import Hub
from readroom.settings import Settings

#: Where the API begins; another major version would begin elsewhere.
BASE: Final = "/api/v1"

Q = TypeVar("Q")
B = TypeVar("B")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No query parameters, or a body without fields: ``{}``."""


class Refused(Exception):
    """A request that isn't done: ``status`` is the HTTP status, the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Picture(Protocol):
    """A camera's newest picture, or why there is none."""

    @property
    def jpeg(self) -> bytes | None:
        """The picture, where there is one."""

    @property
    def reason(self) -> str:
        """Why there is none."""


@dataclass(frozen=True, slots=True)
class Api:
    """What handlers work with."""

    settings: Settings
    hub: Hub
    room: RunningRoom
    now: Callable[[], float]
    picture: Callable[[str], Picture] | None = None

    @property
    def without_emotion(self) -> bool:
        """Whether nothing may name an emotion: by this server's purpose, or the room's."""
        return self.hub.without_emotion


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request, checked: ``path`` are the path's parameters, ``may_write`` whether it carries
    the token."""

    path: Mapping[str, Any]
    query: Q
    body: B
    may_write: bool
    head: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path below BASE. ``answer`` is the type of the JSON in an answer of status
    200, or the media type of what isn't JSON. ``refusals`` maps further statuses to what they mean;
    those that every operation of its kind may answer are added by the document. ``accepted`` says
    what a 202 means, where there may be one. ``heavy``: it may take seconds of a processor."""

    method: str
    path: str
    summary: str
    handle: Callable[..., Any]
    answer: Any
    text: str = ""
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    refusals: Mapping[int, str] = field(default_factory=dict)
    accepted: str = ""
    heavy: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something, so that it needs the token."""
        return self.method != "GET"

    @property
    def name(self) -> str:
        """The operation's id in the document."""
        return str(self.handle.__name__)

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
