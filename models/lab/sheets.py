"""``readroom lab look``: contact sheets of pictures and clips, with what the networks see in them.

Faces are boxes with their scores and five landmarks, people skeletons; the surer a network is, the
stronger the line, and a joint that it takes for hidden isn't drawn. All of it is found by the
worker's own code for pictures, one by one: no tracking, no smoothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import av
import av.error
import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.choice import choose
from readroom.models.detection import Faces
from readroom.models.inputs import resize
from readroom.models.keypoints import grow
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.folders import make_folder, writing_into
from readroom.models.lab.pictures import read_picture
from readroom.models.lab.poses.posers import Poser
from readroom.pixels import Picture
from readroom.settings import Settings, load_settings

#: Longer side of a tile, px, and tiles a page.
TILE_PX: Final = 480
COLUMNS: Final = 4
ROWS: Final = 4
#: Frames that are taken of a clip, evenly spread.
FRAMES: Final = 12
#: Longer side of the picture in which faces are searched, px: as in the worker.
SEARCH_PX: Final = 640
#: Faces below this score aren't drawn, nor joints below the other.
LEAST_FACE: Final = 0.5
LEAST_JOINT: Final = 0.3
_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_CAPTION_PX: Final = 18
#: Frames a second of a clip that tells neither its frames' times nor its rate.
_RATE_FPS: Final = 25.0
_QUALITY: Final = 90
_GREEN, _YELLOW, _BLUE = (80, 220, 80), (60, 220, 250), (250, 160, 60)

#: What is joined by a line, by names of keypoints.
BONES: Final = tuple(
    (KEYPOINTS.index(one), KEYPOINTS.index(other))
    for one, other in (
        *(
            pair
            for side in ("left", "right")
            for pair in (
                ("nose", f"{side}_eye"),
                (f"{side}_eye", f"{side}_ear"),
                (f"{side}_shoulder", f"{side}_elbow"),
                (f"{side}_elbow", f"{side}_wrist"),
                (f"{side}_shoulder", f"{side}_hip"),
                (f"{side}_hip", f"{side}_knee"),
                (f"{side}_knee", f"{side}_ankle"),
            )
        ),
        ("left_shoulder", "right_shoulder"),
        ("left_hip", "right_hip"),
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture, uint8 BGR, and what stands below it."""

    caption: str
    picture: Picture


