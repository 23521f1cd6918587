"""``readroom check``: before the talk begins, who can be read, who can't, and what to do about it.

Follows the ``people`` stream of a running room for some seconds and judges what it says. Judging
is pure: room states in, a :class:`Report` out.

Each person is told the first thing to mend: no face found, turned away, too small, turned too far,
dark, overlit, blurred. What leaves them readable all the same is advice. Whoever isn't readable and
has none of these is half hidden, or a face that the detector is in doubt of.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from readroom.legibility import BLURRED, BOWED_DEG, DARK, OVERLIT, TURNED_DEG
from readroom.messages import NOT_VISIBLE, TOO_SMALL, CameraState, PersonState, RoomState
from readroom.streams import Client, Keys, TailReader
from readroom.words import Vocabulary, percent, seconds

#: Wanted width of a face, in units of the narrowest that is read: from there on its width lowers
#: the weight of a reading no more (readroom/legibility.py, weight). 64 px with 32 px.
WANTED_RATIO: Final = 2.0
#: Somebody readable for less than this share of the time can't be read: more is unknown than known.
ENOUGH_COVERAGE: Final = 0.5
#: Somebody turned away, or too small, for more than this share of the time is told so.
MOSTLY: Final = 0.5
#: A camera further behind than this isn't live any more, s: a speaker looks at the page to see what
#: the room does now.
BEHIND_S: Final = 1.0
#: Longest wait for one reading of the stream, ms: the end of the check isn't overslept by more.
_BLOCK_MS: Final = 200
_CHUNK: Final = 64
#: Columns of figures.
_FIGURES: Final = frozenset({"face_px", "light", "sharp", "readable", "away", "in_view", "behind"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the way of a read-out: its ``name`` in the vocabulary's ``check``, and what
    fills the sentence. ``serious`` findings fail the check, others are advice."""

    name: str
    serious: bool
    values: Mapping[str, str]

    def says(self, words: Vocabulary) -> str:
        """What is found."""
        return words.check[self.name].format_map(self.values)

    def remedy(self, words: Vocabulary) -> str:
        """What to do about it."""
        return words.check[f"{self.name}_remedy"].format_map(self.values)


@dataclass(frozen=True, slots=True)
class PersonCheck:
    """One person as the camera sees them that speaks for them in the end: what another saw before
    has other widths. Medians while in view: ``face_width_px``, and of the faces found
    (messages.Quality; None: nothing measures it) ``brightness``, ``sharpness``, ``yaw_deg``,
    ``pitch_deg``. ``away`` is the share of the time in view of being turned away (None as above),
    ``too_small`` that in which the room said so, ``coverage`` that of the whole check in which the
    face could be read, whoever saw it."""

    person: int
    pseudonym: str
    camera: str
    face_width_px: float
    brightness: float | None
    sharpness: float | None
    yaw_deg: float | None
    pitch_deg: float | None
    coverage: float
    too_small: float
    away: float | None
    finding: Finding | None = None

    @property
    def readable(self) -> bool:
        """Whether a read-out of this person is worth anything."""
        return self.finding is None or not self.finding.serious


