"""``lab explain``: a look inside a network, as picture grids and a page that holds them.

For each face: what every stage makes of it, where the answer comes from, what each stage would
make of it if it had its way, and which training faces the network takes for alike. For the
network alone: what its channels and its expressions respond to most.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.boxes import Floats
from readroom.models.crop import Grey
from readroom.models.lab.expression import dreams, saliency
from readroom.models.lab.expression.dataset import FERPLUS, Pictures, load, majority
from readroom.models.lab.expression.export import read_network
from readroom.models.lab.expression.grids import (
    Grid,
    Row,
    Section,
    Shown,
    Tile,
    coloured,
    laid_over,
    page,
    save_grid,
)
from readroom.models.lab.expression.networks import Network
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.subjects import Box, Subject, portraits, read_subject

#: Channels shown of each stage, and imagined.
MAPS: Final = 17
IMAGINED: Final = 8
#: Training faces shown beside a face.
NEAREST: Final = 15  # and the face itself: two rows of eight


# --- one face ------------------------------------------------------------------------------------


def percent(share: float) -> str:
    """A share of 1 in words: ``97 %``."""
    return f"{100 * share:.0f} %"


def said(chances: Floats) -> str:
    """What a face looked like to the network, in words, from probabilities [8]."""
    first, second = np.argsort(-chances, kind="stable")[:2]
    return (
        f"looked like {EXPRESSIONS[first]} ({percent(chances[first])}), "
        f"then {EXPRESSIONS[second]} ({percent(chances[second])})"
    )


def map_grids(network: Network, subject: Subject) -> dict[str, Grid]:
    """What each stage makes of a face, by stage: its most varied channels."""
    face, grids = subject.face(), {}
    for stage, maps in saliency.feature_maps(network, face).items():
        tiles = [Tile(face, ("the face",))]
        for channel in saliency.varied_channels(maps, MAPS):
            seen = maps[channel]
            tiles.append(Tile(coloured(seen, 0.0, float(seen.max())), (f"channel {channel}",)))
        channels, height, width = maps.shape
        grids[stage] = Grid(
            f"{subject.name}: what {stage} sees",
            f"{stage} has {channels} channels of {width}×{height} places. These differ most from "
            "place to place; each is drawn from nothing (dark) to its own most (bright).",
            _rows(tiles, 6),
            tile_px=144,
        )
    return grids


def answer_grid(network: Network, subject: Subject, chances: Floats) -> Grid:
    """Where a face's answer comes from, for the expression said: occlusion, and HiResCAM, whose
    gradients count place by place (Draelos & Carin 2020, arXiv:2011.08891)."""
    face, kind = subject.face(), int(np.argmax(chances))
    drops = saliency.occlusion(network, face)[kind]
    tiles = [
        Tile(face, (f"looked like {EXPRESSIONS[kind]}", percent(chances[kind]))),
        Tile(laid_over(face, drops, _scale(drops)), ("hidden piece by piece", _drop_range(drops))),
    ]
    for stage in _last_stages(network):
        # Its own scale would make much of next to nothing.
        cams = saliency.hires_cam(network, face, stage)
        image = laid_over(face, cams[kind], float(cams.max()))
        tiles.append(Tile(image, ("HiResCAM", f"in {stage}")))
    return Grid(
        f"{subject.name}: where “{EXPRESSIONS[kind]}” comes from",
        f"The face {said(chances)}. Second: red where hiding the face with a grey patch of "
        f"{saliency.PATCH_PX} px makes {EXPRESSIONS[kind]} less likely, blue where more. Then: red "
        "where the stage holds evidence for it, pale where it holds more for another expression.",
        [Row(tiles)],
        tile_px=216,
        smooth=True,
    )


def expressions_grid(network: Network, subject: Subject, chances: Floats) -> Grid:
    """The same maps, occlusion and HiResCAM, for all eight expressions."""
    face = subject.face()
    drops = saliency.occlusion(network, face)
    most = _scale(drops)
    names = [(name, percent(chance)) for name, chance in zip(EXPRESSIONS, chances, strict=True)]
    hidden = [laid_over(face, drop, most) for drop in drops]
    rows = [Row([Tile(image) for image in hidden], ("hiding",))]
    for stage in _last_stages(network):
        cams = saliency.hires_cam(network, face, stage)
        images = [laid_over(face, cam, float(cams.max())) for cam in cams]
        rows.append(Row([Tile(image) for image in images], ("HiResCAM", stage)))
    last = [Tile(tile.image, name) for tile, name in zip(rows[-1].tiles, names, strict=True)]
    return Grid(
        f"{subject.name}: evidence for each expression",
        "First row: red where hiding the face makes the expression less likely, blue where more. "
        "Below: red where a stage holds evidence for it. Within a row all share one scale.",
        [*rows[:-1], Row(last, rows[-1].label)],
        tile_px=108,
        smooth=True,
    )


def dream_grid(network: Network, subject: Subject) -> Grid:
    """A face with what each stage sees in it made stronger."""
    large = subject.face(dreams.DREAM_OCTAVES_PX[-1])
    tiles = [Tile(large, ("the face",))]
    for stage in saliency.spatial_stages(network):
        tiles.append(Tile(dreams.dream(network, large, stage), (stage,)))
    return Grid(
        f"{subject.name}: what each stage sees, made stronger",
        "DeepDream: the face is changed step by step so that all channels of a stage answer "
        "more. What comes up is what the stage was looking for, not what was there.",
        _rows(tiles, 6),
        tile_px=168,
        smooth=True,
    )


def nearest_grid(subject: Subject, wanted: Floats, among: Floats, pictures: Pictures) -> Grid:
    """The training faces nearest to a face, ``wanted`` [f], by their directions [n, f]."""
    order, cosines = saliency.nearest(among, wanted, 4 * NEAREST)
    kept = saliency.distinct(pictures.images[order])[:NEAREST]
    order, cosines = order[kept], cosines[kept]
    kinds = majority(pictures.votes[order])
    tiles = [Tile(subject.face(), ("the face",))]
    for index, cosine, kind in zip(order, cosines, kinds, strict=True):
        winner, runner = _votes(pictures.votes[index], int(kind))
        tiles.append(Tile(pictures.images[index], (winner, f"cosine {cosine:.3f}", runner)))
    return Grid(
        f"{subject.name}: the training faces most like it to the network",
        f"Of {len(pictures):,} training faces those whose pooled features point most nearly the "
        "same way (cosine); copies are left out. Below each: its FER+ majority with its votes, "
        "the cosine, and what else most taggers saw in it.",
        _rows(tiles, 8),
        tile_px=120,
        smooth=True,
    )


def _votes(votes: NDArray[np.uint8], kind: int) -> tuple[str, str]:
    """A face's majority, -1 for none, and runner-up in words, from its votes [10]."""
    if not votes.any():
        return "no votes", ""
    first, second = np.argsort(-votes.astype(np.int64), kind="stable")[:2]
    winner = f"{FERPLUS[first]} {votes[first]} of {votes.sum()}"
    runner = f"{FERPLUS[second]} {votes[second]}" if votes[second] else ""
    if kind < 0:
        winner = f"none; {FERPLUS[first]} {votes[first]}"
    return winner, runner


