"""Make the timelines anew: ``python -m tests.truth.record``.

The clips (../shared/videos, where it is there) and the demo room go through the same analyser
that a worker runs, at the analysis rate of the default settings, each frame at its own time.
Networks that aren't at hand are left out, and the header doesn't name them. Run it after a
network has changed, then ``python -m tests.truth.report``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from readroom.ingest.demo import CAMERAS, DemoRoom, truth as scripted_truth
from readroom.ingest.demo.script import FRONTAL_YAW_DEG, LOOP_S, DemoScript, Seat, moment
from readroom.messages import ACTIONS, NOT_VISIBLE
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.assembly import Assembled, assemble
from tests.truth import turns
from tests.truth.format import (
    CANT_TELL,
    FOLDER,
    LABELS,
    TIMELINES,
    VERSION,
    Header,
    Moment,
    Network,
    PersonTruth,
    Timeline,
    path_of,
    read_labels,
    sha256,
    spans,
    write,
)

#: Analysed frames per second: the default of ingest.fps.
FPS: Final = 10.0
#: What is run, as far as it is at hand.
ENGINES: Final = ("face", "expression", "pose", "mesh")
#: A timeline may be this large, bytes.
MOST_BYTES: Final = 300_000
#: How finely the demo room's script is sampled for its truth, s.
SCRIPT_STEP_S: Final = 0.05
#: Beyond this yaw a rendered face is said not to face the front; up to it, from
#: FRONTAL_YAW_DEG on, a viewer could say either.
TURNED_YAW_DEG: Final = 20.0
#: What the script says of actions. Nobody in the demo room nods, shakes the head or lowers it.
SCRIPTED: Final = frozenset(
    {
        "smiling",
        "brow_raised",
        "mouth_open",
        "eyes_closed",
        "facing_front",
        "facing_away",
        "nodding",
        "shaking_head",
        "head_down",
    }
)
#: What the script's expressions do to a face, and how far a viewer doubts that it is that: a gasp
#: opens the mouth and lifts the brows; some smiles show teeth; sadness lifts the brows' inner ends.
DRAWN: Final[Mapping[str, Mapping[str, float]]] = {
    "smiling": {"happiness": 0.0},
    "mouth_open": {"surprise": 0.0, "happiness": 0.6},
    "brow_raised": {"surprise": 0.3, "sadness": 0.6},
}
#: What a script says at a time: a name and a doubt.
Says = Callable[[float], tuple[str, float] | None]
#: How far from a seat (shares of the picture's width) its face can be.
_SEAT_RATIO: Final = 0.13


def main(arguments: Sequence[str] | None = None) -> None:
    """Record the sources asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.record", description=__doc__)
    shared = FOLDER.parents[1].parent / "shared"
    parser.add_argument(
        "--videos", type=Path, default=shared / "videos", help="where the clips lie"
    )
    parser.add_argument("--models", type=Path, default=shared / "models", help="public networks")
    parser.add_argument("--out", type=Path, default=TIMELINES)
    parser.add_argument("--only", nargs="*", default=(), help="names; all by default")
    given = parser.parse_args(arguments)
    assembled = assembled_from(given.models if given.models.is_dir() else None)
    for name, make in _sources(given.videos):
        if given.only and name not in given.only:
            continue
        timeline = make(assembled)
        if timeline is None:
            print(f"{name}: the clip isn't in {given.videos}; left as it is")
            continue
        size = write(timeline, path_of(name, given.out))
        print(f"{name}: {len(timeline.moments)} moments, {size} bytes")
        if size > MOST_BYTES:
            raise SystemExit(f"{name}: more than {MOST_BYTES} bytes")


def assembled_from(models: Path | None) -> Assembled:
    """The analyser with everything of ENGINES that is at hand."""
    settings = load_settings(models=models, workers={"engines": ENGINES})
    return assemble(settings)


def record_clip(labels: Path, videos: Path, assembled: Assembled) -> Timeline | None:
    """A clip's timeline, with the labels made by hand; None where the clip isn't there."""
    truth = read_labels(labels)
    path = videos / truth.clip
    if not path.is_file():
        return None
    moments, (width, height) = [], (0, 0)
    for time_s, picture in pictures(path, FPS):
        height, width = picture.shape[:2]
        moments.append(look(assembled, time_s, picture))
    header = Header(
        version=VERSION,
        kind="clip",
        name=labels.stem,
        source_sha256=sha256(path),
        truth_sha256=sha256(labels),
        width=width,
        height=height,
        fps=FPS,
        lasts_s=truth.lasts_s,
        networks=networks_of(assembled),
        people=truth.people,
    )
    return Timeline(header=header, moments=tuple(moments))


def record_demo(camera: str, assembled: Assembled, lasts_s: float = LOOP_S) -> Timeline:
    """What one camera of the demo room shows in one loop, with what the script says."""
    room = DemoRoom(camera)
    people = tuple(scripted_person(room.script, seat, lasts_s) for seat in room.view.seats)
    return _rendered(f"demo_{camera}", assembled, room.render, lasts_s, people)


