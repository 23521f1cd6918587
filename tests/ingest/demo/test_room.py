from __future__ import annotations

import cv2
import numpy as np
import pytest

from readroom.ingest.demo import CAMERAS, VARIANTS, DemoRoom, truth
from readroom.ingest.demo.background import TABLE_RATIO
from readroom.ingest.demo.people import SHEETS
from readroom.ingest.demo.script import LOOP_S, Seat, segments

#: A face's middle lies at most this far from its seat, in face widths.
REACH = 0.6


def seats(room: DemoRoom) -> list[tuple[Seat, float]]:
    """Each seat with the pixel column of its middle in a 1280-pixel frame."""
    return [(seat, seat.x_ratio * 1280) for seat in room.view.seats]


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_same_time_gives_the_same_bytes_in_any_order(
    rooms: dict[str, DemoRoom], camera: str
) -> None:
    times = [3.3, 27.0, 19.5, 49.0]
    first = [rooms[camera].render(t_s) for t_s in times]
    again = [DemoRoom(camera).render(t_s) for t_s in reversed(times)]
    for frame, other in zip(first, reversed(again), strict=True):
        assert np.array_equal(frame, other)


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_frame_is_a_colour_picture_of_the_size_asked_for(
    rooms: dict[str, DemoRoom], camera: str
) -> None:
    frame = rooms[camera].render(1.0)
    assert frame.shape == (720, 1280, 3)
    assert frame.dtype == np.uint8
    assert DemoRoom(camera, (640, 360)).render(1.0).shape == (360, 640, 3)


def test_a_frame_belongs_to_its_caller(rooms: dict[str, DemoRoom]) -> None:
    frame = rooms["left"].render(1.0)
    kept = frame.copy()
    frame[:] = 0
    assert np.array_equal(rooms["left"].render(1.0), kept)


def test_the_loop_repeats_and_moves(rooms: dict[str, DemoRoom]) -> None:
    room = rooms["right"]
    assert np.array_equal(room.render(5.0), room.render(5.0 + LOOP_S))
    assert not np.array_equal(room.render(5.0), room.render(5.2))


def test_unknown_names_and_tiny_sizes_are_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="unknown camera 'middle': choose one of left, right"):
        DemoRoom("middle")
    with pytest.raises(ValueError, match="unknown variant 'none': choose one of default, overlap"):
        DemoRoom("left", variant="none")
    with pytest.raises(ValueError, match="below the smallest size"):
        DemoRoom("left", (64, 64))


@pytest.mark.parametrize("camera", CAMERAS)
def test_haar_finds_a_face_at_a_seat_exactly_when_somebody_sits_there(
    rooms: dict[str, DemoRoom], camera: str
) -> None:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    for t_s in (2.0, 10.0, 17.8, 26.0, 37.0, 41.5, 51.0, 56.0):
        grey = cv2.cvtColor(rooms[camera].render(t_s), cv2.COLOR_BGR2GRAY)
        found = [x + width / 2 for x, _, width, _ in cascade.detectMultiScale(grey, 1.1, 5)]
        for seat, middle_x in seats(rooms[camera]):
            here = any(abs(x - middle_x) < REACH * seat.face_px for x in found)
            assert here == truth(seat.person, t_s).present, (seat.person, t_s)


@pytest.mark.parametrize("camera", CAMERAS)
def test_expressions_change_the_picture_around_the_mouth(
    rooms: dict[str, DemoRoom], camera: str
) -> None:
    room = rooms[camera]
    for seat, _ in seats(room):
        calm = mouth(room, seat, 57.5)
        for cue, start_s, end_s in segments(room.script.person(seat.person), LOOP_S):
            if cue.expression != "neutral":
                change = np.abs(mouth(room, seat, (start_s + end_s) / 2) - calm).mean()
                assert change > 4.0, (seat.person, cue)


def mouth(room: DemoRoom, seat: Seat, t_s: float) -> np.ndarray:
    """The mouth's surroundings, blurred enough to forget the sway; float32."""
    grey = cv2.cvtColor(room.render(t_s), cv2.COLOR_BGR2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), 3.0).astype(np.float32)
    x, y = int(seat.x_ratio * 1280), int(seat.eyes_ratio * 720 + 0.55 * seat.face_px)
    return soft[y - 30 : y + 30, x - 35 : x + 35]


@pytest.mark.parametrize("person", SHEETS)
def test_everybody_reaches_down_to_the_table(person: str) -> None:
    portrait = SHEETS[person](100.0).portrait
    below_eyes = (portrait.image.shape[0] - portrait.landmarks["nose"][0, 1]) / 100.0
    for script in VARIANTS.values():
        for seat in (seat for view in script.views for seat in view.seats):
            if seat.person == person:
                reach = seat.eyes_ratio * 720 + below_eyes * seat.face_px
                assert reach > TABLE_RATIO * 720, (script.name, seat)


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_overlapping_view_differs_from_the_default_one(
    rooms: dict[str, DemoRoom], camera: str
) -> None:
    overlap = DemoRoom(camera, variant="overlap")
    assert not np.array_equal(overlap.render(2.0), rooms[camera].render(2.0))
