"""Pictures for the page's tiles: hidden faces are really hidden, and nothing old is the present."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest
import redis
from hypothesis import given, strategies as st
from msgspec.structs import replace

from readroom.dashboards.live import pictures
from readroom.dashboards.live.blurring import blur_all, blur_boxes, scaled
from readroom.dashboards.live.pictures import MAX_WIDTH, Pictures
from readroom.ingest.demo import CAMERAS, DemoRoom
from readroom.messages import Box, CameraReport, Face, Frame, Observation, PersonState, Quality
from readroom.pixels import Picture, SharedRing, decode_jpeg, encode_jpeg
from readroom.settings import Settings, load_settings
from readroom.streams import FrameWriter, Keys, add, report_camera
from readroom.workers.assembly import assemble
from tests.dashboards.scene import person, room_state

KEYS = Keys("room")
WIDTH, HEIGHT = 1280, 720
#: A calm, a smiling and a surprised moment of the demo room's script, s.
MOMENTS = (3.0, 24.0, 44.0)


class Clock:
    """The time, which a test may move on, or hold."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.held_at: float | None = None

    def __call__(self) -> float:
        return self.ahead_s + (time.time() if self.held_at is None else self.held_at)


@dataclass
class Camera:
    """Stands where a camera's ingest and its worker stand."""

    client: redis.Redis
    name: str = "left"
    seq: int = 0
    ring: SharedRing | None = None
    frames: list[Frame] = field(default_factory=list)

    def shows(self, picture: Picture, *, shared: bool = False, **changes: Any) -> Frame:
        """Publish a picture."""
        report_camera(self.client, KEYS, report(self.name), in_order=False)
        if shared and self.ring is None:
            self.ring = SharedRing(f"readroom-test-{uuid.uuid4().hex}-1", 2, picture.size)
        block = self.ring.put(picture) if shared and self.ring is not None else None
        self.seq += 1
        frame = Frame(
            room="room",
            camera=self.name,
            epoch=1,
            seq=self.seq,
            previous_seq=self.seq - 1,
            captured_at=time.time(),
            width=picture.shape[1],
            height=picture.shape[0],
            mode="live",
            encoding="jpeg" if block is None else "bgr",
            shared=block,
        )
        frame = replace(frame, **changes)
        writer = FrameWriter(self.client, KEYS, self.name, recording=None, capacity=4, lanes=())
        writer.publish(frame, encode_jpeg(picture, 95) if block is None else b"")
        self.frames.append(frame)
        return frame

    def found(self, *boxes: Box, frame: Frame | None = None, **changes: Any) -> None:
        """Say what a worker found in a picture: the newest one, unless another is named."""
        of = frame or self.frames[-1]
        word = Observation(
            room="room",
            camera=of.camera,
            epoch=of.epoch,
            seq=of.seq,
            previous_seq=of.previous_seq,
            captured_at=of.captured_at,
            width=of.width,
            height=of.height,
            mode="live",
            lane="face+expression+pose",
            worker="w1",
            engines=("face",),
            faces=tuple(face(box) for box in boxes),
        )
        add(self.client, KEYS.observations, replace(word, **changes))

    def remove(self) -> None:
        if self.ring is not None:
            self.ring.unlink()


@pytest.fixture
def camera(client: redis.Redis) -> Iterator[Camera]:
    made = Camera(client)
    yield made
    made.remove()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def a_slow_machines_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for that won't come, and nothing grows old while a test runs."""
    monkeypatch.setattr(pictures, "WAIT_S", 0.1)
    monkeypatch.setattr(pictures, "PEOPLE_FRESH_S", 60.0)
    monkeypatch.setattr(pictures, "FRESH_S", 60.0)
    monkeypatch.setattr(pictures, "STALE_S", 60.0)


def report(name: str) -> CameraReport:
    return CameraReport(
        room="room", camera=name, epoch=1, phase="streaming", mode="live", source="x", at=1.0
    )


def face(box: Box) -> Face:
    quality = Quality(width_px=box.width, sharpness=300.0)
    return Face(box=box, score=0.9, quality=quality)


def settings_for(redis_url: str, mode: str = "blurred", **changes: Any) -> Settings:
    return load_settings(redis={"url": redis_url}, http={"pictures": mode}, **changes)


@pytest.fixture
def blurred(redis_url: str, clock: Clock) -> Pictures:
    return Pictures(settings_for(redis_url), clock)


