"""Anything that reads expressions off 48×48 grey pictures, and any ONNX network as such a thing.

A network is known in one of three ways, the first that holds: its file describes itself
(``metadata_props``); its SHA-256 is in the registry; whoever runs it says its classes and input.

A picture of a data set is the whole of what its makers cut out, so the whole of it becomes the
network's input, as a tight face box would in a room; the resizing and the arithmetic are the
worker's (tests/models/lab/expression/test_evaluate.py compares the two).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, cast

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.crop import AVERAGE_BELOW
from readroom.models.described import describe_network
from readroom.models.inputs import face_input, normalise
from readroom.models.lab.expression.dataset import CLASS_WORDS, FER2013, Images
from readroom.models.lab.network_files import count_parameters, read_body
from readroom.models.registry import REGISTRY, InputSpec

Probabilities = NDArray[np.float32]
#: FER+'s eight classes by majority vote, or FER-2013's seven by its labels.
LabelSet = Literal["ferplus", "fer2013"]

#: Pictures per run: enough to keep a thread busy, small enough for any cache.
BATCH: Final = 64
#: Rows that sum to 1 within this are probabilities; else they are logits.
_SUM_TOLERANCE: Final = 1e-3

#: Where a file says what its logits were divided by.
_TEMPERATURES: Final[Mapping[LabelSet, str]] = {
    "ferplus": "temperature",
    "fer2013": "fer2013_temperature",
}


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a classifier says of n pictures, rows that sum to 1.

    ``ferplus`` float32 [n, 8] in the order of EXPRESSIONS, ``fer2013`` float32 [n, 7] in the
    order of FER2013.
    """

    ferplus: Probabilities
    fer2013: Probabilities


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a classifier beside what it says.

    ``knows`` are the classes it can say at all. ``temperatures`` are what the logits of each set
    of classes were divided by when it was written; a set that nobody calibrated isn't there.
    """

    name: str
    knows: frozenset[str]
    parameters: int
    size_bytes: int
    temperatures: Mapping[LabelSet, float] = field(default_factory=dict)
    notes: str = ""


class Classifier(Protocol):
    """Reads expressions off pictures."""

    @property
    def facts(self) -> Facts:
        """What it is."""

    def predict(self, images: Images) -> Predictions:
        """Read uint8 [n, 48, 48]."""


@dataclass(frozen=True, slots=True)
class Description:
    """How a network is used: its input, and which output speaks which classes, in order."""

    input: InputSpec
    outputs: Mapping[str, tuple[str, ...]]
    temperatures: Mapping[LabelSet, float] = field(default_factory=dict)


class OnnxClassifier:
    """An ONNX network on the CPU, one thread.

    An output whose rows aren't probabilities is taken for logits, and ``facts.notes`` says so.
    Where a network speaks only one set of classes, its probabilities are read as the other set's
    too: classes that it doesn't know get 0, classes that the set doesn't know are left out.
    """

    def __init__(self, path: Path, description: Description | None = None) -> None:
        """Open a file; raises BadSettings where it isn't a network that this can run."""
        body = read_body(path)
        self.sha256 = hashlib.sha256(body).hexdigest()
        self.session = _open(path, body)
        known = (
            _described(path, body, self.session) or _registered(path, self.sha256) or description
        )
        if known is None:
            raise BadSettings(
                f"{path}: doesn't say its classes and isn't in the registry; give --classes and "
                "--size"
            )
        self._description = known
        self._input = _check_input(path, self.session, self._description.input)
        self._names = _check_outputs(path, self.session, self._description.outputs)
        self._facts = Facts(
            name=path.stem,
            knows=frozenset(name for names in self._names.values() for name in names),
            parameters=count_parameters(body),
            size_bytes=len(body),
            temperatures=self._description.temperatures,
        )

    @property
    def facts(self) -> Facts:
        """What it is."""
        return self._facts

    def predict(self, images: Images) -> Predictions:
        """Read uint8 [n, 48, 48]."""
        said = self._run(images)
        return Predictions(
            self._in_order(said, "probabilities", EXPRESSIONS),
            self._in_order(said, "fer2013", FER2013),
        )

    def feeds(self, images: Images) -> Iterator[dict[str, NDArray[np.float32]]]:
        """The network's inputs for pictures, one per run.

        A network of a fixed batch gets its last one filled up with the last picture.
        """
        fixed = self._input.shape[0]
        size = fixed if isinstance(fixed, int) else BATCH
        missing = -len(images) % size if isinstance(fixed, int) else 0
        full = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
        for start in range(0, len(full), size):
            yield {self._input.name: to_input(full[start : start + size], self._description.input)}

    def _run(self, images: Images) -> dict[str, Probabilities]:
        runs = [self.session.run(list(self._names), feed) for feed in self.feeds(images)]
        whole = (np.concatenate(part)[: len(images)] for part in zip(*runs, strict=True))
        return {
            name: self._as_probabilities(values.reshape(len(images), -1).astype(np.float32))
            for name, values in zip(self._names, whole, strict=True)
        }

    def _as_probabilities(self, values: NDArray[np.float32]) -> Probabilities:
        if values.min() >= 0 and np.abs(values.sum(1) - 1).max() < _SUM_TOLERANCE:
            return values
        self._facts = replace(self._facts, notes="its output was taken for logits")
        raised = np.exp(values - values.max(1, keepdims=True))
        return cast(Probabilities, raised / raised.sum(1, keepdims=True))

    def _in_order(
        self, said: Mapping[str, Probabilities], output: str, wanted: tuple[str, ...]
    ) -> Probabilities:
        name = output if output in said else next(iter(said))
        return reorder(said[name], self._names[name], wanted)


