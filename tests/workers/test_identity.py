"""Whose face it is: the same person's embeddings point the same way, two people's don't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from readroom.models.alignment import ARCFACE_PX
from readroom.models.boxes import Floats
from readroom.models.registry import REGISTRY
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble
from readroom.workers.backends.onnxruntime import Finished
from readroom.workers.engines.identity import MIN_WIDTH_PX, IdentityReader, can_align
from tests.workers.conftest import Clip

ENTRY = REGISTRY["mobilefacenet_112"]
SPREAD = ARCFACE_PX.astype(np.float32)
#: Above this cosine two faces are taken for one person's (the registry's note).
SAME = 0.305


class Saying:
    """A network that says the same of every face, and remembers what it was fed."""

    inputs = (type("Spec", (), {"name": "input0"}),)
    max_batch = 4

    def __init__(self, row: list[float]) -> None:
        self.row = row
        self.fed: list[Floats] = []

    def input_buffer(self, name: str, shape: tuple[int, ...]) -> Floats:
        return np.zeros(shape, np.float32)

    def submit(self, feeds: Any) -> Finished:
        (items,) = feeds.values()
        self.fed.append(items.copy())
        return Finished({"output0": np.tile(np.array(self.row, np.float32), (len(items), 1))})


def test_embeddings_have_unit_length(noise: Picture) -> None:
    network: Any = Saying([3.0, 4.0])
    said = IdentityReader(network, ENTRY).submit([(noise, SPREAD), (noise, SPREAD)]).result()
    assert said.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]] * 2


def test_a_face_goes_in_aligned_red_first_and_normalised() -> None:
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[:] = (0, 0, 255)
    network = Saying([1.0])
    reader = IdentityReader(network, ENTRY)  # type: ignore[arg-type]
    reader.submit([(picture, SPREAD * 2)]).result()
    (face,) = network.fed[0]
    assert face.shape == (3, 112, 112)
    assert face[:, 56, 56] == pytest.approx(
        [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-4
    )


@pytest.mark.parametrize("row", [[0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_an_embedding_without_a_direction_is_an_error(row: list[float], noise: Picture) -> None:
    network: Any = Saying(row)
    with pytest.raises(FloatingPointError, match="without a direction"):
        IdentityReader(network, ENTRY).submit([(noise, SPREAD)]).result()


def test_faces_that_are_small_or_without_places_are_nobodys() -> None:
    wide = np.array([0, 0, MIN_WIDTH_PX, 40], np.float32)
    assert can_align(wide, SPREAD)
    assert not can_align(wide - 1, SPREAD)
    assert not can_align(wide, None)
    assert not can_align(wide, np.full((5, 2), 9, np.float32))


@pytest.fixture(scope="module")
def with_identity(shared_models: Path) -> Analyser:
    settings = load_settings(
        models=shared_models,
        workers={"engines": ("face", "identity"), "networks": ("yunet_n_dynamic",)},
    )
    return assemble(settings).analyser


def embeddings(analyser: Analyser, pictures: list[Picture]) -> Floats:
    """The embeddings of the first face in each picture, from left to right."""
    rows = []
    for picture in pictures:
        (seen,) = analyser.analyse([picture])
        first = min(seen.faces, key=lambda face: face.box.x)
        assert first.embedding is not None
        rows.append(first.embedding)
    return np.array(rows, np.float32)


def test_one_person_is_nearer_to_himself_than_to_others(
    with_identity: Analyser, clip: Clip
) -> None:
    one = embeddings(with_identity, clip("neutral_to_smile_1_person", 12))
    other = embeddings(with_identity, clip("upset_to_laughing_1_person", 60))
    third = embeddings(with_identity, clip("head_turns_2_people", 12))
    assert np.linalg.norm(one, axis=1) == pytest.approx(1)
    assert (one @ one.T).min() > 0.6
    assert (one @ other.T).max() < SAME
    assert (one @ third.T).max() < SAME


def test_a_face_of_half_its_width_in_a_tilted_picture_is_still_the_same_persons(
    with_identity: Analyser, clip: Clip
) -> None:
    (picture,) = clip("neutral_to_smile_1_person", 1000)
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 0.5)
    tilted = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    one, same = embeddings(with_identity, [picture, tilted.astype(np.uint8)])
    assert one @ same > 0.7


def test_faces_too_small_for_it_have_no_embedding(with_identity: Analyser, clip: Clip) -> None:
    (seen,) = with_identity.analyse(clip("classroom_4_people", 100))
    assert len(seen.faces) == 4
    assert all(face.embedding is None for face in seen.faces)
    assert seen.engines == ("face", "identity")