@dataclass(frozen=True, slots=True)
class CameraCheck:
    """One camera: how many it sees, and how far behind it is at most, s."""

    camera: str
    people: int
    lag_s: float
    fps: float
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole room over ``seconds_s``; ``findings`` are those of no single person or camera."""

    room: str
    purpose: str
    seconds_s: float
    people: tuple[PersonCheck, ...]
    cameras: tuple[CameraCheck, ...]
    findings: tuple[Finding, ...]

    @property
    def readable(self) -> int:
        """How many people in view can be read."""
        return sum(person.readable for person in self.people)

    @property
    def ok(self) -> bool:
        """Whether nothing serious is in the way."""
        camera = (each.finding for each in self.cameras)
        serious = any(found.serious for found in (*self.findings, *camera) if found)
        return not serious and self.readable == len(self.people)


def follow(client: Client, keys: Keys, length_s: float) -> list[RoomState]:
    """The room states that come within ``length_s`` from now on. Raises one of REDIS_AWAY."""
    tail: TailReader[RoomState] = TailReader(client, keys.people, RoomState)
    tail.backfill(1)
    states: list[RoomState] = []
    end_s = time.monotonic() + length_s
    while (left_s := end_s - time.monotonic()) > 0:
        states += tail.read(count=_CHUNK, block_ms=min(_BLOCK_MS, math.ceil(left_s * 1000)))
    return states


def judge(room: str, states: Sequence[RoomState], length_s: float, min_face_px: int) -> Report:
    """What the states of ``length_s`` say of a room. ``min_face_px`` is the narrowest face that is
    read, as far as this machine knows (settings.workers): which faces are too small is what the
    room says. Left out are who was in view at no moment, and who isn't there in the end (has left,
    or is somebody else by now)."""
    if not states:
        silent = Finding("no_news", True, {"seconds": f"{length_s:.0f}"})
        return Report(room, "", length_s, (), (), (silent,))
    newest = states[-1]
    people = tuple(_judge_person(stay, min_face_px) for stay in _stays(states))
    return Report(
        room=room,
        purpose=newest.purpose,
        seconds_s=length_s,
        people=people,
        cameras=tuple(_judge_camera(found, states) for found in newest.cameras),
        findings=tuple(_of_the_room(newest, people)),
    )


def _stays(states: Sequence[RoomState]) -> list[list[PersonState]]:
    """All states of everybody who is there in the end and was in view, in the order of slots. By
    person: a slot may have been somebody else's before."""
    found: dict[int, list[PersonState]] = {}
    for state in states:
        for person in state.people:
            found.setdefault(person.person, []).append(person)
    newest = sorted(states[-1].people, key=lambda person: person.slot)
    return [found[each.person] for each in newest if any(map(_in_view, found[each.person]))]


def _in_view(person: PersonState) -> bool:
    return person.visible and person.state != NOT_VISIBLE


def _judge_person(stay: Sequence[PersonState], min_face_px: int) -> PersonCheck:
    """One person, from all that was said of them; they were in view at some moment."""
    in_view = [person for person in stay if _in_view(person)]
    newest = in_view[-1]
    sights = [person for person in in_view if person.camera == newest.camera]
    found = [person.quality for person in sights if person.quality is not None]
    seen = PersonCheck(
        person=newest.person,
        pseudonym=newest.pseudonym,
        camera=newest.camera,
        # A face that no detector has found for a while is told with the width of 0.
        face_width_px=median(person.face_width_px for person in sights),
        brightness=_median(quality.brightness for quality in found),
        sharpness=_median(quality.sharpness for quality in found),
        yaw_deg=_median(quality.yaw_deg for quality in found),
        pitch_deg=_median(quality.pitch_deg for quality in found),
        coverage=_readable(stay),
        too_small=sum(person.state == TOO_SMALL for person in sights) / len(sights),
        away=_away(sights),
    )
    return replace(seen, finding=_finding(seen, min_face_px))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _readable(stay: Sequence[PersonState]) -> float:
    """Share of the check in which somebody could be read, 0..1. Not the room's own ``coverage``,
    which is that of the last minute: what was mended just now would count for little."""
    told = [person.readable and _in_view(person) for person in stay if person.readable is not None]
    return sum(told) / len(told) if told else stay[-1].coverage


def _away(sights: Sequence[PersonState]) -> float | None:
    """Share of the moments that could be told in which somebody was turned away."""
    told = [person for person in sights if "facing_away" in person.measured]
    if not told:
        return None
    return sum("facing_away" in person.actions for person in told) / len(told)


def _finding(person: PersonCheck, min_face_px: int) -> Finding | None:
    """The first thing to mend for one person; None where all is well."""
    why = _unseen(person, min_face_px)
    if why is not None:
        return why
    readable = person.coverage >= ENOUGH_COVERAGE
    why = _seen_badly(person)
    if why is not None:
        return replace(why, serious=not readable)
    if not readable:
        return Finding("unreadable", True, {"percent": percent(person.coverage)})
    if person.face_width_px < WANTED_RATIO * min_face_px:
        return Finding("small", False, _size(person, min_face_px))
    return None


