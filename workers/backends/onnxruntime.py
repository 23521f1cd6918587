"""Networks on the CPU, by ONNX Runtime.

One intra-op thread, sequential, no spinning: a worker is one process per core, and threads that
spin would take the cores of the other workers. The memory arena is off: it keeps the largest
batch it has ever seen, for every shape it has seen; without it the process stays flat, and the
runs were measured to be as fast (docs/measured.md, "Workers").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime

from readroom.errors import ReadroomError
from readroom.models.files import ModelFile
from readroom.workers.backends.base import (
    Array,
    Feeds,
    Outputs,
    Profile,
    Shape,
    TensorSpec,
    check_tensors,
)

#: Larger batches were no faster per item on a CPU; they only take memory.
MAX_BATCH = 8
#: Nor were batches of whole pictures, whose activations leave the processor's cache: four 640×384
#: pictures at once took 1.0–1.3 times as long per picture as one by one. Input elements per run.
MAX_BATCH_ELEMENTS = 400_000
#: ONNX Runtime's own messages: errors only, they come as exceptions with more context anyway.
_SEVERITY = 3

_DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
}


class OnnxRuntime:
    """The CPU backend. ``threads``: intra-op threads of each network."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def load(self, model: ModelFile, device: str, profiles: Mapping[str, Profile]) -> OnnxNetwork:
        """Load and check a network; ``device`` must be ``cpu``. See ``base.Backend``."""
        try:
            session = onnxruntime.InferenceSession(
                model.body, self._options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # The runtime's exceptions share no base class.
            cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ReadroomError(
                f"{model.path}: not a network that ONNX Runtime can load ({cause}); put the right "
                "file in its place"
            ) from None
        network = OnnxNetwork(session, profiles)
        entry = model.entry
        wrong = check_tensors(entry, "input", network.inputs, entry.inputs) or check_tensors(
            entry, "output", network.outputs, entry.outputs
        )
        if wrong is not None:
            raise ReadroomError(
                f"{model.path}: not the network {entry.name}: {wrong}; put the right file "
                "in its place, or take it away"
            )
        return network

    def _options(self) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _SEVERITY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was over before ``submit`` returned, as every run on a CPU is."""

    outputs: Outputs = field(default_factory=dict)

    def result(self) -> Outputs:
        """The outputs, by name."""
        return self.outputs


class OnnxNetwork:
    """A network in ONNX Runtime; see ``base.Network``."""

    def __init__(self, session: Any, profiles: Mapping[str, Profile]) -> None:
        self._session = session
        self._profiles = dict(profiles)
        self._inputs = tuple(_spec(node) for node in session.get_inputs())
        self._outputs = tuple(_spec(node) for node in session.get_outputs())
        self._output_names = [spec.name for spec in self._outputs]
        self._buffers: dict[str, Array] = {}
        self._max_batch = min(map(_batch_for, profiles.values()))

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives."""
        return self._outputs

    @property
    def max_batch(self) -> int:
        """Items that one run takes at most."""
        return self._max_batch

    def input_buffer(self, name: str, shape: Shape) -> Array:
        """A part of one block that grows to the largest input asked for, and stays."""
        size = int(np.prod(shape))
        block = self._buffers.get(name)
        if block is None or block.size < size:
            dtype = next(spec.dtype for spec in self._inputs if spec.name == name)
            block = self._buffers[name] = np.empty(size, dtype)
        return block[:size].reshape(shape)

    def submit(self, feeds: Feeds) -> Finished:
        """Run now."""
        values = self._session.run(self._output_names, dict(feeds))
        return Finished(dict(zip(self._output_names, values, strict=True)))

    def run(self, feeds: Feeds) -> Outputs:
        """Run and return the outputs, by name."""
        return self.submit(feeds).result()

    def warm_up(self, batches: Sequence[int]) -> None:
        """Run once with each batch size, on zeros of the profiles' typical shapes."""
        for batch in batches:
            self.run(
                {
                    spec.name: np.zeros((batch, *self._profiles[spec.name].typical[1:]), spec.dtype)
                    for spec in self._inputs
                }
            )

    def close(self) -> None:
        """Drop the session and the buffers."""
        self._session = None
        self._buffers.clear()


def _batch_for(profile: Profile) -> int:
    elements = int(np.prod(profile.typical[1:]))
    return max(1, min(MAX_BATCH, profile.largest[0], MAX_BATCH_ELEMENTS // elements))


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    dtype = _DTYPES.get(node.type)
    if dtype is None:
        raise ReadroomError(
            f"network with a {node.type} tensor {node.name}: supported are {', '.join(_DTYPES)}"
        )
    return TensorSpec(node.name, shape, np.dtype(dtype))
