"""What the script says is read, is read; and heads turn the way the script says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from readroom.ingest.demo import CAMERAS, DemoRoom, truth
from readroom.ingest.demo.figure import Figure, Place, Pose
from readroom.ingest.demo.people import SHEETS
from readroom.ingest.demo.script import LOOP_S, Seat, segments
from readroom.messages import EXPRESSIONS, Face
from readroom.models.lab.heads.fsanet import FsaNet
from tests.ingest.demo.networks import Image, Reader

#: Moments looked at in each segment.
SAMPLES = 5


def angles(head_pose: FsaNet, reader: Reader, image: Image) -> tuple[float, float]:
    """Yaw and pitch of the surest face, degrees: the mean of the judge's two networks."""
    box = found(reader, image).box
    edges = np.array([[box.x, box.y, box.width, box.height]], np.float32)
    yaw, pitch, _ = head_pose.look(image, edges)[0].mean(axis=0).tolist()
    return yaw, pitch


def around(room: DemoRoom, seat: Seat, t_s: float) -> Image:
    """The part of the frame where a person sits, with sides that the detector takes."""
    x = min(max(int(seat.x_ratio * 1280) - 176, 0), 1280 - 352)
    return np.ascontiguousarray(room.render(t_s)[128:480, x : x + 352])


def found(reader: Reader, image: Image) -> Face:
    face = reader.best_face(image)
    assert face is not None
    return face


def read(reader: Reader, frame: Image, seat: Seat) -> dict[str, float]:
    """What is read in the face of whoever sits there, in the whole frame, as a worker sees it."""
    width = frame.shape[1]
    near = [
        face
        for face in reader.faces(frame)
        if abs(face.box.x + face.box.width / 2 - seat.x_ratio * width) < 0.13 * width
    ]
    assert near, seat
    said = max(near, key=lambda face: face.score).expression
    assert said is not None
    return dict(zip(EXPRESSIONS, said, strict=True))


def readable_times(person: str, start_s: float, end_s: float, variant: str) -> list[float]:
    times = [float(t_s) for t_s in np.arange(start_s, end_s, 0.1)]
    readable = [t_s for t_s in times if truth(person, t_s, variant).readable]
    picks = np.linspace(0, len(readable) - 1, SAMPLES).astype(int)
    return [readable[pick] for pick in picks]


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_segment_is_read_as_the_script_says(
    rooms: dict[str, DemoRoom], reader: Reader, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        for cue, start_s, end_s in segments(room.script.person(seat.person), LOOP_S):
            times = readable_times(seat.person, start_s, end_s, "default")
            said = [read(reader, room.render(t_s), seat) for t_s in times]
            shares = [each[cue.expression] for each in said]
            assert np.mean(shares) == pytest.approx(cue.read_p, abs=0.12), (
                seat.person, cue, shares,
            )  # fmt: skip
            if cue.read_as is not None:
                assert {max(each, key=each.__getitem__) for each in said} == {cue.read_as}, said


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_head_pose_networks_follow_the_scripted_turns(
    rooms: dict[str, DemoRoom], reader: Reader, head_pose: FsaNet, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        turns = room.script.person(seat.person).turns
        times = [cue.start_s + late for cue in turns for late in (0.45, 1.2, 2.0)]
        times = [t_s for t_s in times if truth(seat.person, t_s).present]
        pictures = [around(room, seat, t_s) for t_s in times]
        seen = [angles(head_pose, reader, image)[0] for image in pictures]
        scripted = [truth(seat.person, t_s).yaw_deg for t_s in times]
        assert np.corrcoef(scripted, seen)[0, 1] > 0.95, seat.person


@pytest.mark.parametrize("person", SHEETS)
def test_the_head_pose_networks_follow_a_nod(
    reader: Reader, head_pose: FsaNet, person: str
) -> None:
    figure = Figure(SHEETS[person](124.0), Place(224.0, 200.0, 448))
    nods, seen = (-10.0, -5.0, 0.0, 5.0, 10.0), []
    for pitch_deg in nods:
        image = np.full((448, 448, 3), 190, dtype=np.uint8)
        figure.draw(image, Pose(pitch_rad=math.radians(pitch_deg)))
        seen.append(angles(head_pose, reader, image)[1])
    assert np.corrcoef(nods, seen)[0, 1] > 0.95


@pytest.mark.parametrize("camera", CAMERAS)
def test_nobody_is_found_at_an_empty_seat(
    rooms: dict[str, DemoRoom], reader: Reader, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        gone = next(cue for cue in room.script.person(seat.person).presence if not cue.present)
        assert reader.best_face(around(room, seat, gone.start_s + 2.0)) is None
