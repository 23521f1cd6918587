"""What the script says is read, is read; and heads turn the way the script says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from readroom.ingest.demo import CAMERAS, DemoRoom, truth
from readroom.ingest.demo.figure import Figure, Place, Pose
from readroom.ingest.demo.people import SHEETS
from readroom.ingest.demo.script import LOOP_S, Seat, segments
from tests.ingest.demo.networks import Box, Image, Networks

#: Moments looked at in each segment.
SAMPLES = 5


def around(room: DemoRoom, seat: Seat, t_s: float) -> Image:
    """The part of the frame where a person sits, with sides that the detector takes."""
    x = min(max(int(seat.x_ratio * 1280) - 176, 0), 1280 - 352)
    return np.ascontiguousarray(room.render(t_s)[128:480, x : x + 352])


def found(networks: Networks, image: Image) -> Box:
    box = networks.best_face(image)
    assert box is not None
    return box


def readable_times(person: str, start_s: float, end_s: float, variant: str) -> list[float]:
    times = [float(t_s) for t_s in np.arange(start_s, end_s, 0.1)]
    readable = [t_s for t_s in times if truth(person, t_s, variant).readable]
    picks = np.linspace(0, len(readable) - 1, SAMPLES).astype(int)
    return [readable[pick] for pick in picks]


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_segment_is_read_as_the_script_says(
    rooms: dict[str, DemoRoom], networks: Networks, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        for cue, start_s, end_s in segments(room.script.person(seat.person), LOOP_S):
            pictures = [
                around(room, seat, t_s)
                for t_s in readable_times(seat.person, start_s, end_s, "default")
            ]
            said = [networks.expression(picture, found(networks, picture)) for picture in pictures]
            read = [each[cue.expression] for each in said]
            assert np.mean(read) == pytest.approx(cue.read_p, abs=0.12), (seat.person, cue, read)
            if cue.read_as is not None:
                assert {max(each, key=each.__getitem__) for each in said} == {cue.read_as}, said


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_head_pose_networks_follow_the_scripted_turns(
    rooms: dict[str, DemoRoom], networks: Networks, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        turns = room.script.person(seat.person).turns
        times = [cue.start_s + late for cue in turns for late in (0.45, 1.2, 2.0)]
        times = [t_s for t_s in times if truth(seat.person, t_s).present]
        pictures = [around(room, seat, t_s) for t_s in times]
        seen = [networks.yaw_pitch_deg(image, found(networks, image))[0] for image in pictures]
        scripted = [truth(seat.person, t_s).yaw_deg for t_s in times]
        # These networks count yaw the other way round.
        assert np.corrcoef(scripted, seen)[0, 1] < -0.95, seat.person


@pytest.mark.parametrize("person", SHEETS)
def test_the_head_pose_networks_follow_a_nod(networks: Networks, person: str) -> None:
    figure = Figure(SHEETS[person](124.0), Place(224.0, 200.0, 448))
    nods, seen = (-10.0, -5.0, 0.0, 5.0, 10.0), []
    for pitch_deg in nods:
        image = np.full((448, 448, 3), 190, dtype=np.uint8)
        figure.draw(image, Pose(pitch_rad=math.radians(pitch_deg)))
        seen.append(networks.yaw_pitch_deg(image, found(networks, image))[1])
    assert np.corrcoef(nods, seen)[0, 1] > 0.95


@pytest.mark.parametrize("camera", CAMERAS)
def test_nobody_is_found_at_an_empty_seat(
    rooms: dict[str, DemoRoom], networks: Networks, camera: str
) -> None:
    room = rooms[camera]
    for seat in room.view.seats:
        gone = next(cue for cue in room.script.person(seat.person).presence if not cue.present)
        assert networks.best_face(around(room, seat, gone.start_s + 2.0)) is None
