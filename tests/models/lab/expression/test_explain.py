"""A look inside a network: what is computed is what is said, and a mistake is one line."""

from __future__ import annotations

import html.parser
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.ingest.clips import write_picture

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import dreams, explain, grids, saliency, subjects
from readroom.models.lab.expression.dataset import Pictures
from readroom.models.lab.expression.networks import Network, build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.training import Trainer, normalised, targets_of
from readroom.models.lab.runs import Run, save
from tests.models.lab.expression.faces import drawn


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


@pytest.fixture
def face() -> np.ndarray:
    return subjects.portraits()[1].face()


def bright_left_network() -> Network:
    """Says happiness where the left half is bright and sadness where it isn't, whatever else
    there is to see."""
    left = torch.nn.Conv2d(1, 1, 1, bias=False)
    with torch.no_grad():
        left.weight.fill_(1.0)
    mask = torch.zeros(1, 1, 48, 48)
    mask[..., :24] = 1.0

    class Left(torch.nn.Module):
        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            return torch.relu(left(seen) * mask)

    built = Network({"left": Left()}, 1, 0.0).eval()
    with torch.no_grad():
        built.expression.weight.zero_()
        built.expression.bias.zero_()
        built.expression.weight[EXPRESSIONS.index("happiness")] = 6.0
        built.expression.weight[EXPRESSIONS.index("sadness")] = -6.0
    return built.requires_grad_(False)


def write_checkpoint(path: Path, architecture: str = "residual-b") -> Path:
    faces = drawn(32)
    recipe = Recipe(architecture=architecture, batch=32)
    save(Trainer(recipe, faces, faces, targets_of(faces)), Run(path.parent))
    return Run(path.parent).checkpoint


# --- what is computed ----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["prototype", "residual-h", "plain", "inverted"])
def test_the_stages_lead_to_what_the_heads_see(architecture: str, face: np.ndarray) -> None:
    network = build(architecture).eval()
    images = normalised(face[None])
    with torch.inference_mode():
        last = list(saliency.stage_outputs(network, images).values())[-1]
        pooled = last.mean(dim=(2, 3)) if last.ndim == 4 else last
        torch.testing.assert_close(pooled, network.features(images))


@pytest.mark.parametrize("architecture", ["prototype", "residual-h", "plain", "inverted"])
def test_every_architecture_can_be_looked_into(
    architecture: str, face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dreams, "STEPS", 1)
    monkeypatch.setattr(dreams, "DREAM_STEPS", 1)
    network = build(architecture).eval().requires_grad_(False)
    stages = saliency.spatial_stages(network)
    assert "dense" not in stages
    for stage in stages:
        assert saliency.hires_cam(network, face, stage).shape == (8, 48, 48)
        assert dreams.dream(network, face, stage).shape == (96, 96)
        goal = dreams.channel_goal(network, stage, np.array([1, 0]))
        assert dreams.imagine(goal, 2, 1).shape == (2, 48, 48)


def test_occlusion_finds_the_half_that_the_answer_hangs_on() -> None:
    picture = np.full((48, 48), 60, np.uint8)
    picture[:, :24] = 230
    drops = saliency.occlusion(bright_left_network(), picture)[EXPRESSIONS.index("happiness")]
    assert drops.shape == (48, 48)
    assert drops[:, :20].min() > 0.01
    np.testing.assert_allclose(drops[:, 36:], 0, atol=1e-6)


def test_hires_cam_finds_the_half_that_the_answer_hangs_on() -> None:
    picture = np.full((48, 48), 230, np.uint8)
    maps = saliency.hires_cam(bright_left_network(), picture, "left")
    happy = maps[EXPRESSIONS.index("happiness")]
    assert happy[:, :20].min() > 0
    assert happy[:, 28:].max() == 0
    assert maps[EXPRESSIONS.index("fear")].max() == 0


def test_the_most_varied_channels_come_first() -> None:
    maps = np.zeros((3, 4, 4), np.float32)
    maps[0] = 9.0
    maps[1, 0] = 1.0
    maps[2, 0] = 2.0
    assert saliency.varied_channels(maps, 2).tolist() == [2, 1]


def test_the_nearest_come_first_with_their_cosines() -> None:
    among = np.array([[0, 1], [1, 0], [0.6, 0.8]], np.float32)
    order, cosines = saliency.nearest(among, np.array([1, 0], np.float32), 2)
    assert order.tolist() == [1, 2]
    np.testing.assert_allclose(cosines, [1.0, 0.6], atol=1e-6)