def record_turns(sitter: turns.Sitter, assembled: Assembled) -> Timeline:
    """Somebody of the demo room who does on cue what no clip shows."""
    name, render = f"{turns.PREFIX}_{sitter.name}", turns.renderer(sitter)
    return _rendered(name, assembled, render, turns.LASTS_S, (turns.truth(sitter),))


def _rendered(
    name: str,
    assembled: Assembled,
    render: Callable[[float], Picture],
    lasts_s: float,
    people: tuple[PersonTruth, ...],
) -> Timeline:
    times = [tick / FPS for tick in range(int(lasts_s * FPS))]
    moments = [look(assembled, time_s, render(time_s)) for time_s in times]
    height, width = render(0.0).shape[:2]
    header = Header(
        version=VERSION,
        kind="rendered",
        name=name,
        source_sha256="",
        truth_sha256="",
        width=width,
        height=height,
        fps=FPS,
        lasts_s=lasts_s,
        networks=networks_of(assembled),
        people=people,
    )
    return Timeline(header=header, moments=tuple(moments))


def pictures(path: Path, fps: float) -> Iterator[tuple[float, Picture]]:
    """The frames of a clip that are analysed at ``fps``, with their times: the first one in each
    cell of a grid of media time, as ingest picks them of a recording."""
    video = cv2.VideoCapture(str(path))
    rate, cell = video.get(cv2.CAP_PROP_FPS), -1
    for index in range(10**7):
        good, picture = video.read()
        if not good:
            break
        if int(index / rate * fps + 1e-6) > cell:
            cell = int(index / rate * fps + 1e-6)
            yield index / rate, np.asarray(picture, np.uint8)
    video.release()


def look(assembled: Assembled, time_s: float, picture: Picture) -> Moment:
    """What the analyser sees in one picture."""
    (seen,) = assembled.analyser.analyse([picture])
    return Moment(time_s=time_s, faces=seen.faces, bodies=seen.bodies)


def networks_of(assembled: Assembled) -> dict[str, Network]:
    """The networks that ran, by task."""
    return {
        choice.task: Network(model=choice.model, sha256=choice.entry.sha256 if choice.entry else "")
        for choice in assembled.choices
        if choice.runs
    }


def scripted_person(script: DemoScript, seat: Seat, lasts_s: float) -> PersonTruth:
    """What the script says of the person in a seat. An expression that the script's notes don't
    rely on to be read carries the most doubt that is still scored."""
    times = [step * SCRIPT_STEP_S for step in range(int(lasts_s / SCRIPT_STEP_S))]

    def expression(time_s: float) -> tuple[str, float] | None:
        now = scripted_truth(seat.person, time_s, script.name)
        if moment(script, seat.person, time_s).here <= 0:
            return NOT_VISIBLE, 0.0
        if not now.readable:
            return CANT_TELL, 1.0
        return now.expression, 0.0 if now.read_as else 0.5

    def eyes_closed(time_s: float) -> tuple[str, float] | None:
        now = moment(script, seat.person, time_s)
        return ("eyes_closed", 0.0) if now.sway.blink > 0.5 and now.here >= 1 else None

    def facing(time_s: float) -> tuple[str, float] | None:
        now = moment(script, seat.person, time_s)
        yaw_deg = abs(now.yaw_deg + seat.yaw_offset_deg)
        if now.here < 1 or yaw_deg > TURNED_YAW_DEG:
            return None
        return "facing_front", 0.0 if yaw_deg <= FRONTAL_YAW_DEG else 0.6

    def drawn(action: str, doubts: Mapping[str, float]) -> Says:
        def says(time_s: float) -> tuple[str, float] | None:
            now = moment(script, seat.person, time_s)
            if now.here < 1 or now.expression not in doubts or now.amount < 0.3:
                return None
            return action, doubts[now.expression] if now.amount > 0.9 else 0.6

        return says

    faces = [drawn(action, doubts) for action, doubts in DRAWN.items()]

    return PersonTruth(
        name=seat.person,
        x=(seat.x_ratio - _SEAT_RATIO, seat.x_ratio + _SEAT_RATIO),
        present=(0.0, lasts_s),
        expressions=tuple(spans(times, SCRIPT_STEP_S, expression)),
        actions=tuple(
            label
            for says in (eyes_closed, facing, *faces)
            for label in spans(times, SCRIPT_STEP_S, says)
        ),
        unjudged=tuple(name for name in ACTIONS if name not in SCRIPTED),
    )


def _sources(videos: Path) -> Iterator[tuple[str, Callable[[Assembled], Timeline | None]]]:
    for labels in sorted(LABELS.glob("*.toml")):
        yield labels.stem, partial(record_clip, labels, videos)
    for camera in CAMERAS:
        yield f"demo_{camera}", partial(record_demo, camera)
    for sitter in turns.SITTERS:
        yield f"{turns.PREFIX}_{sitter.name}", partial(record_turns, sitter)


if __name__ == "__main__":
    main()