def run_look(
    pictures: Sequence[Path],
    out: Path,
    *,
    face: Path | None = None,
    pose: Path | None = None,
    portraits: bool = False,
    console: Console | None = None,
) -> list[Path]:
    """Contact sheets of pictures, folders of pictures and clips into ``out``: their files.

    ``face`` and ``pose`` are networks; without them, those that a worker would take.
    ``portraits`` adds the demo room's public-domain portraits. A file that can't be read is named
    and passed over. Raises BadSettings; ReadroomError where, in the end, files were passed over.
    """
    console = console or Console()
    if not pictures and not portraits:
        raise BadSettings("nothing to look at: name pictures, folders of them, or clips")
    settings = load_settings()
    detector = OnnxDetector(face or _at_hand(settings, "faces"))
    poser = Poser(pose or _at_hand(settings, "keypoints"))
    files = files_of(pictures)
    make_folder(out)
    refused: list[str] = []
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("looking", total=len(files) + portraits)

        def advance(error: BadSettings | None) -> None:
            progress.advance(bar)
            if error is not None:
                refused.append(str(error))
                progress.console.print(refused[-1], markup=False, soft_wrap=True)

        shown = _everything(files, portraits, advance)
        written, looked_at = _save_all((tile_of(one, detector, poser) for one in shown), out)
    if written:
        console.print(
            f"Wrote {_counted(looked_at, 'picture')} on {_counted(len(written), 'contact sheet')} "
            f"into {out}: they may show people's faces, so keep them to yourself",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    _tell(refused, len(files), bool(written))
    return written


def _tell(refused: Sequence[str], files: int, written: bool) -> None:
    """Raises what a run ends with where files were passed over, each of which was named."""
    if refused and not written:
        more = f" (nor any of the other {len(refused) - 1})" if len(refused) > 1 else ""
        raise BadSettings(f"{refused[0]}{more}")
    if refused:
        raise ReadroomError(
            f"{len(refused)} of {_counted(files, 'file')} could not be looked at: mend what is "
            "named above, or take it out"
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files meant: those named, and of a folder all pictures, by name. Raises BadSettings."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _PICTURES)
            if not inside:
                raise BadSettings(f"{path}: no picture in it: name another folder, or a file")
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise BadSettings(f"{path}: no such file: name a picture, a folder of them, or a clip")
    return files


def tile_of(shown: Shown, detector: OnnxDetector, poser: Poser) -> Picture:
    """A picture with what was found in it, TILE_PX long at most, and its caption below."""
    height, width = shown.picture.shape[:2]
    faces = detector.find(shown.picture, SEARCH_PX)
    sure = faces.scores >= LEAST_FACE
    faces = Faces(
        faces.boxes[sure],
        faces.scores[sure],
        None if faces.landmarks is None else faces.landmarks[sure],
    )
    people = poser.look(shown.picture, grow(faces.boxes, width, height))
    scale = TILE_PX / max(width, height)
    canvas = resize(
        shown.picture, max(1, round(width * scale)), max(1, round(height * scale))
    ).copy()
    for person in people:
        draw_skeleton(canvas, person, scale)
    draw_faces(canvas, faces, scale)
    return captioned(canvas, f"{shown.caption}: {_counted(len(faces), 'face')}")


def draw_faces(canvas: Picture, faces: Faces, scale: float) -> None:
    """Boxes, scores and landmarks, in place; ``scale`` is canvas px per px of the faces."""
    for number, (box, score) in enumerate(zip(faces.boxes, faces.scores, strict=True)):
        left, top, wide, high = (round(float(value) * scale) for value in box)
        strength = float(score)
        layer = canvas.copy()
        cv2.rectangle(layer, (left, top), (left + wide, top + high), _GREEN, _thick(strength))
        _blend(canvas, layer, strength)
        place = (left, top - 3 if top > _CAPTION_PX else top + high + 12)
        cv2.putText(
            canvas, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, _GREEN, 1, cv2.LINE_AA
        )
        if faces.landmarks is not None:
            for point in faces.landmarks[number]:
                cv2.circle(canvas, _at(point, scale), 1, _YELLOW, -1, cv2.LINE_AA)


def draw_skeleton(canvas: Picture, person: Floats, scale: float) -> None:
    """A person's keypoints [17, 3] and what joins them, in place; a joint below LEAST_JOINT is
    taken for hidden and left out with its bones."""
    for one, other in BONES:
        strength = float(min(person[one, 2], person[other, 2]))
        if strength >= LEAST_JOINT:
            ends = _at(person[one], scale), _at(person[other], scale)
            layer = canvas.copy()
            cv2.line(layer, *ends, _BLUE, _thick(strength), cv2.LINE_AA)
            _blend(canvas, layer, strength)
    for joint in person:
        if joint[2] >= LEAST_JOINT:
            layer = canvas.copy()
            cv2.circle(layer, _at(joint, scale), 2, _BLUE, -1, cv2.LINE_AA)
            _blend(canvas, layer, float(joint[2]))


def captioned(picture: Picture, caption: str) -> Picture:
    """A picture with a strip of text below, in what ASCII can say."""
    strip = np.full((_CAPTION_PX, picture.shape[1], 3), 255, np.uint8)
    text = caption.encode("ascii", "replace").decode()
    cv2.putText(strip, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([picture, strip])


def sheet(tiles: Sequence[Picture]) -> Picture:
    """Tiles in rows of COLUMNS, each row as high as its highest tile."""
    rows = []
    wide = min(COLUMNS, len(tiles)) * TILE_PX
    for start in range(0, len(tiles), COLUMNS):
        row = tiles[start : start + COLUMNS]
        strip = np.full((max(tile.shape[0] for tile in row), wide, 3), 255, np.uint8)
        for number, tile in enumerate(row):
            left = number * TILE_PX
            strip[: tile.shape[0], left : left + tile.shape[1]] = tile
        rows.append(strip)
    return np.concatenate(rows)


def frames_of(path: Path, count: int = FRAMES) -> Iterator[Shown]:
    """``count`` moments of a clip, evenly spread from its start; fewer where it has fewer frames,
    or doesn't say how long it is. Raises BadSettings."""
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BadSettings(
            f"{path}: neither a picture nor a clip that can be read ({reason}): name another"
        ) from None
    with container:
        if not container.streams.video:
            raise BadSettings(f"{path}: has no picture in it: name a picture or a clip")
        length_s = (container.duration or 0) / av.time_base
        wanted_s = [length_s * place / count for place in range(count)]
        moments = _moments(container, path.name, wanted_s)
        first = next(moments, None)
        if first is None:
            raise BadSettings(f"{path}: no frame of it can be read: take it out, or mend it")
        yield first
        yield from moments


def _moments(
    container: av.container.InputContainer, name: str, wanted_s: Sequence[float]
) -> Iterator[Shown]:
    stream = container.streams.video[0]
    rate = float(stream.guessed_rate or _RATE_FPS)
    left, start_s = list(wanted_s), None
    try:
        for number, frame in enumerate(container.decode(stream)):
            told_s = number / rate if frame.time is None else float(frame.time)
            start_s = told_s if start_s is None else start_s
            at_s = told_s - start_s
            due = [wanted for wanted in left if wanted <= at_s]
            if due:
                left = left[len(due) :]
                upright = np.rot90(frame.to_ndarray(format="bgr24"), frame.rotation // 90)
                yield Shown(f"{name} {at_s:.1f} s", np.ascontiguousarray(upright))
            if not left:
                return
    except av.error.FFmpegError:
        pass  # A file that breaks off ends there.


def _everything(
    files: Sequence[Path], portraits: bool, advance: Callable[[BadSettings | None], object]
) -> Iterator[Shown]:
    """What is to be seen; ``advance`` is called after each file, with what is wrong with it."""
    if portraits:
        # What is only needed here comes with the lab's other packages.
        from readroom.models.lab.expression.subjects import portraits as subjects  # noqa: PLC0415

        yield from (Shown(one.name, one.picture) for one in subjects())
        advance(None)
    for path in files:
        try:
            if path.suffix.lower() in _PICTURES:
                yield Shown(path.name, read_picture(path))
            else:
                yield from frames_of(path)
        except BadSettings as error:
            advance(error)
        else:
            advance(None)


def _at_hand(settings: Settings, task: Literal["faces", "keypoints"]) -> Path:
    """The file of the network that a worker would take for a task. Raises BadSettings."""
    choice = choose(settings, task)
    if choice.path is None or choice.broken:
        option = "--face" if task == "faces" else "--pose"
        raise BadSettings(f"no network for {task} ({choice.reason}): name one with {option}")
    return choice.path


def _save_all(tiles: Iterator[Picture], out: Path) -> tuple[list[Path], int]:
    """Pages full of tiles, as they come: their files, and how many tiles there were."""
    written, count = list[Path](), 0
    while page := list(islice(tiles, COLUMNS * ROWS)):
        written.append(_save(out, len(written) + 1, page))
        count += len(page)
    return written, count


def _save(out: Path, number: int, tiles: Sequence[Picture]) -> Path:
    path = out / f"sheet-{number:03}.jpg"
    _, coded = cv2.imencode(".jpg", sheet(tiles), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    with writing_into(out):
        path.write_bytes(coded.tobytes())
    return path


def _at(point: Floats, scale: float) -> tuple[int, int]:
    return round(float(point[0]) * scale), round(float(point[1]) * scale)


def _thick(strength: float) -> int:
    return 1 + round(2 * max(0.0, strength - 0.5))


def _blend(canvas: Picture, layer: Picture, strength: float) -> None:
    """Let what was drawn on a layer through by how sure it is, in place."""
    share = min(1.0, 0.25 + 0.75 * strength)
    canvas[:] = cv2.addWeighted(layer, share, canvas, 1 - share, 0)
