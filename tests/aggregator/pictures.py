"""Draw docs/semantics/room.png and identity.png, and tell a clip in docs/semantics.md:
``python -m tests.aggregator.pictures``.

No picture shows a person. The room is the demo room, its two cameras' recorded timelines
(tests/truth/timelines) played twice, as the demo room itself repeats its script: three rendered
people, since no real clip at hand has two readable people for longer than five seconds. Identity is
a real clip of two people, two crops of it as two cameras; it needs ../shared, since embeddings are
in no timeline, and is left as it is where that isn't beside the checkout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import cv2
import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from readroom.affect import affect
from readroom.aggregator import (
    audience as audiences,
    expression_state as expressions,
    identity,
    moments,
    readout as readouts,
    tracking,
)
from readroom.aggregator.actions import state as acting
from readroom.aggregator.audience import Point
from readroom.aggregator.gallery import Gallery, Look
from readroom.aggregator.readout import ReadoutRules
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.session import Session
from readroom.aggregator.telling import tell
from readroom.messages import MEASURES, Event, Measure
from readroom.words import event_sentence, vocabulary
from tests.aggregator.identities import FaceReader, look_of
from tests.conftest import ROOT
from tests.truth.format import path_of, read
from tests.truth.people import MIN_FACE_PX, Followed, followed

FOLDER: Final = ROOT / "docs" / "semantics"
#: Colours that people who confuse red and green can tell apart (Wong 2011).
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73")
_DARK, _GREY, _RED = "#303030", "#bdbdbd", "#d55e00"
#: The demo room's cameras, as their timelines are named.
CAMERAS: Final = ("demo_left", "demo_right")
#: The real clip that docs/semantics.md tells, and where it does.
CLIP: Final = "upset_to_laughing_1_person"
PAGE: Final = ROOT / "docs" / "semantics.md"
BEGIN: Final = "<!-- Told by `python -m tests.aggregator.pictures`: -->\n"
END: Final = "<!-- end -->\n"
#: When a marker is set in the room's picture, s.
MARKER_S: Final = 70.0
#: The crops of head_turns_2_people (rows, columns, px): the same that test_identity uses.
VIEWS: Final = {
    "left": (slice(0, 270), slice(0, 400)),
    "right": (slice(0, 260), slice(16, 480)),
}


# -- the room -------------------------------------------------------------------------------------


@dataclass
class Told:
    """What was said of a room: each person's valence, the room's level by second, and the rows
    that the store would get."""

    rows: SessionRows
    valences: dict[str, list[tuple[float, float | None]]] = field(default_factory=dict)
    levels: list[tuple[float, float | None]] = field(default_factory=list)

    def events(self, kind: str) -> list[Event]:
        """Those of a kind, in order."""
        return [event for event in self.rows.events if event.kind == kind]


@dataclass
class _Who:
    """Somebody, as an event names them."""

    number: int
    slot: int | None
    camera: str = ""


def demo_room() -> Told:
    """Play both of the demo room's timelines as one room."""
    told = _nothing_told()
    people = [one for name in CAMERAS for one in followed(read(path_of(name)))]
    points = [p for n, one in enumerate(people, 1) for p in _play(told, n, one, rounds=2)]
    room = moments.Moments()
    moments.mark(room, "1", "marker", MARKER_S, told.rows)
    for at_s, now in groupby(sorted(points, key=_at_s), key=_at_s):
        for point in now:
            moments.add(room, point)
        measured_s = room.measured_s
        moments.advance(room, at_s - 1.0, at_s, MEASURES, told.rows)
        if room.measured_s > measured_s:
            told.levels.append((float(room.measured_s), room.audience.levels.get("valence")))
    return told


def sentences(clip: str = CLIP) -> str:
    """What is told of a clip's people while it plays once: a line for each span, by beginning."""
    told, words = _nothing_told(), vocabulary(without_emotion=False)
    for number, one in enumerate(followed(read(path_of(clip))), 1):
        list(_play(told, number, one, rounds=1))
    events = sorted(told.rows.events, key=lambda event: (event.start_s, event.end_s))
    return "".join(
        f"    {event.start_s:4.1f} to {event.end_s:4.1f} s  {event_sentence(words, event, {})}\n"
        for event in events
    )


def _nothing_told() -> Told:
    session = Session(id="recorded", title="", started_at=0.0, recording=True)
    return Told(SessionRows("recorded", session))


def _at_s(point: Point) -> float:
    return point.at_s