def noise(height: int = HEIGHT, width: int = WIDTH) -> Picture:
    """Detail everywhere, in lumps that shrinking keeps."""
    coarse = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8)), np.uint8)


def detail(picture: Picture, box: Box, factor: float) -> float:
    """Mean change from pixel to pixel in a box, grey levels."""
    left, top = round(box.x * factor), round(box.y * factor)
    right, bottom = round((box.x + box.width) * factor), round((box.y + box.height) * factor)
    part = picture[top:bottom, left:right].astype(np.float64)
    return float(np.abs(np.diff(part, axis=0)).mean() + np.abs(np.diff(part, axis=1)).mean())


def whole(picture: Picture) -> bool:
    """Whether nothing in a picture of :func:`noise` can be made out."""
    return detail(picture, Box(0, 0, picture.shape[1], picture.shape[0]), 1.0) < 4


def people(*those: PersonState, **changes: Any) -> Any:
    return room_state(10.0, those, **changes)


def somebody(box: Box, camera: str = "left", cameras: Sequence[str] = ()) -> PersonState:
    sees = tuple(cameras) or (camera,)
    return replace(person(1, "neutral", camera=camera), box=box, cameras=sees)


FACE = Box(400.0, 200.0, 160.0, 200.0)
ELSEWHERE = Box(900.0, 200.0, 160.0, 200.0)


def shown(pictures: Pictures, camera: str = "left") -> Picture:
    jpeg = pictures.jpeg(camera)
    assert jpeg is not None, pictures.newest(camera).reason
    return decode_jpeg(jpeg)


@pytest.mark.parametrize("shared", [False, True])
def test_a_face_is_hidden_and_the_rest_is_shown(
    camera: Camera, blurred: Pictures, client: redis.Redis, shared: bool
) -> None:
    camera.shows(noise(), shared=shared)
    camera.found(FACE)
    add(client, KEYS.people, people())
    seen = shown(blurred)
    assert seen.shape == (360, MAX_WIDTH, 3)
    assert detail(seen, FACE, 0.5) < 4
    assert detail(seen, ELSEWHERE, 0.5) > 15
    # Hair and chin lie outside of what a detector calls a face.
    around = Box(FACE.x - 30, FACE.y - 40, FACE.width + 60, FACE.height + 80)
    assert detail(seen, around, 0.5) < 4


@pytest.mark.parametrize("name", CAMERAS)
def test_our_own_detector_finds_no_face_in_a_blurred_picture_of_the_demo_room(
    camera: Camera, redis_url: str, client: redis.Redis, name: str
) -> None:
    cv2.setNumThreads(1)
    analyser = assemble(load_settings(workers={"engines": ("face",)})).analyser
    room, camera.name = DemoRoom(name), name
    for moment_s in MOMENTS:
        picture = room.render(moment_s)
        (seen,) = analyser.analyse([picture])
        assert seen.faces, moment_s
        camera.shows(picture)
        camera.found(*(each.box for each in seen.faces))
        add(client, KEYS.people, people())
        plain = shown(Pictures(settings_for(redis_url, "plain")), name)
        hidden = shown(Pictures(settings_for(redis_url)), name)
        before, after = analyser.analyse([plain, hidden])
        assert len(before.faces) == len(seen.faces), "the size alone hides nobody"
        assert after.faces == ()


def test_a_face_that_was_missed_in_this_frame_is_hidden_where_it_was(
    camera: Camera, blurred: Pictures, client: redis.Redis
) -> None:
    camera.shows(noise())
    camera.found(ELSEWHERE)
    add(client, KEYS.people, people(somebody(FACE)))
    seen = shown(blurred)
    assert detail(seen, FACE, 0.5) < 4
    assert detail(seen, ELSEWHERE, 0.5) < 4
    assert not whole(seen)


def test_without_any_face_all_is_shown(
    camera: Camera, blurred: Pictures, client: redis.Redis
) -> None:
    camera.shows(noise())
    camera.found()
    add(client, KEYS.people, people())
    assert detail(shown(blurred), FACE, 0.5) > 15


def test_a_frame_that_no_worker_has_spoken_of_is_blurred_whole(
    camera: Camera, blurred: Pictures, client: redis.Redis
) -> None:
    before = camera.shows(noise())
    camera.found(FACE, frame=before)
    add(client, KEYS.people, people(somebody(FACE)))
    camera.shows(noise())  # Somebody may have come in.
    assert whole(shown(blurred))