def _rows(tiles: Sequence[Tile], columns: int) -> list[Row]:
    return [Row(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]


def _last_stages(network: Network) -> tuple[str, ...]:
    """The last stage that has places, then the one before: coarser, and nearer to the answer."""
    return saliency.spatial_stages(network)[:-3:-1]


def _scale(drops: Floats) -> float:
    # A confident answer hardly moves: what is less than a tenth of probability stays pale.
    return max(0.1, float(np.abs(drops).max()))


def _drop_range(drops: Floats) -> str:
    points = [f"{-100 * drop:+.0f}".replace("-", "−") for drop in (drops.max(), drops.min())]
    return f"{points[0]} to {points[1]} points"


# --- the network alone ---------------------------------------------------------------------------


def channels_grid(network: Network, faces: Sequence[Grey], seed: int, progress: Progress) -> Grid:
    """What the channels that the faces stir most respond to most, a row for each stage."""
    seen = [saliency.feature_maps(network, face) for face in faces]
    rows = []
    for stage, maps in progress.track(seen[0].items(), description="channels"):
        together = np.concatenate([other[stage] for other in seen], axis=2)
        channels = saliency.varied_channels(together, IMAGINED)
        goal = dreams.channel_goal(network, stage, channels)
        images = dreams.imagine(goal, len(channels), seed)
        tiles = [
            Tile(image, (f"channel {channel}",))
            for image, channel in zip(images, channels, strict=True)
        ]
        count, height, width = maps.shape
        rows.append(Row(tiles, (stage, f"{count} × {width}×{height}")))
    return Grid(
        "What each stage looks for",
        "Pictures made by gradient ascent from grey, one for each channel: what it answers to "
        "most. Shown are the channels that differ most from place to place in the faces given.",
        rows,
        tile_px=108,
        smooth=True,
    )


def imagined_grid(network: Network, seed: int) -> Grid:
    """What the network would take for the clearest face of each expression."""
    goal = dreams.expression_goal(network)
    images = dreams.imagine(goal, len(EXPRESSIONS), seed, mirrored=True)
    chances = saliency.probabilities(network, images).diagonal()
    tiles = [
        Tile(image, (name, percent(chance)))
        for image, name, chance in zip(images, EXPRESSIONS, chances, strict=True)
    ]
    return Grid(
        "What each expression looks like to the network",
        "Pictures made by gradient ascent from grey, each to hold as much evidence for one "
        "expression as can be; the network's own probability stands below. They are what it goes "
        "by, not faces.",
        _rows(tiles, 4),
        tile_px=192,
        smooth=True,
    )


# --- the command ---------------------------------------------------------------------------------


class Album:
    """The folder that the pictures go to, and the sections of its page."""

    def __init__(self, folder: Path) -> None:
        """Make the folder; raises BadSettings where it can't be."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise BadSettings(f"{folder}: a file: name a folder for the pictures") from None
        except OSError as error:
            raise BadSettings(f"{folder}: can't be made ({error.strerror}): name another") from None
        self.folder = folder
        self.sections: list[Section] = []
        self.count = 0

    def add(self, heading: str, text: str, grids: dict[str, Grid]) -> None:
        """Write a section's grids, each to the file of its name, and keep it for the page."""
        shown = []
        for name, grid in grids.items():
            file = f"{name}.png"
            try:
                save_grid(self.folder / file, grid)
            except OSError as error:
                raise BadSettings(
                    f"{self.folder / file}: can't be written ({error.strerror}): "
                    "name another folder"
                ) from None
            shown.append(Shown(file, f"{grid.title}. {grid.note}"))
        self.sections.append(Section(heading, text, shown))
        self.count += len(shown)

    def finish(self, title: str, text: Sequence[str]) -> Path:
        """Write the page; its path."""
        index = self.folder / "index.html"
        index.write_text(page(title, text, self.sections), encoding="utf-8")
        return index


def run_explain(
    checkpoint: Path,
    pictures: Sequence[Path],
    out: Path,
    *,
    data: Path | None = None,
    box: Box | None = None,
    at_s: float | None = None,
    with_portraits: bool = False,
    seed: int = 1,
) -> Path:
    """Write the picture grids of a network and of faces into ``out``; the page's path.

    ``pictures`` are picture files, or videos with ``at_s`` the moment in them; ``box`` is the face
    in the only picture there is; ``data`` is the data set that the network was trained on, for
    the nearest training faces, which go nowhere but to ``out``. Raises BadSettings.
    """
    if not pictures and not with_portraits:
        raise BadSettings("no picture: name a face picture or a video, or say --portraits")
    if box is not None and len(pictures) != 1:
        raise BadSettings(f"--box: holds for one picture, not for {len(pictures)}: name only one")
    network, recipe = read_network(checkpoint)
    network.requires_grad_(False)
    subjects = [read_subject(path, at_s, box) for path in pictures]
    subjects += portraits() if with_portraits else []
    training = _training_faces(data) if data else None
    album = Album(out)
    console = Console()
    began = time.perf_counter()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        among = _directions(network, training, progress) if training else None
        for number, subject in enumerate(progress.track(subjects, description="faces"), 1):
            _explain_face(network, subject, number, album, (among, training))
        faces = [subject.face() for subject in subjects]
        album.add(
            "The network alone",
            "These pictures show no one: they are made from noise.",
            {
                "network_channels": channels_grid(network, faces, seed, progress),
                "network_expressions": imagined_grid(network, seed),
            },
        )
    index = album.finish(f"Inside {recipe.architecture}", _about(recipe, training))
    console.print(
        f"{album.count} pictures of {len(subjects)} {'face' if len(subjects) == 1 else 'faces'} "
        f"in {time.perf_counter() - began:.0f} s: {index}",
        soft_wrap=True, markup=False, highlight=False,
    )  # fmt: skip
    if training is None:
        console.print("Without --data the nearest training faces are left out.", markup=False)
    return index


def _explain_face(
    network: Network,
    subject: Subject,
    number: int,
    album: Album,
    known: tuple[Floats | None, Pictures | None],
) -> None:
    face = subject.face()
    chances = saliency.probabilities(network, face[None])[0]
    stem = f"face{number}_{_slug(subject.name)}"
    grids = {
        f"{stem}_answer": answer_grid(network, subject, chances),
        f"{stem}_expressions": expressions_grid(network, subject, chances),
        f"{stem}_dream": dream_grid(network, subject),
    }
    for stage, grid in map_grids(network, subject).items():
        grids[f"{stem}_maps_{stage}"] = grid
    among, training = known
    if among is not None and training is not None:
        wanted = saliency.directions(network, face[None])[0]
        grids[f"{stem}_nearest"] = nearest_grid(subject, wanted, among, training)
    text = f"It {said(chances)}. The face: {subject.found}."
    album.add(subject.name, text, grids)


def _training_faces(data: Path) -> Pictures:
    splits = load(data).splits
    if "train" not in splits:
        raise BadSettings(
            f"{data}: has no train split (only {', '.join(splits)}): name the data set that the "
            "network was trained on, or leave --data out"
        )
    return splits["train"]


def _directions(network: Network, training: Pictures, progress: Progress) -> Floats:
    starts = range(0, len(training), saliency.BATCH)
    return np.concatenate(
        [
            saliency.directions(network, training.images[start : start + saliency.BATCH])
            for start in progress.track(starts, description="training faces")
        ]
    )


def _about(recipe: Recipe, training: Pictures | None) -> list[str]:
    lines = [
        f"Architecture {recipe.architecture}, recipe {recipe.hash}. Percentages are the network's "
        "own probabilities, before the temperature that the export folds in.",
        "The maps say which pixels an answer hangs on. They don't say what a person felt, and a "
        "plausible map doesn't make an answer right.",
    ]
    if training is None:
        lines.append("The nearest training faces are left out: no data set was named.")
    return lines


def _slug(name: str) -> str:
    """A name as part of a file's name: ASCII letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "picture"