def test_a_copy_with_another_brightness_is_left_out(face: np.ndarray) -> None:
    darker = (face * 0.7).astype(np.uint8)
    assert saliency.distinct(np.stack([face, darker, face[:, ::-1]])).tolist() == [0, 2]


def test_an_imagined_picture_has_what_the_network_goes_by_and_repeats_by_seed() -> None:
    goal = dreams.expression_goal(bright_left_network())
    pictures = dreams.imagine(goal, 8, seed=1)
    left = pictures[:, :, 4:20].mean(axis=(1, 2))
    assert left[EXPRESSIONS.index("happiness")] > 200
    assert left[EXPRESSIONS.index("sadness")] < 100
    assert np.array_equal(pictures, dreams.imagine(goal, 8, seed=1))
    assert not np.array_equal(pictures, dreams.imagine(goal, 8, seed=2))


def test_a_channel_that_is_shut_for_grey_is_opened() -> None:
    class Shut(torch.nn.Module):
        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            return torch.relu(seen - 1.0)

    network = Network({"shut": Shut()}, 1, 0.0).eval()
    goal = dreams.channel_goal(network, "shut", np.array([0]))
    assert float(goal(normalised(dreams.imagine(goal, 1, seed=1)))) > 0.1


def test_total_variation_of_a_step_is_its_squares() -> None:
    picture = torch.zeros(1, 1, 3, 4)
    picture[..., 2:] = 2.0
    assert dreams.total_variation(picture).tolist() == [3 * 4.0]


def test_a_dream_makes_its_stage_answer_more(face: np.ndarray) -> None:
    network = build("residual-b").eval().requires_grad_(False)
    large = cv2.resize(face, (96, 96), interpolation=cv2.INTER_CUBIC)

    def strength(picture: np.ndarray) -> float:
        seen = saliency.stage_outputs(network, normalised(picture[None]))["stage2"]
        return float(seen.square().mean())

    assert strength(dreams.dream(network, large, "stage2")) > 1.2 * strength(large)


# --- grids and the page --------------------------------------------------------------------------


def test_a_grid_keeps_every_pixel_of_a_tile(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 255, (48, 48), np.uint8)
    grid = grids.Grid("A title", "A note.", [grids.Row([grids.Tile(image, ("one",))])], tile_px=96)
    grids.save_grid(tmp_path / "grid.png", grid)
    drawn = cv2.imread(str(tmp_path / "grid.png"), cv2.IMREAD_GRAYSCALE)
    enlarged = cv2.resize(image, (96, 96), interpolation=cv2.INTER_NEAREST)
    difference = cv2.matchTemplate(drawn, enlarged, cv2.TM_SQDIFF)
    assert difference.min() == 0


def test_text_is_kept_inside_its_width() -> None:
    long = "a very long name of a picture that somebody made " * 4
    short = grids.fitted(long, 200, 12)
    assert short.endswith("…")
    assert grids.width_px(short, 12) <= 200
    lines = grids.wrapped(long, 300, 12)
    assert " ".join(lines) == " ".join(long.split())
    assert max(grids.width_px(line, 12) for line in lines) <= 300


def test_a_name_in_any_script_or_with_dollars_is_drawn(tmp_path: Path) -> None:
    tile = grids.Tile(np.zeros((8, 8), np.uint8), ("顔 $x$ 100%",))
    grids.save_grid(tmp_path / "grid.png", grids.Grid("顔_$\\frac$", "", [grids.Row([tile])]))
    assert (tmp_path / "grid.png").stat().st_size > 0


def test_red_is_for_what_is_needed_and_blue_for_what_disturbs() -> None:
    grey = np.full((1, 3), 128, np.uint8)
    red, none, blue = grids.laid_over(grey, np.array([[1.0, 0.0, -1.0]], np.float32), 1.0)[0]
    assert red[0] > red[2] + 60
    assert none.tolist() == [128, 128, 128]
    assert blue[2] > blue[0] + 60


# --- the command ---------------------------------------------------------------------------------


