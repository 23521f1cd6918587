"""Small ONNX files that describe themselves, made on the spot: the weights are random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from readroom.messages import EXPRESSIONS

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
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install -e '.[dev]'")
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
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    if "classes_said" in changes:
        changes["classes"] = changes.pop("classes_said")
    metadata = {**METADATA, **changes}
    helper.set_model_props(model, {key: said for key, said in metadata.items() if said is not None})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