def reorder(
    probabilities: Probabilities, names: tuple[str, ...], wanted: tuple[str, ...]
) -> Probabilities:
    """Columns ``names`` as columns ``wanted``, made to sum to 1; what is missing is 0."""
    ordered = np.zeros((len(probabilities), len(wanted)), np.float32)
    for column, name in enumerate(names):
        if name in wanted:
            ordered[:, wanted.index(name)] = probabilities[:, column]
    total = ordered.sum(1, keepdims=True)
    even = np.float32(1 / len(wanted))
    np.divide(ordered, total, out=ordered, where=total > 0)
    return np.where(total > 0, ordered, even)


def class_names(text: str) -> tuple[str, ...]:
    """A comma-separated class list in this project's words; raises BadSettings on others'.

    >>> class_names("angry, Happy")
    ('anger', 'happiness')
    """
    words = [word.strip().lower() for word in text.split(",")]
    unknown = [word for word in words if word not in CLASS_WORDS]
    if unknown:
        raise BadSettings(
            f"class {unknown[0]!r}: no expression that is known here; "
            f"say one of {', '.join(sorted(CLASS_WORDS))}"
        )
    names = tuple(CLASS_WORDS[word] for word in words)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadSettings(f"classes {text!r}: {twice} is there twice; name every output once")
    return names


def given(
    classes: str,
    *,
    size_px: int,
    color: str = "grey",
    scale: float = 1.0,
    mean: str = "0",
    std: str = "1",
) -> Description:
    """A network as the command line words it; raises BadSettings.

    ``mean`` and ``std`` are one number or one per channel, comma-separated.
    """
    kinds: dict[str, Literal["grey", "rgb", "bgr"]] = {
        "grey": "grey", "gray": "grey", "rgb": "rgb", "bgr": "bgr",
    }  # fmt: skip
    if color not in kinds:
        raise BadSettings(f"color {color!r}: not known; say gray, rgb or bgr")
    if not 1 <= size_px <= 1024:
        raise BadSettings(f"size {size_px}: no picture side; say 1 to 1024 px")
    spec = InputSpec(
        size_px, size_px, kinds[color], "square", scale, _numbers("mean", mean),
        _numbers("std", std),
    )  # fmt: skip
    if 0.0 in spec.std or scale == 0 or not np.isfinite(scale):
        raise BadSettings(f"scale {scale}, std {std!r}: that leaves no picture; say another")
    for values in (spec.mean, spec.std):
        if len(values) not in (1, spec.channels):
            raise BadSettings(
                f"mean {mean!r}, std {std!r}: {len(values)} numbers for {spec.channels} "
                f"channel{'s' * (spec.channels > 1)} ({color}); give one, or one per channel"
            )
    return Description(spec, {"": class_names(classes)})


