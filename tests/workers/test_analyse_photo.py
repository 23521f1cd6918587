"""Single pictures through the networks that the package brings: portraits of the demo room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from readroom.ingest.demo.faces import eileen, grace
from readroom.messages import EXPRESSIONS, Body, Box, Face, Quality, encode
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.analysis import Analysis
from readroom.workers.photo import Look, looker, observe, overlap
from tests.e2e.leaks import in_message


@pytest.fixture(scope="module")
def look() -> Look:
    return looker(load_settings(purpose="research"))


def group() -> Picture:
    """A wide picture: one large face that smiles on the right, a small calm one on the left, and
    beyond it one that is too small to be read."""
    page = np.full((1500, 3000, 3), 120, np.uint8)
    large = cv2.resize(eileen().image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    page[100:1500, 1500:2988] = large[:1400, :1488]
    small = cv2.resize(grace().image, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    page[700 : 700 + small.shape[0], 900 : 900 + small.shape[1]] = small
    tiny = cv2.resize(grace().image, None, fx=0.14, fy=0.14, interpolation=cv2.INTER_AREA)
    page[300 : 300 + tiny.shape[0], 300 : 300 + tiny.shape[1]] = tiny
    return page


def named(face: Face) -> str | None:
    if face.expression is None:
        return None
    return EXPRESSIONS[int(np.argmax(face.expression))]


def test_large_and_small_faces_are_found_in_one_picture_from_left_to_right(look: Look) -> None:
    seen = look(group())
    widths = [face.box.width for face in seen.faces]
    assert len(widths) == 3, widths
    assert widths[0] < 32 < widths[1] < 80 < widths[2]
    assert [named(face) for face in seen.faces] == [None, "neutral", "happiness"]
    # Each body points at its own face.
    for body in seen.bodies:
        assert body.face is not None
        face = seen.faces[body.face].box
        nose_x, nose_y, score = body.keypoints[0]
        assert score < 0.3 or (
            face.x < nose_x < face.x + face.width and face.y < nose_y < face.y + face.height
        )


def test_a_blurred_face_has_no_expression(look: Look) -> None:
    sharp = grace().image
    assert named(look(sharp).faces[0]) == "neutral"
    for face in look(cv2.GaussianBlur(sharp, None, 14).astype(np.uint8)).faces:
        assert face.expression is None


def test_without_a_face_nothing_is_said(look: Look) -> None:
    seen = look(np.full((300, 400, 3), 90, np.uint8))
    assert (seen.faces, seen.bodies) == ((), ())


def test_for_a_workplace_no_expression_is_computed() -> None:
    seen = looker(load_settings(purpose="workplace"))(eileen().image)
    assert len(seen.faces) == 1
    assert "expression" not in seen.models
    assert list(in_message(encode(seen))) == []


class Found:
    """Stands for an analyser that finds what it is told."""

    def __init__(self, faces: Sequence[Face], bodies: Sequence[Body] = ()) -> None:
        self.models: dict[str, str] = {}
        self._found = Analysis(tuple(faces), tuple(bodies), ("face",))

    def analyse(self, pictures: Sequence[Picture]) -> list[Analysis]:
        return [self._found for _ in pictures]


def face(x: float, score: float, **more: Any) -> Face:
    return Face(
        box=Box(x, 10, 50, 60),
        score=score,
        quality=Quality(width_px=50, sharpness=200),
        landmarks=((0, 0),) * 5,
        **more,
    )


def body(of: int | None) -> Body:
    return Body(box=Box(0, 0, 9, 9), score=0.5 if of is None else of, keypoints=(), face=of)


def seen_by(*found: Found) -> Any:
    analysers: Any = found
    return observe(np.zeros((200, 300, 3), np.uint8), analysers, 32)


def test_a_face_that_both_widths_find_is_one_the_surer() -> None:
    seen = seen_by(Found([face(100, 0.8)]), Found([face(105, 0.95), face(10, 0.9)]))
    assert [(one.box.x, one.score) for one in seen.faces] == [(10, 0.9), (105, 0.95)]


def test_bodies_follow_their_faces() -> None:
    seen = seen_by(
        Found([face(100, 0.95), face(200, 0.7)], [body(0), body(1), body(None)]),
        Found([face(10, 0.9), face(202, 0.99)], [body(1), body(0)]),
    )
    assert [one.box.x for one in seen.faces] == [10, 100, 202]
    assert {(one.face, one.score) for one in seen.bodies} == {(None, 0.5), (1, 0), (2, 1), (0, 0)}


@pytest.mark.parametrize("bad", [(float("nan"),) * 8, (0.0,) * 8, (-1.0,) * 8])
def test_garbage_from_a_network_isnt_an_expression(bad: Any) -> None:
    assert seen_by(Found([face(100, 0.95, expression=bad)])).faces[0].expression is None


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert overlap(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 10, 10), Box(20, 0, 10, 10)) == 0
    assert overlap(Box(0, 0, 0, 0), Box(0, 0, 0, 0)) == 0
