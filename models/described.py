"""Networks that describe themselves: what an ONNX file's ``metadata_props`` say becomes an Entry.

``readroom lab export`` writes them, for every task the same keys:

- ``task``, ``version``; ``classes``: the output's columns, comma-separated;
- ``input_size`` (px, square), ``color`` (gray, rgb, bgr), ``scale``, ``mean``, ``std``: a value is
  ``(pixel · scale − mean) / std``, ``mean`` and ``std`` one number or one per channel;
- ``crop``: how the square is cut from a box, ``scale=1.0,shift_y=0.0`` in units of the box's
  longer side (models/crop.py);
- ``data``, ``recipe``: hashes of what it was trained on, and how.

Nothing is guessed. A key that is missing or wrong, or a network that isn't what its keys say,
would be read as faces it doesn't understand, so it is an error.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn

import onnxruntime

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS, EngineName
from readroom.models.registry import Entry, InputSpec, Task

#: A version becomes part of a model id, and so of a metric's label.
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
#: Input sides that can be meant, px.
_SIDES_PX: Final = range(16, 1025)
_COLORS: Final[Mapping[str, Literal["grey", "rgb", "bgr"]]] = MappingProxyType(
    {"gray": "grey", "rgb": "rgb", "bgr": "bgr"}
)
#: Characters of a wrong value that an error repeats.
_SHOWN_CHARS: Final = 60
#: ONNX Runtime's own messages: none, what it has to say comes as an exception.
_SILENT: Final = 4


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all networks of a task share: the output that is used, the classes it may know, the
    colours that its crop can give."""

    engine: EngineName
    output: str
    classes: tuple[str, ...]
    colors: tuple[str, ...]


_KINDS: Final[Mapping[Task, _Kind]] = MappingProxyType(
    {"expression": _Kind("expression", "probabilities", EXPRESSIONS, ("gray",))}
)


def describe_network(body: bytes, path: Path, task: Task) -> Entry:
    """What a file says of itself, checked against the network in it.

    ``body`` is the file's contents, ``path`` only names it. The model id is
    ``readroom_TASK_VERSION``. Raises BadSettings, one line, where the file is no network, not one
    for ``task``, or where a key is missing, wrong, or not true.
    """
    session = _open(body, path)
    said = _Sheet(path, session.get_modelmeta().custom_metadata_map)
    kind = _KINDS[task]
    if said.text("task") != task:
        said.refuse("task", f"this file should hold a network for {task}")
    version = said.text("version")
    if not _VERSION.fullmatch(version):
        said.refuse("version", "at most 32 letters, digits, dots, dashes")
    classes = _classes(said, kind)
    spec = _input_spec(said, kind)
    image = _check_input(said, session.get_inputs(), spec)
    _check_output(said, session.get_outputs(), kind, classes)
    data, recipe = said.text("data"), said.text("recipe")
    return Entry(
        name=f"readroom_{task}_{version}",
        task=task,
        engine=kind.engine,
        file=path.name,
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        url=None,
        origin=f"`readroom lab export`: data {data}, recipe {recipe}",
        licence="yours",
        citation="whoever made the data it was trained on",
        input=spec,
        inputs=MappingProxyType({image: (0, spec.channels, spec.height, spec.width)}),
        outputs=MappingProxyType({kind.output: (0, len(classes))}),
        classes=classes,
        notes=f"data {data[:8]}, recipe {recipe[:8]}; knows {', '.join(classes)}",
    )


class _Sheet:
    """A file's metadata, read key by key."""

    def __init__(self, path: Path, values: Mapping[str, str]) -> None:
        self._path = path
        self._values = values

    def text(self, key: str) -> str:
        """A value that has to be there."""
        value = self._values.get(key, "").strip()
        if not value:
            self.wrong(f"says no {key} in its metadata")
        return value

    def numbers(self, key: str, counts: tuple[int, ...] = (1,)) -> tuple[float, ...]:
        """Comma-separated finite numbers, as many as one of ``counts``."""
        try:
            found = tuple(float(part) for part in self.text(key).split(","))
        except ValueError:
            self.refuse(key, "no number")
        if not all(map(math.isfinite, found)):
            self.refuse(key, "no finite number")
        if len(found) not in counts:
            self.refuse(key, f"wanted {' or '.join(map(str, counts))} of them")
        return found

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raise BadSettings for a key's value."""
        value = self._values.get(key, "")
        shown = value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]}…"
        self.wrong(f"{key}={shown!r} in its metadata: {why}")

    def wrong(self, why: str) -> NoReturn:
        """Raise BadSettings for the file."""
        raise BadSettings(
            f"{self._path}: {why}; export it again with `readroom lab export`, or take it away"
        )


