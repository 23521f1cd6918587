"""A box has to stay on what it marks, whatever is done to the picture."""

from __future__ import annotations

import numpy as np
import pytest

from readroom.models.lab.faces import scenes
from readroom.models.lab.faces.marks import Marks, no_marks
from readroom.models.lab.faces.scenes import Source, damage, make_scene

SIDE = 256


def marked(boxes: np.ndarray) -> Source:
    """A dark photograph whose faces are red squares."""
    picture = np.zeros((300, 400, 3), np.uint8)
    for x, y, width, height in boxes.astype(int).tolist():
        picture[y : y + height, x : x + width] = (0, 0, 255)
    # Five points well inside each square, the first on the left and the second on the right.
    inside = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.5), (0.35, 0.65), (0.65, 0.65)])
    points = boxes[:, None, :2] + inside * boxes[:, None, 2:]
    marks = Marks(points.astype(np.float32), np.ones(len(boxes), np.float32))
    return Source(picture, boxes.astype(np.float32), marks)


def red(picture: np.ndarray) -> np.ndarray:
    """Where a face is: what lies beyond a photograph is grey."""
    mask: np.ndarray = (picture[..., 2] > 127) & (picture[..., 0] < 64)
    return mask


def whole(box: list[float]) -> bool:
    """Whether a box lies inside the scene, and is large enough to look into."""
    x, y, width, height = box
    inside = min(x, y) >= 1 and max(x + width, y + height) <= SIDE - 1
    return inside and min(width, height) >= 12


@pytest.fixture
def undamaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "damage", lambda picture, random: picture)


SQUARES = np.array([[40, 60, 40, 40], [200, 150, 30, 30], [330, 20, 50, 50]])


@pytest.mark.usefixtures("undamaged")
@pytest.mark.parametrize("mosaic", [0.0, 1.0])
@pytest.mark.parametrize("turned", [0.0, 1.0])
def test_boxes_and_landmarks_stay_on_what_they_mark(
    monkeypatch: pytest.MonkeyPatch, mosaic: float, turned: float
) -> None:
    monkeypatch.setattr(scenes, "MOSAIC", mosaic)
    monkeypatch.setattr(scenes, "TURNED", turned)
    seen = 0
    for seed in range(40):
        scene = make_scene([marked(SQUARES)] * 3, 0, SIDE, np.random.default_rng(seed))
        assert scene.picture.shape == (SIDE, SIDE, 3)
        found = red(scene.picture)
        assert len(scene.marks.landmarks) == len(scene.marks.scores) == len(scene.boxes)
        for box, points in zip(scene.boxes.tolist(), scene.marks.landmarks, strict=True):
            if not whole(box):
                continue
            x, y, width, height = box
            if abs(width - height) < 0.5:  # Of a face cut by a seam, points may lie beyond it.
                columns, rows = np.floor(points).astype(int).T
                assert found[rows, columns].all()
            assert points[0, 0] < points[1, 0]
            assert points[3, 0] < points[4, 0]
            # A turned square fills the middle of the upright one.
            middle = found[
                round(y + height / 4) : round(y + 3 * height / 4),
                round(x + width / 4) : round(x + 3 * width / 4),
            ]
            assert middle.all()
            seen += 1
        marked_share = sum(box[2] * box[3] for box in scene.boxes.tolist())
        assert found.sum() == pytest.approx(marked_share, rel=0.35, abs=900)
    assert seen > 40


@pytest.mark.usefixtures("undamaged")
def test_an_upright_square_is_where_its_box_says_to_the_pixel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenes, "MOSAIC", 0.0)
    monkeypatch.setattr(scenes, "TURNED", 0.0)
    monkeypatch.setattr(scenes, "ANYWHERE", 0.0)
    source = marked(np.array([[180, 120, 40, 40]]))
    seen = 0
    for seed in range(20):
        scene = make_scene([source], 0, SIDE, np.random.default_rng(seed))
        if not len(scene.boxes):
            continue
        x, y, width, height = scene.boxes[0].tolist()
        rows, columns = np.nonzero(red(scene.picture))
        if not whole([x, y, width, height]):
            continue
        assert columns.min() == pytest.approx(x, abs=1.5)
        assert rows.min() == pytest.approx(y, abs=1.5)
        assert columns.max() + 1 == pytest.approx(x + width, abs=1.5)
        assert rows.max() + 1 == pytest.approx(y + height, abs=1.5)
        seen += 1
    assert seen > 8


def test_a_face_that_is_cut_off_too_much_is_unclear() -> None:
    boxes = np.array([[-90, 10, 100, 40], [10, 10, 40, 40], [-400, 0, 40, 40]], np.float32)
    scene = scenes._labelled(np.zeros((SIDE, SIDE, 3), np.uint8), boxes, no_marks(3))
    assert scene.boxes.tolist() == [[10, 10, 40, 40]]
    assert scene.unclear.tolist() == [[0, 10, 10, 40]]
    assert len(scene.marks.scores) == 1


def test_the_same_seed_makes_the_same_scene() -> None:
    one, other = (
        make_scene([marked(SQUARES)] * 4, 1, SIDE, np.random.default_rng(5)) for _ in range(2)
    )
    assert (one.picture == other.picture).all()
    assert (one.boxes == other.boxes).all()


@pytest.mark.usefixtures("undamaged")
def test_a_calm_scene_is_one_photograph_about_as_large_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenes, "MOSAIC", 1.0)  # Were it not calm, each would be one.
    monkeypatch.setattr(scenes, "ANYWHERE", 0.0)
    sizes = [
        float(scene.boxes[:, 2].max())
        for seed in range(40)
        for scene in [
            make_scene([marked(SQUARES)], 0, SIDE, np.random.default_rng(seed), calm=True)
        ]
        if len(scene.boxes)
    ]
    zoom = scenes.CALM_ZOOM
    assert len(sizes) > 20
    assert max(sizes) <= 50 * zoom + 0.01
    assert max(sizes) > 50 * 1.2  # Half of a scene's side, as a mosaic's parts are, shrinks more.
    assert min(sizes) >= scenes.LEAST_VISIBLE * 30 / zoom


def test_damage_changes_pixels_and_nothing_else() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    damaged = [damage(picture, np.random.default_rng(seed)) for seed in range(30)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in damaged)
    assert sum((one != picture).any() for one in damaged) > 15