def _play(told: Told, number: int, person: Followed, *, rounds: int) -> Iterator[Point]:
    """One person's part, at the 4 points a second at which people are sampled."""
    lasts_s = person.times[-1] + 0.1
    state, sampled = readouts.begin(0.0, ReadoutRules(MIN_FACE_PX)), -1
    series = told.valences.setdefault(person.truth.name, [])
    moments_of = list(zip(person.times, person.readings, person.sights, strict=True))
    for turn in range(rounds):
        for time_s, reading, sight in moments_of:
            at_s = round(turn * lasts_s + time_s, 3)
            ended = readouts.step(state, sight, reading, at_s, ReadoutRules(MIN_FACE_PX))
            if int(at_s * 4 + 1e-6) > sampled:
                sampled = int(at_s * 4 + 1e-6)
                ended += readouts.sample(state, sight.yaw_deg, sight.pitch_deg, None, at_s)
                point = _point(number, at_s, state, reading.weight)
                series.append((at_s, point.valence))
                yield point
            _say(told, number, ended)
    _say(told, number, readouts.finish(state, state.at_s))


def _say(told: Told, number: int, ended: list[readouts.Ended]) -> None:
    for one in ended:
        who, span = _Who(number, number), (one.start_s, one.end_s)
        tell(
            told.rows,
            one.kind,
            *span,
            who,
            state=one.state,
            confidence=one.confidence,
            measure=one.measure,
        )


def _point(number: int, at_s: float, state: readouts.Readout, weight: float) -> Point:
    probabilities = expressions.probabilities(state.expression)
    placed = affect(state.expression.state, probabilities)
    front = None
    if "facing_front" in acting.measured(state.actions, at_s):
        front = "facing_front" in acting.running(state.actions)
    return Point(
        number,
        at_s,
        valence=None if placed is None else placed[0],
        expressiveness=None if placed is None else audiences.expressiveness(probabilities),
        facing_front=front,
        weight=weight,
    )


def draw_room(told: Told, path: Path) -> None:
    """Four panels over session time."""
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 6.4), dpi=80, layout="constrained")
        axes: Any = figure.subplots(4, 1, sharex=True, height_ratios=(3, 2, 2, 1.2))
        _draw_people(axes[0], told)
        _draw_measure(axes[1], told, "valence", COLOURS[0])
        _draw_measure(axes[1], told, "expressiveness", COLOURS[1])
        _draw_measure(axes[2], told, "facing_front", COLOURS[2])
        _draw_measure(axes[2], told, "synchrony", _DARK)
        axes[1].set(ylim=(-1, 1), ylabel="last minute")
        axes[2].set(ylim=(-1, 1), ylabel="last minute")
        _draw_moments(axes[3], told)
        for each in axes:
            each.grid(axis="x", color="#e5e5e5", linewidth=0.5)
            each.spines[["top", "right"]].set_visible(False)
        for each in axes[:3]:
            each.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        axes[3].set_xlabel("session time, s")
        axes[0].set_title("Three rendered people of the demo room, its script played twice")
        _save(figure, path)


def _draw_people(axes: Any, told: Told) -> None:
    for (name, series), colour in zip(told.valences.items(), COLOURS, strict=True):
        x, y = zip(*series, strict=True)
        axes.plot(x, _gaps(y), color=colour, linewidth=0.8, label=name)
    x, level = zip(*told.levels, strict=True)
    axes.plot(x, _gaps(level), color=_DARK, linewidth=2, label="the room's level")
    axes.set(ylim=(-1, 1), ylabel="valence")


def _draw_measure(axes: Any, told: Told, name: str, colour: str) -> None:
    found = [row for row in told.rows.measures if row.name == name]
    x = [row.time_s for row in found]
    axes.plot(x, _gaps([row.measure.value for row in found]), color=colour, label=name)
    low, high = (_gaps([getattr(row.measure, end) for row in found]) for end in ("low", "high"))
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_moments(axes: Any, told: Told) -> None:
    """Each moment as its event tells it; a row for each person's deviations."""
    unlike = {
        f"{name}, unlike": [e for e in told.events("deviation") if e.person == number]
        for number, name in enumerate(told.valences, 1)
    }
    rows = {
        "turns": told.events("inflection"),
        "peaks": told.events("peak"),
        "marker": [e for e in told.events("response") if e.figure == "valence"],
        **unlike,
    }
    for row, found in enumerate(rows.values()):
        for event in found:
            axes.plot([event.start_s, event.end_s], [row, row], color=_RED, linewidth=5)
            axes.text(event.end_s + 1, row, _sized(event), va="center")
        if not found:
            axes.text(1, row, "none", va="center", color="#808080")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _sized(event: Event) -> str:
    said = event.measure or Measure(value=None)
    if said.value is None:
        return f"nothing said, n {said.n}"
    if said.low is None or said.high is None:
        return f"{event.state}, z {said.value:+.1f}"
    interval = f"{said.value:+.2f} ({said.low:+.2f} to {said.high:+.2f}), n {said.n}"
    return f"{event.figure} {interval}"