def _open(body: bytes, path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    # Only what it says is read here, so nothing is optimised; the worker's session does that.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime's exceptions share no base class.
        cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadSettings(
            f"{path}: not a network that ONNX Runtime can load ({cause}); put the right file in "
            "its place, or take it away"
        ) from None


def _classes(said: _Sheet, kind: _Kind) -> tuple[str, ...]:
    classes = tuple(name.strip() for name in said.text("classes").split(","))
    for name in classes:
        if name not in kind.classes:
            said.refuse("classes", f"{name[:_SHOWN_CHARS]!r} is none of {', '.join(kind.classes)}")
    if len(set(classes)) < len(classes):
        said.refuse("classes", "a class is named twice")
    return classes


def _input_spec(said: _Sheet, kind: _Kind) -> InputSpec:
    size = said.text("input_size")
    if not (size.isascii() and size.isdecimal() and int(size) in _SIDES_PX):
        said.refuse("input_size", f"a whole number of px, {_SIDES_PX[0]} to {_SIDES_PX[-1]}")
    color = said.text("color")
    if color not in kind.colors:
        said.refuse("color", f"wanted {' or '.join(kind.colors)}")
    channels = (1,) if color == "gray" else (1, 3)
    (scale,) = said.numbers("scale")
    if scale <= 0:
        said.refuse("scale", "has to be above 0")
    std = said.numbers("std", channels)
    if min(std) <= 0:
        said.refuse("std", "has to be above 0")
    margin, shift = _crop(said)
    return InputSpec(
        int(size),
        int(size),
        _COLORS[color],
        "face",
        scale=scale,
        mean=said.numbers("mean", channels),
        std=std,
        margin_ratio=margin,
        shift_ratio=shift,
    )


def _crop(said: _Sheet) -> tuple[float, float]:
    """Side and downward shift of the square, in units of the box's longer side."""
    parts = dict(part.strip().partition("=")[::2] for part in said.text("crop").split(","))
    try:
        scale, shift = float(parts.pop("scale")), float(parts.pop("shift_y"))
    except (KeyError, ValueError):
        said.refuse("crop", "wanted scale=NUMBER,shift_y=NUMBER")
    if parts or not (0.25 <= scale <= 4 and -1 <= shift <= 1):
        said.refuse("crop", "wanted scale=0.25 to 4,shift_y=-1 to 1, and nothing else")
    return scale, shift


def _check_input(said: _Sheet, nodes: list[Any], spec: InputSpec) -> str:
    """The name of the one input, which has to be what the metadata say."""
    if len(nodes) != 1:
        said.wrong(f"takes {len(nodes)} inputs, wanted one picture")
    (node,) = nodes
    wanted = (spec.channels, spec.height, spec.width)
    if node.type != "tensor(float)" or isinstance(node.shape[0], int):
        said.wrong(f"its input {node.name} is no float32 with a free batch size")
    if tuple(node.shape[1:]) != wanted:
        said.wrong(
            f"its input {node.name} is {_spelled(node.shape[1:])}, but its metadata say "
            f"{_spelled(wanted)}"
        )
    return str(node.name)


def _check_output(said: _Sheet, nodes: list[Any], kind: _Kind, classes: tuple[str, ...]) -> None:
    """The output that is used has to be there, with a column for each class."""
    node = next((node for node in nodes if node.name == kind.output), None)
    if node is None:
        said.wrong(f"has no output {kind.output} (it has {', '.join(n.name for n in nodes)})")
    if isinstance(node.shape[0], int) or tuple(node.shape[1:]) != (len(classes),):
        said.wrong(
            f"its output {kind.output} is {_spelled(node.shape)}, but its metadata name "
            f"{len(classes)} classes"
        )


def _spelled(shape: Any) -> str:
    return "×".join(str(size) if isinstance(size, int) else "n" for size in shape)
