"""The networks to be judged: by registry name, by file, or the one that the product would run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from benchmarks.steadiness.clips import Strip
from readroom.errors import BadSettings
from readroom.messages import Face
from readroom.models.choice import choose
from readroom.models.files import ModelFile, find, read_own, read_verified
from readroom.models.registry import PREFERENCE, REGISTRY
from readroom.pixels import Picture
from readroom.settings import Settings
from readroom.workers.backends.base import Profile
from readroom.workers.backends.onnxruntime import MAX_BATCH, OnnxRuntime
from readroom.workers.engines.expression import ExpressionReader

_KNOWN = PREFERENCE["expression"]


def load(named: str | None, settings: Settings) -> ExpressionReader:
    """A network's reader. ``named``: one of the registry's, or a file; None: the product's choice.

    Raises BadSettings where there is no such network, ReadroomError where the file is another.
    """
    model = _from_file(_file_of(named, settings))
    spec = model.entry.input
    item = (spec.channels, spec.height, spec.width)
    shapes = Profile((1, *item), (4, *item), (MAX_BATCH, *item))
    network = OnnxRuntime().load(model, "cpu", {model.entry.input_name: shapes})
    return ExpressionReader(network, model.entry)


def read(reader: ExpressionReader, pictures: Sequence[Picture], faces: Strip) -> Strip:
    """The faces of one person, each with the expression that the network reads."""
    crops = [
        (picture, np.array(msgspec.structs.astuple(face.box), np.float32))
        for picture, face in zip(pictures, faces, strict=True)
        if face is not None
    ]
    rows = iter(reader.submit(crops).result().tolist() if crops else ())
    return tuple(None if face is None else _with(face, next(rows)) for face in faces)


def _with(face: Face, row: list[float]) -> Face:
    return msgspec.structs.replace(face, expression=cast(Any, tuple(row)))


def _file_of(named: str | None, settings: Settings) -> Path:
    if named is None:
        choice = choose(settings, "expression")
        if choice.path is None or choice.broken:
            raise BadSettings(choice.reason)
        return choice.path
    if named in _KNOWN:
        path = find(settings, REGISTRY[named])
        if path is None:
            raise BadSettings(
                f"--network {named}: no {REGISTRY[named].file} at hand; put it into a folder and "
                "name that in READROOM_MODELS"
            )
        return path
    if not Path(named).is_file():
        raise BadSettings(f"--network {named}: no such file, and none of {', '.join(_KNOWN)}")
    return Path(named)


def _from_file(path: Path) -> ModelFile:
    known = next((REGISTRY[name] for name in _KNOWN if REGISTRY[name].file == path.name), None)
    return read_own(path, "expression") if known is None else read_verified(path, known)
