"""Networks that describe themselves: what an ONNX file's ``metadata_props`` say becomes an Entry.

``readroom lab export`` writes them, for every task the same keys:

- ``task``, ``version``; ``classes``: what the output's columns or points are, comma-separated;
- ``color`` (gray, rgb, bgr), ``scale``, ``mean``, ``std``: a value is
  ``(pixel · scale − mean) / std``, ``mean`` and ``std`` one number or one per channel;
- ``input_size``, ``crop``: what is shown of a picture, and how large; see below;
- ``data``, ``recipe``: hashes of what it was trained on, and how.

========== ============== ========================== =========================================
task       input_size     crop                       meaning
========== ============== ========================== =========================================
faces      any,32         letterbox                  the whole picture, in multiples of 32 px
                                                     (models/detection.py)
expression 64             scale=1.0,shift_y=0.0      a square, in units of the box's longer
                                                     side (models/crop.py)
keypoints  96x128         aspect,margin=1.25         the box enlarged, at the input's width and
                                                     height, px (models/keypoints.py)
========== ============== ========================== =========================================

Nothing is guessed. A key that is missing or wrong, or a network that isn't what its keys say,
would be read as faces it doesn't understand, so it is an error.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn

import onnxruntime

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS, KEYPOINTS, LANDMARKS, EngineName
from readroom.models.detection import STRIDES
from readroom.models.registry import FACE_OUTPUTS, Entry, InputSpec, Task

#: A version becomes part of a model id, and so of a metric's label.
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
#: Input sides that can be meant, px.
_SIDES_PX: Final = range(16, 1025)
_Color = Literal["grey", "rgb", "bgr"]
_COLORS: Final[Mapping[str, _Color]] = MappingProxyType(
    {"gray": "grey", "rgb": "rgb", "bgr": "bgr"}
)
#: Width and height, px.
_SIZE: Final = re.compile(r"([0-9]{2,4})x([0-9]{2,4})")
#: Sides of a crop that can be meant, in units of the box.
_LEAST_SCALE, _MOST_SCALE = 0.25, 4.0
_SCALES: Final = f"{_LEAST_SCALE:g} to {_MOST_SCALE:g}"
#: Characters of a wrong value that an error repeats.
_SHOWN_CHARS: Final = 60
#: ONNX Runtime's own messages: none, what it has to say comes as an exception.
_SILENT: Final = 4


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
    outputs = MappingProxyType(kind.outputs(classes))
    for name, shape in outputs.items():
        _check_output(said, session.get_outputs(), name, shape)
    data, recipe = said.text("data"), said.text("recipe")
    knows = f"; knows {', '.join(classes)}" if not kind.all_classes else ""
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
        outputs=outputs,
        classes=classes,
        notes=f"data {data[:8]}, recipe {recipe[:8]}{knows}",
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
    if kind.all_classes and classes != kind.classes:
        said.refuse("classes", f"wanted {','.join(kind.classes)}")
    for name in classes:
        if name not in kind.classes:
            said.refuse("classes", f"{name[:_SHOWN_CHARS]!r} is none of {', '.join(kind.classes)}")
    if len(set(classes)) < len(classes):
        said.refuse("classes", "a class is named twice")
    return classes


def _input_spec(said: _Sheet, kind: _Kind) -> InputSpec:
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
    shown = kind.shown(said, _COLORS[color])
    return replace(shown, scale=scale, mean=said.numbers("mean", channels), std=std)


def _face_square(said: _Sheet, color: _Color) -> InputSpec:
    size = said.text("input_size")
    if not (size.isascii() and size.isdecimal() and int(size) in _SIDES_PX):
        said.refuse("input_size", f"a whole number of px, {_SIDES_PX[0]} to {_SIDES_PX[-1]}")
    parts = dict(part.strip().partition("=")[::2] for part in said.text("crop").split(","))
    try:
        scale, shift = float(parts.pop("scale")), float(parts.pop("shift_y"))
    except (KeyError, ValueError):
        said.refuse("crop", "wanted scale=NUMBER,shift_y=NUMBER")
    if parts or not (_LEAST_SCALE <= scale <= _MOST_SCALE and -1 <= shift <= 1):
        said.refuse("crop", f"wanted scale={_SCALES},shift_y=-1 to 1, and nothing else")
    return InputSpec(int(size), int(size), color, "face", margin_ratio=scale, shift_ratio=shift)


def _whole_picture(said: _Sheet, color: _Color) -> InputSpec:
    stride = STRIDES[-1]
    if said.text("input_size") != f"any,{stride}":
        said.refuse("input_size", f"wanted any,{stride}: any multiple of {stride} px")
    if said.text("crop") != "letterbox":
        said.refuse("crop", "wanted letterbox")
    return InputSpec(0, 0, color, "letterbox", stride=stride)


def _person_box(said: _Sheet, color: _Color) -> InputSpec:
    size = _SIZE.fullmatch(said.text("input_size"))
    sides = (int(size[1]), int(size[2])) if size else ()
    if not sides or not all(side in _SIDES_PX for side in sides):
        said.refuse("input_size", f"WIDTHxHEIGHT, px, {_SIDES_PX[0]} to {_SIDES_PX[-1]} each")
    kind, _, margin = said.text("crop").partition(",margin=")
    try:
        ratio = float(margin)
    except ValueError:
        ratio = math.nan
    if kind != "aspect" or not _LEAST_SCALE <= ratio <= _MOST_SCALE:
        said.refuse("crop", f"wanted aspect,margin={_SCALES}")
    return InputSpec(*sides, color, "aspect", margin_ratio=ratio)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all networks of a task share.

    ``classes`` are those it may know, or with ``all_classes`` has to, in that order; ``colors``
    those that its crop can give; ``shown`` reads ``input_size`` and ``crop``; ``outputs`` gives
    the name and shape (0: free) of those that are used, for its classes.
    """

    engine: EngineName
    classes: tuple[str, ...]
    all_classes: bool
    colors: tuple[str, ...]
    shown: Callable[[_Sheet, _Color], InputSpec]
    outputs: Callable[[tuple[str, ...]], Mapping[str, tuple[int, ...]]]


