"""Fixed features and a linear classifier: what a network has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import linear
from readroom.models.lab.expression.dataset import FER2013, Pictures

HAPPINESS, SURPRISE = FER2013.index("happiness"), FER2013.index("surprise")


def stripes(count: int, seed: int = 0, happy_share: float = 0.5) -> Pictures:
    """Happy faces are striped across, surprised ones down; all else is chance, so that no two
    pictures pass for one photograph."""
    random = np.random.default_rng(seed)
    happy = random.random(count) < happy_share
    down, across = np.indices((48, 48))
    turned = np.where(happy[:, None, None], down, across)
    waves = np.sin(turned * random.uniform(0.9, 1.8, (count, 1, 1)))
    spots = random.normal(0, 25, (count, 12, 12)).repeat(4, axis=1).repeat(4, axis=2)
    level, contrast = (
        random.integers(80, 150, (count, 1, 1)),
        random.integers(30, 60, (count, 1, 1)),
    )
    images: Any = np.clip(level + contrast * waves + spots, 0, 255).astype(np.uint8)
    votes = np.zeros((count, 10), np.uint8)
    said = [EXPRESSIONS.index("happiness"), EXPRESSIONS.index("surprise")]
    votes[np.arange(count), np.where(happy, *said)] = 10
    labels = np.where(happy, HAPPINESS, SURPRISE).astype(np.int64)
    return Pictures("train", images, labels, votes, tuple(f"train/{i}" for i in range(count)))


@pytest.mark.parametrize("features", ["hog", "lbp"])
def test_features_of_texture_tell_stripes_apart_that_were_not_learned_from(features: str) -> None:
    baseline = linear.train(features, stripes(60), stripes(20, seed=1))
    unseen = stripes(40, seed=2)
    said = baseline.predict(unseen.images)
    assert (said.fer2013.argmax(1) == unseen.labels).all()
    assert (said.ferplus.argmax(1) == unseen.votes.argmax(1)).all()
    assert said.ferplus.sum(1) == pytest.approx(1, abs=1e-5)


def test_the_majority_class_is_always_said_with_the_shares_of_the_classes() -> None:
    pictures = stripes(50, happy_share=0.8)
    share = (pictures.labels == HAPPINESS).mean()
    said = linear.train("majority", pictures, stripes(10)).predict(stripes(4, happy_share=0).images)
    assert (said.fer2013.argmax(1) == HAPPINESS).all()
    assert said.fer2013[0, HAPPINESS] == pytest.approx(share, abs=0.1)
    assert said.fer2013[0].min() > 0


def test_pictures_without_a_label_or_a_majority_are_not_learned_from() -> None:
    known, unknown = stripes(60), stripes(60, seed=3)
    both = Pictures(
        "train",
        np.concatenate([known.images, unknown.images]),
        np.concatenate([known.labels, np.full(60, -1)]),
        np.concatenate([known.votes, np.zeros_like(unknown.votes)]),
        known.names + unknown.names,
    )
    held_out = stripes(20, seed=1)
    alone, beside = linear.train("hog", known, held_out), linear.train("hog", both, held_out)
    assert beside.ferplus == pytest.approx(alone.ferplus, abs=1e-5)
    assert beside.fer2013 == pytest.approx(alone.fer2013, abs=1e-5)


def test_regression_finds_the_minimum_where_its_slope_is_nothing() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 3)).astype(np.float32)
    truth = (features[:, 0] + random.normal(0, 0.5, 200) > 0).astype(np.int64)
    weights = linear.fit(features, truth, np.zeros((4, 2), np.float32), 0.1)
    logits = features @ weights[:-1] + weights[-1]
    likely = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    slope = features.T @ (likely - np.eye(2)[truth]) / 200 + 0.1 * weights[:-1]
    assert np.abs(slope).max() < 1e-3
    assert weights[0, 1] > 0.3 > abs(weights[1, 1])


def test_stronger_regularisation_gives_smaller_weights() -> None:
    pictures = stripes(40)
    features = linear.FEATURES["hog"](pictures.images)
    start = np.zeros((features.shape[1] + 1, 7), np.float32)
    sizes = [
        np.abs(linear.fit(features, pictures.labels, start, strength)[:-1]).sum()
        for strength in (0.01, 1.0)
    ]
    assert sizes[0] > 2 * sizes[1]


def test_a_saved_baseline_says_the_same(tmp_path: Path) -> None:
    baseline = linear.train("hog", stripes(30), stripes(10))
    baseline.save(tmp_path / "hog.npz")
    again, images = linear.Linear.load(tmp_path / "hog.npz"), stripes(5).images
    assert (again.predict(images).ferplus == baseline.predict(images).ferplus).all()
    assert (again.facts.name, again.facts.parameters) == ("hog", 901 * 15)


def test_what_is_no_saved_baseline_is_one_line(tmp_path: Path) -> None:
    baseline = linear.train("majority", stripes(10), stripes(4))
    other, broken = tmp_path / "other.npz", tmp_path / "broken.npz"
    np.savez(other, images=np.zeros(3))
    broken.write_bytes(b"PK nothing")
    unknown, narrow = tmp_path / "unknown.npz", tmp_path / "narrow.npz"
    np.savez(unknown, features="wavelets", ferplus=baseline.ferplus, fer2013=baseline.fer2013)
    np.savez(narrow, features="hog", ferplus=baseline.ferplus[:, :3], fer2013=baseline.fer2013)
    short = tmp_path / "short.npz"
    np.savez(short, features="hog", ferplus=baseline.ferplus, fer2013=baseline.fer2013)
    for path in (other, broken, unknown, narrow, short):
        with pytest.raises(BadSettings, match="no baseline; make one with `readroom lab baseline`"):
            linear.Linear.load(path)
    with pytest.raises(BadSettings, match="can't be read"):
        linear.Linear.load(tmp_path / "missing.npz")


def test_the_command_trains_all_three_and_writes_their_table(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
    from readroom.models.lab.expression.baselines import run_baseline

    for split, seed in (("train", 0), ("valid", 9)):
        pictures = stripes(100, seed)
        np.savez(
            tmp_path / f"{split}.npz",
            images=pictures.images,
            fer2013=pictures.labels.astype(np.uint8),
            fer2013_classes=["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"],
            ferplus_votes=pictures.votes,
            ferplus_classes=[*EXPRESSIONS, "unknown", "NF"],
            ferplus_present=np.ones(100, bool),
        )
    out = tmp_path / "out"
    results = run_baseline(tmp_path, out, console=Console(quiet=True))
    assert [result.facts.name for result in results] == ["majority", "hog", "lbp"]
    assert sorted(path.name for path in out.glob("*.npz")) == ["hog.npz", "lbp.npz", "majority.npz"]
    assert "|  | n | majority | hog | lbp |" in (out / "table.md").read_text("utf-8").splitlines()