def _gaps(values: Any) -> list[float]:
    return [float("nan") if value is None else value for value in values]


# -- who is who -----------------------------------------------------------------------------------


@dataclass
class Watched:
    """What identity said: by camera and track, at each moment the person (None: it waits); and the
    outcomes."""

    owners: dict[tuple[str, int], list[tuple[float, int | None]]] = field(default_factory=dict)
    outcomes: list[tuple[float, identity.Outcome]] = field(default_factory=list)


def two_cameras(models: Path, clip: Path) -> Watched:
    """Show two crops of a clip, played twice, as two cameras; a look at each face every second."""
    reader, watched = FaceReader(models), Watched()
    links, gallery = identity.Links(), Gallery()
    trackers = {camera: tracking.Tracker() for camera in VIEWS}
    for number, picture in enumerate([*_pictures(clip)] * 2):
        at_s = number * 0.25
        for camera, view in VIEWS.items():
            faces = _seen(reader, trackers[camera], picture[view], at_s, look=number % 4 == 0)
            found = identity.see(links, gallery, camera, faces, at_s, reads=True)
            watched.outcomes += [(at_s, one) for one in found]
            for track in faces:
                person = identity.person_of(links, camera, track)
                watched.owners.setdefault((camera, track), []).append((at_s, person))
    return watched


def _pictures(clip: Path) -> Iterator[Any]:
    """Every third frame: four a second, as the crops are timed."""
    video = cv2.VideoCapture(str(clip))
    for number, (good, picture) in enumerate(iter(video.read, (False, None))):
        if good and number % 3 == 0:
            yield picture
    video.release()


def _seen(
    reader: FaceReader, tracker: tracking.Tracker, picture: Any, at_s: float, *, look: bool
) -> dict[int, Look | None]:
    found = reader.find(picture)
    centres = [(x + w / 2, y + h / 2, w, h) for x, y, w, h in (face.box for face in found)]
    update = tracking.update(
        tracker,
        [tracking.Detection(*c, found[i].score, index=i) for i, c in enumerate(centres)],
        at_s,
    )
    return {
        track: look_of(reader.embedding(picture, found[i].points), found[i].box[2])
        if look
        else None
        for track, i in update.seen.items()
    }


def draw_identity(watched: Watched, path: Path) -> None:
    """A bar for each camera's track, in the colour of the person it is."""
    rows = sorted(watched.owners)
    people: Mapping[int, str] = dict(
        zip(
            sorted({p for seen in watched.owners.values() for _, p in seen if p is not None}),
            (*COLOURS, _RED, _DARK) * 9,
            strict=False,
        )
    )
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 0.5 * len(rows) + 1.2), dpi=80, layout="constrained")
        axes: Any = figure.subplots()
        for row, key in enumerate(rows):
            for at_s, person in watched.owners[key]:
                colour = _GREY if person is None else people[person]
                axes.broken_barh([(at_s, 0.25)], (row - 0.25, 0.5), color=colour, linewidth=0)
        for at_s, outcome in watched.outcomes:
            if isinstance(outcome, identity.Entered | identity.Joined):
                said = f"{type(outcome).__name__} {outcome.person}"
                row = rows.index((outcome.camera, outcome.track))
                axes.text(at_s + 0.05, row, said, color="white", va="center", fontweight="bold")
        axes.set_yticks(range(len(rows)), [f"{camera}, track {track}" for camera, track in rows])
        axes.invert_yaxis()
        axes.set(xlabel="s", title="Two crops of a clip of two people as two cameras (grey: waits)")
        axes.spines[["top", "right"]].set_visible(False)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """In few colours, so that the file stays small."""
    figure.savefig(path, metadata={"Software": None})
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(64)
    few.save(path, optimize=True)


def main() -> None:
    """Write both pictures and the clip's sentences."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + sentences() + "\n" + END + rest.split(END)[1], "utf-8")
    draw_room(demo_room(), FOLDER / "room.png")
    shared = ROOT.parent / "shared"
    clip = shared / "videos" / "head_turns_2_people.mp4"
    if clip.exists() and (shared / "models").is_dir():
        draw_identity(two_cameras(shared / "models", clip), FOLDER / "identity.png")
    else:
        print("identity.png is left as it is: needs ../shared/models and ../shared/videos")


if __name__ == "__main__":
    main()