def _unseen(person: PersonCheck, min_face_px: int) -> Finding | None:
    """Why nothing can be read, however well lit and sharp."""
    if person.face_width_px == 0:
        return Finding("no_face", True, {"who": person.pseudonym})
    if person.away is not None and person.away > MOSTLY:
        values = {"who": person.pseudonym, "percent": percent(person.away)}
        return Finding("turned_away", True, values)
    if person.too_small > MOSTLY:
        # The room may run with another limit than this machine knows.
        name = "too_small" if person.face_width_px < min_face_px else "too_small_there"
        return Finding(name, True, _size(person, min_face_px))
    return None


def _size(person: PersonCheck, min_face_px: int) -> dict[str, str]:
    wanted_px = WANTED_RATIO * min_face_px
    return {
        "width": f"{person.face_width_px:.0f}",
        "limit": str(min_face_px),
        "goal": f"{wanted_px:.0f}",
        "camera": person.camera,
        "factor": f"{nearer(person.face_width_px, wanted_px):.1f}",
    }


def _seen_badly(person: PersonCheck) -> Finding | None:
    """What is wrong with a face that is large enough, as far as it is measured."""
    values = {"who": person.pseudonym, "camera": person.camera}
    yaw, pitch, light, sharp = (
        person.yaw_deg,
        person.pitch_deg,
        person.brightness,
        person.sharpness,
    )
    if yaw is not None and abs(yaw) > TURNED_DEG:
        return Finding("turned", True, {**values, "degrees": f"{abs(yaw):.0f}"})
    if pitch is not None and abs(pitch) > BOWED_DEG:
        name = "bowed" if pitch < 0 else "raised"
        return Finding(name, True, {**values, "degrees": f"{abs(pitch):.0f}"})
    if light is not None and light < DARK:
        return Finding("dark", True, {**values, "light": f"{light:.0f}", "limit": f"{DARK:.0f}"})
    if light is not None and light > OVERLIT:
        limit = f"{OVERLIT:.0f}"
        return Finding("overlit", True, {**values, "light": f"{light:.0f}", "limit": limit})
    if sharp is not None and sharp < BLURRED:
        limit = f"{BLURRED:.0f}"
        return Finding("blurred", True, {**values, "sharp": f"{sharp:.0f}", "limit": limit})
    return None


def nearer(width_px: float, wanted_px: float) -> float:
    """By which factor a face has to be larger, rounded up to a tenth; a camera brought to one n-th
    of its distance sees it n times as wide (pinhole camera: width ∝ 1 / distance)."""
    return math.ceil(10 * wanted_px / max(width_px, 1.0) - 1e-9) / 10


def _judge_camera(newest: CameraState, states: Sequence[RoomState]) -> CameraCheck:
    lags = [
        each.lag_s for state in states for each in state.cameras if each.camera == newest.camera
    ]
    lag_s = median(lags)
    return CameraCheck(
        newest.camera, newest.people, lag_s, newest.fps, _camera_finding(newest, lag_s)
    )


def _camera_finding(camera: CameraState, lag_s: float) -> Finding | None:
    values = {"camera": camera.camera}
    if camera.phase != "streaming":
        return Finding("camera_away", True, {**values, "phase": camera.phase})
    if lag_s > BEHIND_S and camera.mode == "live":
        return Finding("camera_behind", True, {**values, "lag": seconds(lag_s)})
    if camera.people == 0:
        return Finding("camera_empty", False, values)
    return None


def _of_the_room(newest: RoomState, people: Sequence[PersonCheck]) -> Iterable[Finding]:
    if newest.phase == "closed":
        yield Finding("over", True, {})
    elif not people:
        yield Finding("nobody", True, {})
    if newest.overflow > 0:
        yield Finding("overflow", False, {"count": str(newest.overflow)})