_KINDS: Final[Mapping[Task, _Kind]] = MappingProxyType(
    {
        "faces": _Kind(
            "face", LANDMARKS, True, ("bgr", "rgb"), _whole_picture, lambda classes: FACE_OUTPUTS
        ),
        "expression": _Kind(
            "expression",
            EXPRESSIONS,
            False,
            ("gray",),
            _face_square,
            lambda classes: {"probabilities": (0, len(classes))},
        ),
        "keypoints": _Kind(
            "pose",
            KEYPOINTS,
            True,
            ("bgr", "rgb"),
            _person_box,
            lambda classes: {"keypoints": (0, len(classes), 3)},
        ),
    }
)


def _check_input(said: _Sheet, nodes: list[Any], spec: InputSpec) -> str:
    """The name of the one input, which has to be what the metadata say."""
    if len(nodes) != 1:
        said.wrong(f"takes {len(nodes)} inputs, wanted one picture")
    (node,) = nodes
    wanted = (spec.channels, spec.height, spec.width)
    if node.type != "tensor(float)" or not node.shape or isinstance(node.shape[0], int):
        said.wrong(f"its input {node.name} is no float32 with a free batch size")
    if _sizes(node.shape[1:]) != wanted:
        said.wrong(
            f"its input {node.name} is {_spelled(node.shape[1:])}, but its metadata say "
            f"{_spelled(wanted)}"
        )
    return str(node.name)


def _check_output(said: _Sheet, nodes: list[Any], name: str, wanted: tuple[int, ...]) -> None:
    """An output that is used has to be there in the shape that goes with the metadata."""
    node = next((node for node in nodes if node.name == name), None)
    if node is None:
        said.wrong(f"has no output {name} (it has {', '.join(n.name for n in nodes)})")
    if node.type != "tensor(float)":
        said.wrong(f"its output {name} is no float32")
    if _sizes(node.shape) != wanted:
        said.wrong(
            f"its output {name} is {_spelled(node.shape)}, but its metadata ask for "
            f"{_spelled(wanted)}"
        )


def _sizes(shape: Any) -> tuple[int, ...]:
    """A tensor's shape with 0 for every free dimension."""
    return tuple(size if isinstance(size, int) else 0 for size in shape)


def _spelled(shape: Any) -> str:
    return "×".join(str(size) if isinstance(size, int) and size else "n" for size in shape)
