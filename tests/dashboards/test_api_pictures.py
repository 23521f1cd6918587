"""A camera's picture over HTTP, where it was asked for."""

from __future__ import annotations

import time

import cv2
import httpx
import numpy as np
import redis

from readroom.messages import Frame
from readroom.pixels import encode_jpeg
from readroom.streams import FrameWriter, Keys, report_camera
from tests.aggregator.made import report
from tests.dashboards.running import live

KEYS = Keys("room")


def shown_in(address: str, timeout_s: float = 15) -> httpx.Response:
    """The answer with a picture: one is made a second."""
    deadline = time.monotonic() + timeout_s
    while (answer := httpx.get(address)).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer


def test_a_camera_s_newest_picture_is_a_jpeg(redis_url: str, client: redis.Redis) -> None:
    report_camera(client, KEYS, report("streaming"), in_order=False)
    with live(redis_url, READROOM_HTTP__PICTURES="plain") as page:
        pictures = f"{page.address}api/v1/cameras"
        nothing = httpx.get(f"{pictures}/front/picture")
        assert (nothing.status_code, list(nothing.json())) == (404, ["error"])
        shown = np.full((720, 1280, 3), 128, np.uint8)
        frame = Frame(
            room="room",
            camera="front",
            epoch=1,
            seq=1,
            previous_seq=0,
            captured_at=time.time() + 60,  # However slow the machine is, it is no old one.
            width=1280,
            height=720,
            mode="live",
        )
        writer = FrameWriter(client, KEYS, "front", recording=None, capacity=4, lanes=())
        writer.publish(frame, encode_jpeg(shown, 90))
        answer = shown_in(f"{pictures}/front/picture")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (360, 640, 3)
        other = httpx.get(f"{pictures}/other/picture")
        assert "no such camera" in other.json()["error"]
        assert httpx.get(f"{page.address}api/v1/about").json()["pictures"] == "plain"