@pytest.mark.parametrize(
    "changes",
    [
        {"skipped": "stale", "engines": ()},
        {"lane": "pose", "engines": ("pose",)},
        {"epoch": 2},
        {"camera": "right"},
    ],
)
def test_a_word_that_says_nothing_of_this_frames_faces_is_none(
    camera: Camera, blurred: Pictures, client: redis.Redis, changes: dict[str, Any]
) -> None:
    camera.shows(noise())
    camera.found(FACE, **changes)
    add(client, KEYS.people, people())
    assert whole(shown(blurred))


def test_where_a_frame_was_skipped_the_next_one_is_shown(
    camera: Camera, blurred: Pictures, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "WAIT_S", 10.0)
    camera.shows(noise())
    camera.found(skipped="stale", engines=())
    add(client, KEYS.people, people(at=time.time() + 0.5))

    def later() -> None:
        time.sleep(0.3)
        camera.shows(noise())
        camera.found(FACE)

    thread = threading.Thread(target=later)
    thread.start()
    seen = shown(blurred)
    thread.join()
    assert detail(seen, FACE, 0.5) < 4
    assert not whole(seen)


@pytest.mark.parametrize("age_s", [70, -70, None])
def test_without_knowing_where_people_are_now_the_picture_is_blurred_whole(
    camera: Camera, blurred: Pictures, client: redis.Redis, age_s: float | None
) -> None:
    camera.shows(noise())
    camera.found(FACE)
    if age_s is not None:
        add(client, KEYS.people, people(at=time.time() - age_s))
    assert whole(shown(blurred))


def test_somebody_whose_place_is_another_cameras_must_be_among_the_faces(
    camera: Camera, redis_url: str, client: redis.Redis
) -> None:
    both = somebody(FACE, camera="right", cameras=("left", "right"))
    add(client, KEYS.people, people(both))
    camera.shows(noise())
    camera.found()
    assert whole(shown(Pictures(settings_for(redis_url))))
    camera.shows(noise())
    camera.found(ELSEWHERE)
    seen = shown(Pictures(settings_for(redis_url)))
    assert not whole(seen)
    assert detail(seen, ELSEWHERE, 0.5) < 4


def test_as_many_faces_as_a_worker_looks_at_may_not_be_all(
    camera: Camera, redis_url: str, client: redis.Redis
) -> None:
    camera.shows(noise())
    camera.found(FACE, ELSEWHERE)
    add(client, KEYS.people, people())
    assert whole(shown(Pictures(settings_for(redis_url, workers={"max_people": 2}))))


def test_off_gives_nothing_and_is_the_default(
    camera: Camera, redis_url: str, client: redis.Redis
) -> None:
    camera.shows(noise())
    add(client, KEYS.people, people())
    for settings in (
        load_settings(redis={"url": redis_url}),
        settings_for(redis_url, "off"),
    ):
        shot = Pictures(settings).newest("left")
        assert shot.jpeg is None
        assert "READROOM_HTTP__PICTURES" in shot.reason


def test_plain_shows_faces(camera: Camera, redis_url: str) -> None:
    camera.shows(noise())
    assert detail(shown(Pictures(settings_for(redis_url, "plain"))), FACE, 0.5) > 15


@pytest.mark.parametrize("mode", ["plain", "blurred"])
def test_a_picture_that_was_overwritten_meanwhile_is_none(
    camera: Camera, redis_url: str, mode: str
) -> None:
    first = camera.shows(noise(), shared=True)
    for _ in range(2):
        camera.shows(noise(), shared=True)
    writer = FrameWriter(camera.client, KEYS, "left", recording=None, capacity=4, lanes=())
    writer.publish(replace(first, captured_at=time.time()), b"")
    shot = Pictures(settings_for(redis_url, mode)).newest("left")
    assert shot.jpeg is None
    assert "reused" in shot.reason


def test_shared_memory_of_another_host_is_none_with_the_remedy(
    camera: Camera, redis_url: str
) -> None:
    camera.shows(noise(), shared=True)
    assert camera.ring is not None
    camera.ring.unlink()
    shot = Pictures(settings_for(redis_url, "plain")).newest("left")
    assert shot.jpeg is None
    assert "READROOM_INGEST__TRANSPORT=redis" in shot.reason


