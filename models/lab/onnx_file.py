"""From a PyTorch module to an ONNX file that says everything about itself.

Opset 18 is read by ONNX Runtime since 1.14 and by TensorRT 10 and 11.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from readroom.errors import BadSettings, ReadroomError
from readroom.models.lab.network_files import count_parameters

OPSET: Final = 18


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file's contents, how many parameters it has, the largest difference of its outputs
    from PyTorch's, and what the file says of itself."""

    body: bytes
    parameters: int
    parity: float
    described: dict[str, str]


def export(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: tuple[Mapping[int, Any], ...],
    described: Mapping[str, str],
    seen: tuple[Tensor, ...],
    allowed: float,
) -> Exported:
    """A module, on the CPU and not in training, as an ONNX file's contents, checked on ``seen``.

    ``examples`` are what it is traced with: as ``seen``, tensors in the order of ``inputs``;
    ``dynamic_shapes`` say of each, by axis, a ``torch.export.Dim``. Raises ReadroomError where the
    file's outputs differ from PyTorch's by more than ``allowed``.
    """
    body = to_onnx(
        module,
        examples,
        inputs=inputs,
        outputs=outputs,
        dynamic_shapes=dynamic_shapes,
        described=described,
    )
    parity = check(module, body, inputs, seen, allowed)
    return Exported(body, count_parameters(body), parity, dict(described))


def check(
    module: nn.Module,
    body: bytes,
    inputs: Sequence[str],
    seen: tuple[Tensor, ...],
    allowed: float,
) -> float:
    """:func:`difference`; raises ReadroomError where it is more than ``allowed``."""
    parity = difference(module, body, inputs, seen)
    if not parity <= allowed:
        raise ReadroomError(
            f"not exported: the file's outputs differ from PyTorch's by {parity:.2g} (allowed: "
            f"{allowed:g}); try another PyTorch version"
        )
    return parity


def to_onnx(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: tuple[Mapping[int, Any], ...],
    described: Mapping[str, str],
) -> bytes:
    """A module as a valid ONNX file with ``described`` as its metadata; see :func:`export`."""
    # The exporter reports on packages it doesn't need here, and warns about its own internals.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            examples,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(dict(axes) for axes in dynamic_shapes),
        )
    if program is None:
        raise ReadroomError("PyTorch's exporter gave nothing: use PyTorch 2.9 or later")
    model = program.model_proto
    for node in model.graph.node:
        # The exporter leaves stack traces there: paths of the machine that it ran on.
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    constant_reshapes(model.graph)
    for key, value in described.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    body: bytes = model.SerializeToString()
    return body


def constant_reshapes(graph: onnx.GraphProto) -> None:
    """Give every Reshape that keeps the batch and counts one other axis a constant shape, in place.

    The exporter computes such a shape from the picture's; a constant says the same (0: as the
    input's, -1: what is left), and leaves nothing to be computed before a run can be planned.
    """
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    constants = {value.name for value in graph.initializer}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] in constants:
            continue
        before, after = (shapes.get(name, []) for name in (node.input[0], node.output[0]))
        free = [axis for axis in after[1:] if isinstance(axis, str)]
        if not before or before[:1] != after[:1] or len(free) != 1:
            continue
        wanted = [0, *(-1 if isinstance(axis, str) else axis for axis in after[1:])]
        name = f"{node.output[0]}_shape"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(wanted, np.int64), name))
        node.input[1] = name
        node.ClearField("attribute")  # `allowzero`: a 0 was a size.
    _drop_unused(graph)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Take out nodes and constants that no output needs, in place."""
    needed = {value.name for value in graph.output}
    for node in reversed(list(graph.node)):
        if needed.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            needed.update(node.input)
    for constant in list(graph.initializer):
        if constant.name not in needed:
            graph.initializer.remove(constant)
    for value in list(graph.value_info):
        if not any(value.name in node.output for node in graph.node):
            graph.value_info.remove(value)


def difference(
    module: nn.Module, body: bytes, inputs: Sequence[str], seen: tuple[Tensor, ...]
) -> float:
    """The largest difference between any outputs of an ONNX file's contents and of the module that
    they were made from, in the outputs' own unit; NaN where any is no number."""
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    feeds = {name: tensor.numpy() for name, tensor in zip(inputs, seen, strict=True)}
    said = session.run(None, feeds)
    with torch.inference_mode():
        wanted = module(*seen)
    wanted = (wanted,) if isinstance(wanted, Tensor) else wanted
    # np.max keeps NaN, wherever it stands; max() only where it comes first.
    return float(
        np.max(
            [np.abs(ours - theirs.numpy()).max() for ours, theirs in zip(said, wanted, strict=True)]
        )
    )


@contextmanager
def written(path: Path, body: bytes) -> Iterator[Path]:
    """A file of these contents beside ``path``, to be measured; it takes the name ``path`` where
    nothing was raised, and is gone where something was. Raises BadSettings."""
    part = path.with_name(f".{path.name}.part")
    try:
        with _in_words(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(body)
        yield part
        with _in_words(path):
            part.replace(path)
    finally:
        with suppress(OSError):  # Where nothing could be written, nothing has to go.
            part.unlink(missing_ok=True)


def write(path: Path, body: bytes) -> None:
    """Write a file, whole or not at all. Raises BadSettings."""
    with written(path, body):
        pass


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadSettings(f"{path}: can't be written ({error.strerror}): name another") from None
