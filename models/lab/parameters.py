"""How many numbers a network learned."""

from __future__ import annotations

import numpy as np


def count_parameters(body: bytes) -> int:
    """Numbers that a network learned: the floating-point constants of its graph."""
    # Only here: everything else runs where ONNX Runtime is and onnx isn't.
    import onnx  # noqa: PLC0415

    graph = onnx.load_from_string(body).graph
    floating = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE}
    constants = [
        attribute.t
        for node in graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    ]
    tensors = [*graph.initializer, *constants]
    return sum(int(np.prod(t.dims)) for t in tensors if t.data_type in floating)