def as_data(report: Report, words: Vocabulary) -> dict[str, Any]:
    """The report for machines: names to test for, and the sentences."""
    return {
        "ok": report.ok,
        "room": report.room,
        "purpose": report.purpose,
        "seconds": report.seconds_s,
        "in_view": len(report.people),
        "readable": report.readable,
        "people": [
            {
                "person": person.pseudonym,
                "camera": person.camera,
                "readable": person.readable,
                "face_width_px": round(person.face_width_px, 1),
                "brightness": _rounded(person.brightness, 1),
                "sharpness": _rounded(person.sharpness, 1),
                "yaw_deg": _rounded(person.yaw_deg, 1),
                "pitch_deg": _rounded(person.pitch_deg, 1),
                "coverage": round(person.coverage, 3),
                "turned_away": _rounded(person.away, 3),
                "finding": _as_data(person.finding, words),
            }
            for person in report.people
        ],
        "cameras": [
            {
                "camera": camera.camera,
                "people": camera.people,
                "lag_s": round(camera.lag_s, 3),
                "fps": round(camera.fps, 2),
                "finding": _as_data(camera.finding, words),
            }
            for camera in report.cameras
        ],
        "findings": [_as_data(finding, words) for finding in report.findings],
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _as_data(finding: Finding | None, words: Vocabulary) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {
        "name": finding.name,
        "serious": finding.serious,
        "says": _spoken(finding, words).says(words),
        "remedy": finding.remedy(words),
    }


def _spoken(finding: Finding, words: Vocabulary) -> Finding:
    """The finding with a camera's phase as people say it."""
    phase = finding.values.get("phase")
    if phase is None:
        return finding
    values = {**finding.values, "phase": words.phases.get(phase, phase)}
    return Finding(finding.name, finding.serious, values)


def show(report: Report, words: Vocabulary, console: Console) -> None:
    """The report as tables, for a person."""
    say = words.check
    counted = {"n": str(len(report.people)), "count": str(report.readable)}
    length = f"{report.seconds_s:.0f}"
    console.print(Text(say["head"].format_map({**counted, "room": report.room, "seconds": length})))
    if report.people:
        console.print(_people_table(report, words))
    if report.cameras:
        console.print(_camera_table(report, words))
    for person in report.people:
        if person.finding is not None:
            told = f"{person.finding.says(words)}: {person.finding.remedy(words)}"
            console.print(Text(f"{person.pseudonym}: {told}", style=_style(person.finding)))
    for finding in report.findings:
        line = f"{_spoken(finding, words).says(words)}: {finding.remedy(words)}"
        console.print(Text(line, style=_style(finding)))
    unreadable = {**counted, "count": str(len(report.people) - report.readable)}
    verdict = "good" if report.ok else "trouble" if unreadable["count"] == "0" else "bad"
    console.print(Text(say[verdict].format_map(unreadable), style="green" if report.ok else "red"))


def _people_table(report: Report, words: Vocabulary) -> Table:
    say = words.check
    figures = ("face_px", "light", "sharp", "readable", "away")
    table = _table(say, "camera", "person", *figures, "finding")
    for person in sorted(report.people, key=lambda each: each.camera):
        table.add_row(
            Text(person.camera),
            Text(person.pseudonym),
            f"{person.face_width_px:.0f}",
            _figure(person.brightness),
            _figure(person.sharpness),
            percent(person.coverage),
            "–" if person.away is None else percent(person.away),
            _verdict(person, say),
        )
    return table


def _verdict(person: PersonCheck, say: Mapping[str, str]) -> Text:
    if person.finding is None:
        return Text(say["fine"], style="green")
    return Text(say["better" if person.readable else "unfit"], style=_style(person.finding))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _camera_table(report: Report, words: Vocabulary) -> Table:
    table = _table(words.check, "camera", "in_view", "behind", "finding", "remedy")
    for camera in report.cameras:
        told = _told(camera.finding, words, words.phases["streaming"])
        table.add_row(Text(camera.camera), str(camera.people), seconds(camera.lag_s), *told)
    return table


def _table(say: Mapping[str, str], *columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(say[column], justify="right" if column in _FIGURES else "left")
    return table


def _told(finding: Finding | None, words: Vocabulary, fine: str) -> tuple[Text, Text]:
    if finding is None:
        return Text(fine, style="green"), Text("")
    style = _style(finding)
    return Text(_spoken(finding, words).says(words), style=style), Text(finding.remedy(words))


def _style(finding: Finding) -> str:
    return "red" if finding.serious else "yellow"


def check(client: Client, room: str, length_s: float, min_face_px: int) -> Report:
    """Look at a running room for ``length_s``. Raises one of REDIS_AWAY."""
    return judge(room, follow(client, Keys(room), length_s), length_s, min_face_px)
