"""Which face is explained: from a picture, a moment of a video, or the demo room's portraits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import av
import av.error
import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from skimage import data as skimage_data

from readroom.errors import BadSettings
from readroom.models.crop import Grey, Picture, Square, cut_square
from readroom.models.lab.expression.dataset import SIDE_PX
from readroom.models.lab.expression.framing import CROP

#: Left, top, width and height in px of the picture.
Box = tuple[float, float, float, float]

#: A picture of at most this side is a face that somebody has cut out already, px.
CUT_OUT_PX: Final = 96
#: Longer side of the picture in which faces are searched, px: as in the worker.
SEARCH_PX: Final = 640


@dataclass(frozen=True, slots=True)
class Subject:
    """A face to explain: the picture it is in (BGR or grey uint8), the square around it, and how
    that was found, in words."""

    name: str
    picture: Picture
    square: Square
    found: str

    def face(self, side_px: int = SIDE_PX) -> Grey:
        """The face as the network sees it, or larger: uint8 [side_px, side_px]."""
        return cut_square(self.picture, self.square, side_px)


def read_box(text: str) -> Box:
    """``x,y,width,height`` in px; raises BadSettings."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise BadSettings(f"--box {text}: wanted x,y,width,height in px, as 120,40,96,96") from None
    return x, y, width, height


def subject_of(name: str, picture: Picture, box: Box | None = None) -> Subject:
    """The face in a picture: in ``box`` if it is given; else the whole picture where that is
    small; else the largest face that OpenCV's Haar cascade finds. Raises BadSettings."""
    height, width = picture.shape[:2]
    if box is not None:
        _check_box(box, name, width, height)
        return Subject(name, picture, CROP.square(*box), "the box that was given")
    if max(width, height) <= CUT_OUT_PX:
        found = f"the whole picture: {width}×{height} px is taken for a face cut out already"
        return Subject(name, picture, CROP.square(0, 0, width, height), found)
    boxes = find_faces(picture)
    if not boxes:
        raise BadSettings(f"{name}: no face found: say where it is with --box x,y,width,height")
    count = "the only face" if len(boxes) == 1 else f"the largest of {len(boxes)} faces"
    found = f"{count} that the Haar cascade found, {boxes[0][2]:.0f} px"
    return Subject(name, picture, CROP.square(*boxes[0]), found)


def _check_box(box: Box, name: str, width: int, height: int) -> None:
    x, y, wide, high = box
    said = ",".join(f"{value:g}" for value in box)
    if not (all(map(math.isfinite, box)) and wide >= 1 and high >= 1):
        raise BadSettings(f"--box {said}: wanted x,y,width,height with a size of 1 px or more")
    if x < 0 or y < 0 or x + wide > width or y + high > height:
        raise BadSettings(
            f"--box {said}: reaches out of {name}, which is {width}×{height} px: "
            "name a box inside it"
        )


def find_faces(picture: Picture) -> list[Box]:
    """Boxes of the frontal faces in a picture, px of it, largest first."""
    file = Path(cast(Any, cv2).data.haarcascades) / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(file))
    height, width = picture.shape[:2]
    scale = min(1.0, SEARCH_PX / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5)
    boxes = [tuple(float(part) / scale for part in box) for box in found]
    return cast(list[Box], sorted(boxes, key=lambda box: -box[2]))


def portraits() -> list[Subject]:
    """The two portraits of the demo room: works of the US government, in the public domain."""
    hopper = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    # scikit-image comes without type annotations.
    collins = np.asarray(skimage_data.astronaut(), np.uint8)[..., ::-1]  # type: ignore[no-untyped-call]
    return [
        subject_of("Grace Hopper", np.asarray(hopper, np.uint8)),
        subject_of("Eileen Collins", np.ascontiguousarray(collins)),
    ]


def read_subject(path: Path, at_s: float | None, box: Box | None) -> Subject:
    """The face in a picture file, or in a video at a time in seconds; raises BadSettings."""
    name = path.name.encode("utf-8", "replace").decode()
    if not path.is_file():
        raise BadSettings(f"{path}: no such file: name a picture or a video")
    try:
        is_picture = cv2.haveImageReader(str(path))
        body = np.fromfile(path, np.uint8) if is_picture else None
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror}): name another") from None
    if body is None:
        return subject_of(f"{name} at {at_s:g} s" if at_s else name, read_moment(path, at_s), box)
    if at_s is not None:
        raise BadSettings(f"{path}: a picture, which has no moments: leave --at out")
    return subject_of(name, _decoded(path, body), box)


def _decoded(path: Path, body: NDArray[np.uint8]) -> Picture:
    try:
        picture = cv2.imdecode(body, cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise BadSettings(f"{path}: not a picture that can be read: save it again as PNG or JPEG")
    return np.asarray(picture, np.uint8)


def read_moment(path: Path, at_s: float | None) -> Picture:
    """The picture that a video shows ``at_s`` seconds after its start, BGR, upright; raises
    BadSettings."""
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BadSettings(
            f"{path}: neither a picture nor a video that can be read ({reason})"
        ) from None
    with container:
        if not container.streams.video:
            raise BadSettings(f"{path}: has no picture in it: name a picture or a video")
        if at_s is None:
            raise BadSettings(f"{path}: a video: say which moment with --at seconds")
        if not (math.isfinite(at_s) and at_s >= 0):
            raise BadSettings(
                f"--at {at_s:g}: wanted seconds from the start of the video, 0 or more"
            )
        shown, end_s = _shown_at(container, at_s)
    if shown is None:
        raise BadSettings(f"--at {at_s:g}: {path} ends after {end_s:.2f} s: name an earlier moment")
    upright = np.rot90(shown.to_ndarray(format="bgr24"), shown.rotation // 90)
    return np.ascontiguousarray(upright)


def _shown_at(
    container: av.container.InputContainer, at_s: float
) -> tuple[av.VideoFrame | None, float]:
    """The frame that is on screen at a time, None past the end; and how far was read, s."""
    stream = container.streams.video[0]
    start_s = float((stream.start_time or 0) * (stream.time_base or 0))
    rate = stream.average_rate or stream.guessed_rate
    before, end_s = None, 0.0
    try:
        if at_s > 0:
            container.seek(int((start_s + at_s) * 1_000_000), backward=True)
        for frame in container.decode(stream):
            time_s = (frame.time or 0.0) - start_s
            if time_s > at_s:
                # A first frame that comes late is shown until the next.
                return before or frame, time_s
            before, end_s = frame, time_s + (1 / float(rate) if rate else 0.0)
    except av.error.FFmpegError:
        pass  # A file that breaks off ends there.
    return (before if at_s < end_s else None), end_s