def to_input(images: Images, spec: InputSpec) -> NDArray[np.float32]:
    """Grey pictures [n, h, w] as a network's input float32 [n, channels, height, width]."""
    shape = (len(images), spec.channels, spec.height, spec.width)
    planes: NDArray[np.float32] = np.empty(shape, np.float32)
    for image, out in zip(images, planes, strict=True):
        _whole(image, spec, out)
    return planes


def _whole(picture: NDArray[np.uint8], spec: InputSpec, out: NDArray[np.float32]) -> None:
    """Write a grey picture, all of it, into out [channels, height, width]."""
    height, width = picture.shape
    if spec.crop == "face":
        box = np.array([0, 0, width, height], np.float32)
        face_input(picture, box, replace(spec, margin_ratio=1.0, shift_ratio=0.0), out)
        return
    way = cv2.INTER_AREA if spec.width < AVERAGE_BELOW * width else cv2.INTER_LINEAR
    out[:] = cv2.resize(picture, (spec.width, spec.height), interpolation=way)
    normalise(out, spec)


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or not np.isfinite(numbers).all():
        raise BadSettings(f"{name} {text!r}: no number; write it like 0.5 or 0.4,0.5,0.6")
    return numbers


def _open(path: Path, body: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime's exceptions share no base class.
        cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadSettings(
            f"{path}: not a network that ONNX Runtime can load ({cause}); name an ONNX file"
        ) from None


def _described(path: Path, body: bytes, session: Any) -> Description | None:
    """What the file says of itself, None where it says nothing of classes."""
    says: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    if "classes" not in says:
        return None
    entry = describe_network(body, path, "expression")
    outputs = {next(iter(entry.outputs)): entry.classes}
    if "fer2013_classes" in says:
        outputs["fer2013"] = _fer2013_classes(path, says["fer2013_classes"])
    temperatures = {
        labels: _positive(path, key, says[key])
        for labels, key in _TEMPERATURES.items()
        if key in says
    }
    return Description(entry.input, outputs, temperatures)


def _fer2013_classes(path: Path, text: str) -> tuple[str, ...]:
    try:
        return class_names(text)
    except BadSettings as error:
        raise BadSettings(f"{path}: fer2013_classes in its metadata: {error}") from None


def _positive(path: Path, key: str, text: str) -> float:
    number = _numbers(f"{path}: {key}", text)[0]
    if not 0 < number < np.inf:
        raise BadSettings(f"{path}: {key} {text!r}: no temperature; export it again")
    return number


def _registered(path: Path, sha256: str) -> Description | None:
    entry = next((entry for entry in REGISTRY.values() if entry.sha256 == sha256), None)
    if entry is None:
        return None
    if entry.task != "expression":
        raise BadSettings(
            f"{path}: is {entry.name}, a network for {entry.task}; name one for expressions"
        )
    return Description(entry.input, {next(iter(entry.outputs)): entry.classes})


def _check_input(path: Path, session: Any, spec: InputSpec) -> Any:
    """The (one) input, which must take what the spec makes."""
    inputs = session.get_inputs()
    shape = list(inputs[0].shape)
    wanted = [shape[0] if shape else None, spec.channels, spec.height, spec.width]
    fits = len(shape) == 4 and all(
        not isinstance(size, int) or size == want for size, want in zip(shape, wanted, strict=True)
    )
    if len(inputs) != 1 or not fits or inputs[0].type != "tensor(float)":
        raise BadSettings(
            f"{path}: takes {inputs[0].name} {inputs[0].type} {shape}, not float [batch, "
            f"{spec.channels}, {spec.height}, {spec.width}]; give --size and --color that fit"
        )
    return inputs[0]


def _check_outputs(
    path: Path, session: Any, outputs: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Classes by output name, each as wide as its classes are many; "" is the first output."""
    shapes = {node.name: list(node.shape) for node in session.get_outputs()}
    first = next(iter(shapes))
    named = {name or first: classes for name, classes in outputs.items()}
    for name, classes in named.items():
        if name not in shapes:
            raise BadSettings(
                f"{path}: has no output {name!r} (it has {', '.join(shapes)}); export it again, "
                "or give --classes and --size yourself"
            )
        width = [size for size in shapes[name][1:] if size != 1]
        if isinstance(next(iter(width), None), int) and width != [len(classes)]:
            raise BadSettings(
                f"{path}: {len(classes)} classes ({', '.join(classes)}) for output {name} "
                f"{shapes[name]}; give --classes in the order of its output"
            )
    return named
