"""``python -m readroom.models.lab.heads DATA --face FILE --pose FILE --out FILE``: fit what the
product computes head poses with, and write it as a module."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from readroom.errors import ReadroomError
from readroom.models.head_pose import Linear
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.photos import fingerprint, of_split, read_photos
from readroom.models.lab.heads.fitting import fit, lesson
from readroom.models.lab.heads.fsanet import FsaNet
from readroom.models.lab.heads.gathering import Observer, gather
from readroom.models.lab.poses.posers import Poser
from readroom.settings import load_settings


@dataclass(frozen=True, slots=True)
class Origin:
    """What a fit was made from: names and first digits of hashes, and the number of heads."""

    face: str
    pose: str
    data: str
    heads: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit on the `train` photos; returns the exit code."""
    options = _options(arguments)
    try:
        observer = Observer(
            OnnxDetector(options.face), Poser(options.pose), FsaNet(load_settings().models)
        )
        photos = of_split(read_photos(options.data), "train")
        taught = lesson(gather(photos, observer, "photos"))
    except ReadroomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    heads = len(taught.seen)
    origin = Origin(_named(options.face), _named(options.pose), fingerprint(photos), heads)
    text = as_module(fit(taught), origin)
    options.out.write_text(text, "utf-8")
    print(f"fitted to {heads} heads, written to {options.out}", file=sys.stderr)
    return 0


def as_module(linear: Linear, origin: Origin) -> str:
    """The constants as Python, with where they come from."""
    lines = [
        '"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.',
        "",
        "Written by",
        "``READROOM_MODELS=… python -m readroom.models.lab.heads DATA --face FILE --pose FILE``",
        f"from {origin.heads} heads of `train` photos (data {origin.data}), with FSA-Net's angles,",
        f"the landmarks of {origin.face}",
        f"and the keypoints of {origin.pose}.",
        '"""',
        "",
        "from typing import Final",
        "",
    ]
    for field in fields(linear):
        value = getattr(linear, field.name)
        if isinstance(value, tuple):
            lines += [f"{field.name.upper()}: Final = (", *(f"    {v!r}," for v in value), ")"]
        else:
            lines.append(f"{field.name.upper()}: Final = {value!r}")
    return "\n".join(lines) + "\n"


def _named(path: Path) -> str:
    return f"{path.name} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]})"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m readroom.models.lab.heads",
        description="Fit what head poses are computed with to FSA-Net's angles, on `train` photos. "
        "READROOM_MODELS has to name a folder with fsanet_1x1.onnx and fsanet_var.onnx.",
    )
    parser.add_argument("data", type=Path, help="folder with annotations.jsonl and images/")
    parser.add_argument("--face", type=Path, required=True, help="the face detector's file")
    parser.add_argument("--pose", type=Path, required=True, help="the pose network's file")
    parser.add_argument(
        "--out", type=Path, default=Path("models/head_pose_fit.py"), help="module to write"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
