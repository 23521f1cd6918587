from __future__ import annotations

import numpy as np
import pytest

from readroom.models.lab.expression.augment import _DAMAGES, augment
from tests.models.lab.expression.faces import drawn


def test_a_face_stays_a_face_of_the_same_size() -> None:
    random = np.random.default_rng(0)
    for face in drawn(40).images:
        made = augment(face, random)
        assert made.shape == face.shape
        assert made.dtype == np.uint8


def test_the_same_generator_makes_the_same_face() -> None:
    face = drawn(1).images[0]
    np.testing.assert_array_equal(
        augment(face, np.random.default_rng(3)), augment(face, np.random.default_rng(3))
    )


def test_without_strength_a_face_is_mirrored_at_most() -> None:
    face, random = drawn(1).images[0], np.random.default_rng(0)
    seen = {augment(face, random, 0.0).tobytes() for _ in range(40)}
    assert seen == {face.tobytes(), np.ascontiguousarray(face[:, ::-1]).tobytes()}


def test_more_strength_moves_a_face_further() -> None:
    face = drawn(1).images[0]

    def change(strength: float) -> float:
        random = np.random.default_rng(1)
        made = [augment(face, random, strength).astype(float) for _ in range(60)]
        return float(
            np.mean([min(np.abs(m - face).mean(), np.abs(m - face[:, ::-1]).mean()) for m in made])
        )

    assert change(0.1) < 0.7 * change(1.0)


@pytest.mark.parametrize("damage", _DAMAGES, ids=lambda damage: damage.__name__)
def test_every_damage_changes_a_face_and_leaves_it_recognisable(damage: object) -> None:
    assert callable(damage)
    random = np.random.default_rng(0)
    for face in drawn(12).images:
        made = damage(face, random)
        assert made.shape == face.shape
        assert made.dtype == np.uint8
        assert not np.array_equal(made, face)
        assert np.corrcoef(made.ravel(), face.ravel())[0, 1] > 0.3
