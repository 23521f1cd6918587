"""Small ONNX files that describe themselves, made on the spot: the weights are random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from readroom.messages import EXPRESSIONS, KEYPOINTS, LANDMARKS

NEEDED = "needs onnx: pip install -e '.[dev]'"

#: What `readroom lab export` writes into an expression network.
METADATA = {
    "task": "expression",
    "version": "1",
    "classes": ",".join(EXPRESSIONS),
    "fer2013_classes": "anger,disgust,fear,happiness,neutral,sadness,surprise",
    "input_size": "48",
    "color": "gray",
    "scale": "0.00392156862745098",
    "mean": "0.5",
    "std": "0.25",
    "crop": "scale=1.1,shift_y=-0.05",
    "data": "ab" * 32,
    "recipe": "cd" * 32,
}

#: What it writes into a face detector.
FACE_METADATA = {
    "task": "faces",
    "version": "1",
    "classes": ",".join(LANDMARKS),
    "input_size": "any,32",
    "color": "bgr",
    "scale": "1",
    "mean": "0",
    "std": "1",
    "crop": "letterbox",
    "data": "ab" * 32,
    "recipe": "cd" * 32,
}

#: What it writes into a pose network.
POSE_METADATA = {
    "task": "keypoints",
    "version": "1",
    "classes": ",".join(KEYPOINTS),
    "input_size": "96x128",
    "color": "rgb",
    "scale": "0.00392156862745098",
    "mean": "0.485,0.456,0.406",
    "std": "0.229,0.224,0.225",
    "crop": "aspect,margin=1.25",
    "data": "ab" * 32,
    "recipe": "cd" * 32,
}


def own_network(
    *,
    size: int = 48,
    classes: int = 8,
    batch: Any = "batch",
    output: str = "probabilities",
    seed: int = 0,
    **changes: str | None,
) -> bytes:
    """An expression network's file: one linear layer and a softmax per head.

    ``changes`` replace metadata, ``classes_said`` its ``classes``; None takes a key away.
    """
    pytest.importorskip("onnx", reason=NEEDED)
    from onnx import TensorProto, helper, numpy_helper

    made = np.random.default_rng(seed)
    nodes, initializers = [helper.make_node("Flatten", ["image"], ["flat"])], []
    heads = {output: classes, "fer2013": 7}
    for name, columns in heads.items():
        weights = made.normal(0, 0.05, (size * size, columns)).astype(np.float32)
        initializers.append(numpy_helper.from_array(weights, f"{name}_weights"))
        nodes += [
            helper.make_node("MatMul", ["flat", f"{name}_weights"], [f"{name}_logits"]),
            helper.make_node("Softmax", [f"{name}_logits"], [name], axis=1),
        ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 1, size, size])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, columns])
        for name, columns in heads.items()
    ]
    graph = helper.make_graph(nodes, "expression", [image], outputs, initializers)
    return _file(graph, METADATA, changes)


def own_detector(
    *,
    batch: Any = "batch",
    sides: tuple[Any, Any] = ("height", "width"),
    points: int = 5,
    left_out: str = "",
    **changes: str | None,
) -> bytes:
    """A face detector's file: a cell of 32 px that is bright is a face of its size, with all
    landmarks in its middle; ``left_out`` is an output that it doesn't give.

    ``changes`` are as in :func:`own_network`.
    """
    pytest.importorskip("onnx", reason=NEEDED)
    from onnx import TensorProto, helper, numpy_helper

    nodes, initializers, outputs = [], [], []
    widths = {"cls": 1, "obj": 1, "bbox": 4, "kps": 2 * points}
    for stride in (8, 16, 32):
        weights = np.zeros((sum(widths.values()), 3, 1, 1), np.float32)
        bias = np.full(len(weights), 0.5, np.float32)
        bias[4:6] = 0  # The logarithm of a size of one cell.
        bias[:2] = -5
        if stride == 32:
            weights[:2] = 10 / 765
        cells, heads = f"cells_{stride}", [f"{head}_{stride}" for head in widths]
        initializers += [
            numpy_helper.from_array(weights, f"weights_{stride}"),
            numpy_helper.from_array(bias, f"bias_{stride}"),
            numpy_helper.from_array(np.array([0, -1, len(bias)]), f"shape_{stride}"),
            numpy_helper.from_array(np.array(list(widths.values())), f"widths_{stride}"),
        ]
        kernel: dict[str, Any] = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        said = [f"{head}_said" if head[:3] in ("cls", "obj") else head for head in heads]
        nodes += [
            helper.make_node("AveragePool", ["input"], [f"pooled_{stride}"], **kernel),
            helper.make_node(
                "Conv", [f"pooled_{stride}", f"weights_{stride}", f"bias_{stride}"], [cells]
            ),
            helper.make_node("Transpose", [cells], [f"last_{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"last_{stride}", f"shape_{stride}"], [f"rows_{stride}"]),
            helper.make_node("Split", [f"rows_{stride}", f"widths_{stride}"], said, axis=2),
            *(helper.make_node("Sigmoid", [f"{head}_said"], [head]) for head in heads[:2]),
        ]
        outputs += [
            helper.make_tensor_value_info(
                head, TensorProto.FLOAT, [batch, f"cells_{stride}", width]
            )
            for head, width in zip(heads, widths.values(), strict=True)
            if head != left_out
        ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, *sides])
    graph = helper.make_graph(nodes, "faces", [image], outputs, initializers)
    return _file(graph, FACE_METADATA, changes)


def own_pose(
    says: NDArray[np.float32] | None = None,
    *,
    size: tuple[int, int] = (96, 128),
    batch: Any = "batch",
    output: str = "keypoints",
    **changes: str | None,
) -> bytes:
    """A pose network's file: it says ``says`` [17, 3] of everybody, or that all points are in the
    middle of its input with a score of one half.

    ``changes`` are as in :func:`own_network`.
    """
    pytest.importorskip("onnx", reason=NEEDED)
    from onnx import TensorProto, helper, numpy_helper

    width, height = size
    if says is None:
        says = np.tile(np.array([width / 2, height / 2, 0.5], np.float32), (17, 1))
    points = len(says)
    initializers = [
        numpy_helper.from_array(np.zeros((3, points * 3), np.float32), "weights"),
        numpy_helper.from_array(says.reshape(-1), "bias"),
        numpy_helper.from_array(np.array([0, points, 3]), "shape"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["nothing"]),
        helper.make_node("Add", ["nothing", "bias"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], [output]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, height, width])
    said = helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, points, 3])
    graph = helper.make_graph(nodes, "keypoints", [image], [said], initializers)
    return _file(graph, POSE_METADATA, changes)


def _file(graph: Any, metadata: dict[str, str], changes: dict[str, str | None]) -> bytes:
    import onnx
    from onnx import helper

    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    if "classes_said" in changes:
        changes["classes"] = changes.pop("classes_said")
    said = {key: value for key, value in {**metadata, **changes}.items() if value is not None}
    helper.set_model_props(model, said)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