def test_a_picture_from_some_time_ago_is_not_shown_as_the_present(
    camera: Camera, redis_url: str
) -> None:
    camera.shows(noise(), captured_at=time.time() - 90)
    shot = Pictures(settings_for(redis_url, "plain")).newest("left")
    assert shot.jpeg is None
    assert re.search(r"no picture for 9\d s", shot.reason)


@pytest.mark.parametrize("name", ["right", "", "../left", "left\n", "x" * 200, "{room}"])
def test_a_camera_that_nobody_has_heard_of_has_none_and_costs_nothing(
    camera: Camera, redis_url: str, name: str
) -> None:
    camera.shows(noise())
    of = Pictures(settings_for(redis_url, "plain"))
    assert of.jpeg(name) is None
    assert of._cameras == {}


def test_a_camera_without_a_picture_yet_has_none(client: redis.Redis, redis_url: str) -> None:
    report_camera(client, KEYS, report("left"), in_order=False)
    assert Pictures(settings_for(redis_url, "plain")).jpeg("left") is None


def test_a_broken_picture_is_none(camera: Camera, redis_url: str, client: redis.Redis) -> None:
    frame = camera.shows(noise())
    writer = FrameWriter(client, KEYS, "left", recording=None, capacity=4, lanes=())
    writer.publish(replace(frame, seq=9), b"\xff\xd8 no picture")
    assert Pictures(settings_for(redis_url, "plain")).jpeg("left") is None


def test_without_redis_there_is_none(redis_url: str) -> None:
    away = settings_for("unix:///nowhere/redis.sock", "plain")
    shot = Pictures(away).newest("left")
    assert shot.jpeg is None
    assert "Redis" in shot.reason


def test_one_picture_a_second_is_made_and_handed_to_all(
    camera: Camera, redis_url: str, clock: Clock
) -> None:
    clock.held_at = time.time()
    of = Pictures(settings_for(redis_url, "plain"), clock)
    camera.shows(noise())
    first = of.newest("left")
    camera.shows(255 - noise())
    assert all(of.newest("left") is first for _ in range(5))
    clock.ahead_s = 1.1
    second = of.newest("left")
    assert second.jpeg is not None
    assert second.jpeg != first.jpeg


def test_who_asks_while_one_is_being_made_gets_the_one_before(
    camera: Camera, blurred: Pictures, client: redis.Redis, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    camera.shows(noise())
    camera.found(FACE)
    add(client, KEYS.people, people(at=time.time() + 1.0))
    first = blurred.newest("left")
    camera.shows(noise())
    clock.ahead_s = 1.1
    monkeypatch.setattr(pictures, "WAIT_S", 30.0)
    waits = threading.Thread(target=blurred.newest, args=("left",))
    waits.start()
    while not blurred._cameras["left"].making.locked():
        time.sleep(0.01)
    assert blurred.newest("left") is first
    camera.found(FACE)
    waits.join(20)
    assert blurred.newest("left") is not first


def test_a_small_picture_is_not_enlarged(camera: Camera, redis_url: str) -> None:
    camera.shows(noise(120, 160))
    assert shown(Pictures(settings_for(redis_url, "plain"))).shape == (120, 160, 3)


def test_nothing_of_a_picture_is_carried_along(camera: Camera, redis_url: str) -> None:
    """A camera's own JPEG may say where it was taken."""
    camera.shows(noise())
    jpeg = Pictures(settings_for(redis_url, "plain")).jpeg("left")
    assert jpeg is not None
    assert b"Exif" not in jpeg


@given(
    st.tuples(*[st.floats(-2000, 2000)] * 2, *[st.floats(0, 3000)] * 2),
    st.integers(1, 90),
    st.integers(1, 90),
)
def test_a_box_anywhere_is_hidden_and_the_picture_keeps_its_size(
    corners: tuple[float, float, float, float], height: int, width: int
) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    kept = picture.copy()
    assert blur_boxes(picture, [Box(*corners)]).shape == picture.shape
    assert blur_all(picture).shape == picture.shape
    assert scaled(picture, 30)[0].shape[1] == min(width, 30)
    assert (picture == kept).all()


def test_a_picture_blurred_whole_keeps_a_few_colours_only() -> None:
    seen = blur_all(noise(360, 640))
    cells = cv2.resize(seen, (8, 5), interpolation=cv2.INTER_AREA)
    again = cv2.resize(cells, (640, 360), interpolation=cv2.INTER_LINEAR)
    assert np.abs(again.astype(float) - seen).mean() < 6
