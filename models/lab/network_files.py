"""Network files, whoever made them: their contents, and how many numbers are in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from readroom.errors import BadSettings


def read_body(path: Path) -> bytes:
    """A network file's contents. Raises BadSettings where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSettings(
            f"{path}: can't be read ({error.strerror}): name a network file"
        ) from None


def count_parameters(body: bytes) -> int:
    """The parameters of a network, as cards and tables tell them for ours and others' alike: the
    floating-point constants of its file's graph, where normalisation is mostly folded into the
    convolutions. The few that nobody learned (factors to enlarge by, places of cells) count too."""
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