class _Images(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


def write_data(folder: Path, split: str = "train", count: int = 40) -> Path:
    random = np.random.default_rng(5)
    folder.mkdir()
    names = np.array(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"])
    votes = np.zeros((count, 10), np.uint8)
    votes[np.arange(count), random.integers(0, 8, count)] = 10
    np.savez(
        folder / f"{split}.npz",
        images=random.integers(0, 255, (count, 48, 48), np.uint8),
        fer2013=random.integers(0, 7, count),
        fer2013_classes=names,
        ferplus_votes=votes,
        ferplus_classes=np.array([*EXPRESSIONS, "unknown", "NF"]),
        ferplus_present=np.ones(count, bool),
    )
    return folder


def test_one_command_writes_every_grid_and_a_page_that_shows_them(
    tmp_path: Path, face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dreams, "STEPS", 1)
    monkeypatch.setattr(dreams, "DREAM_STEPS", 1)
    picture = write_picture(tmp_path / "me & <you>.png", face)
    index = explain.run_explain(
        write_checkpoint(tmp_path / "checkpoint.pt"),
        [picture, picture],
        tmp_path / "out",
        data=write_data(tmp_path / "data"),
    )
    page = index.read_text(encoding="utf-8")
    parser = _Images()
    parser.feed(page)
    shown = [str(image["src"]) for image in parser.found]
    written = sorted(path.name for path in index.parent.glob("*.png"))
    assert sorted(shown) == written
    assert all(image["alt"] for image in parser.found)
    assert "me &amp; &lt;you&gt;.png" in page
    assert "looked like" in page
    assert str(tmp_path) not in page
    kinds = ["answer", "expressions", "dream", "nearest"]
    kinds += [f"maps_{stage}" for stage in ("stem", "stage1", "stage2", "stage3")]
    expected = [f"face{n}_me_you_png_{kind}.png" for n in (1, 2) for kind in kinds]
    assert written == sorted([*expected, "network_channels.png", "network_expressions.png"])


def test_without_data_the_nearest_faces_are_left_out_and_the_page_says_so(
    tmp_path: Path, face: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dreams, "STEPS", 1)
    monkeypatch.setattr(dreams, "DREAM_STEPS", 1)
    picture = write_picture(tmp_path / "me.png", face)
    checkpoint = write_checkpoint(tmp_path / "checkpoint.pt")
    index = explain.run_explain(checkpoint, [picture], tmp_path / "out")
    assert not list(index.parent.glob("*nearest*"))
    assert "nearest training faces are left out" in index.read_text(encoding="utf-8")


def test_the_nearest_grid_says_votes_and_cosines(face: np.ndarray) -> None:
    votes = np.zeros((3, 10), np.uint8)
    votes[0, [1, 0]] = 8, 2
    votes[1, [1, 0]] = 5, 5
    images = np.stack([face, face[:, ::-1], face[::-1]])
    pictures = Pictures("train", images, np.zeros(3, np.int64), votes, ("a", "b", "c"))
    among = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    subject = subjects.subject_of("me", face)
    grid = explain.nearest_grid(subject, np.array([1, 0], np.float32), among, pictures)
    captions = [tile.caption for row in grid.rows for tile in row.tiles]
    assert captions == [
        ("the face",),
        ("happiness 8 of 10", "cosine 1.000", "neutral 2"),
        ("none; neutral 5", "cosine 0.800", "happiness 5"),
        ("no votes", "cosine 0.000", ""),
    ]


def test_mistakes_are_one_line_before_any_work(tmp_path: Path, face: np.ndarray) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint.pt")
    picture = write_picture(tmp_path / "me.png", face)
    a_file = tmp_path / "file"
    a_file.write_text("mine")
    other = tmp_path / "other.pt"
    weights = build("plain").state_dict()
    torch.save(torch.load(checkpoint, weights_only=True) | {"average": weights}, other)
    out = tmp_path / "out"
    valid = write_data(tmp_path / "valid", "valid")
    mistakes = [
        (lambda: explain.run_explain(checkpoint, [], out), "no picture"),
        (lambda: explain.run_explain(checkpoint, [picture], a_file), "a file: name a folder"),
        (lambda: explain.run_explain(picture, [picture], out), "not a checkpoint"),
        (lambda: explain.run_explain(other, [picture], out), "another architecture"),
        (lambda: explain.run_explain(tmp_path / "no.pt", [picture], out), "no checkpoint there"),
        (lambda: explain.run_explain(checkpoint, [picture], out, data=valid), "no train split"),
        (
            lambda: explain.run_explain(checkpoint, [picture] * 2, out, box=(0, 0, 9, 9)),
            "name only one",
        ),
    ]
    for mistake, said in mistakes:
        with pytest.raises(BadSettings, match=said) as told:
            mistake()
        assert "\n" not in str(told.value)
    assert a_file.read_text() == "mine"
    assert not out.exists()
