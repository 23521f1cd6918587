"""``readroom lab fit-heads``: fit what the product computes head poses with, and write it as a
module."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from rich.console import Console

from readroom.errors import BadSettings
from readroom.models.head_pose import Linear
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.photos import fingerprint, of_split, read_photos
from readroom.models.lab.folders import writing_into
from readroom.models.lab.heads.fitting import fit, lesson
from readroom.models.lab.heads.fsanet import FsaNet
from readroom.models.lab.heads.gathering import Observer, gather
from readroom.models.lab.poses.posers import Poser
from readroom.settings import load_settings

#: Fewer heads than this make no fit: ten for each of the 18 numbers of an angle.
LEAST_HEADS: Final = 180


@dataclass(frozen=True, slots=True)
class Origin:
    """What a fit was made from: names and first digits of hashes, and the number of heads."""

    face: str
    pose: str
    data: str
    heads: int


def run_fit(
    data: Path, *, face: Path, pose: Path, out: Path, console: Console | None = None
) -> Linear:
    """Fit to FSA-Net's angles on the `train` photographs of ``data``, with the points that a face
    and a pose network see there, and write the module ``out``. Raises BadSettings."""
    observer = Observer(OnnxDetector(face), Poser(pose), FsaNet(load_settings().models))
    if not out.parent.is_dir():
        raise BadSettings(f"--out {out}: {out.parent} is no folder; name a file in one that is")
    photos = of_split(read_photos(data), "train")
    taught = lesson(gather(photos, observer, "photos"))
    heads = len(taught.seen)
    if heads < LEAST_HEADS:
        raise BadSettings(
            f"{data}: {heads} heads were found in {len(photos)} photographs of the split train, "
            f"a fit takes {LEAST_HEADS}: add photographs"
        )
    fitted = fit(taught)
    text = as_module(fitted, Origin(_named(face), _named(pose), fingerprint(photos), heads))
    with writing_into(out.parent):
        out.write_text(text, "utf-8")
    said = f"fitted to {heads} heads, written to {out}"
    (console or Console()).print(said, markup=False, soft_wrap=True)
    return fitted


def as_module(linear: Linear, origin: Origin) -> str:
    """The constants as Python, with where they come from."""
    lines = [
        '"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.',
        "",
        "Written by",
        "``READROOM_MODELS=… readroom lab fit-heads DATA --face FILE --pose FILE --out FILE``",
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
