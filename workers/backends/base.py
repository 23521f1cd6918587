"""The interface between an engine and whatever runs its network.

It is shaped by the strictest runtime that has to fit, TensorRT's ``execute_async_v3`` flow
(docs/design.md, "Backends and engines"), so that the engines never change when one is added:

- An execution context has one shape profile: the smallest, most typical and largest shape of
  every input, fixed before the network is built. Hence :class:`Profile` at :meth:`Backend.load`,
  and ``max_batch`` on the network; engines split what is larger.
- Inputs and outputs are addressed by name (``set_input_shape``, ``set_tensor_address``), so
  :meth:`Network.submit` takes and gives dictionaries, never positions.
- Work is enqueued on a stream and waited for later, so :meth:`Network.submit` returns a
  :class:`Pending`; between the two calls another network's work can be enqueued on another
  stream. One submission per network is in flight at a time: a context has one set of addresses.
- Copies to a GPU are asynchronous from page-locked memory only, so engines fill a buffer that
  the network hands out (:meth:`Network.input_buffer`) and leave it alone until ``result()``.
- Outputs land in buffers that the network uses again: they are the caller's until the next
  ``submit`` on that network. Engines decode at once; whoever keeps an array copies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from readroom.models.files import ModelFile
from readroom.models.registry import Entry

Shape = tuple[int, ...]
Array = NDArray[Any]
Feeds = Mapping[str, Array]
Outputs = dict[str, Array]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: its name, its shape (None: symbolic) and its dtype.

    The first dimension is the batch.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """The shapes of one input that a network has to serve, batch included."""

    smallest: Shape
    typical: Shape
    largest: Shape


class Pending(Protocol):
    """A run that was enqueued."""

    def result(self) -> Outputs:
        """Wait for the outputs, by name. They stay valid until the network's next submit."""


class Network(Protocol):
    """A loaded network. Not thread-safe: one per thread."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives."""

    @property
    def max_batch(self) -> int:
        """Items that one run takes at most."""

    def input_buffer(self, name: str, shape: Shape) -> Array:
        """Memory for an input of that shape, batch first, contents undefined, used again at the
        next call: fill it, submit it, leave it alone until the result is there."""

    def submit(self, feeds: Feeds) -> Pending:
        """Enqueue one run; ``feeds`` may be, but needn't be, input buffers."""

    def run(self, feeds: Feeds) -> Outputs:
        """``submit`` and wait."""

    def warm_up(self, batches: Sequence[int]) -> None:
        """Run once with each batch size, so that the first real frame isn't the slow one."""

    def close(self) -> None:
        """Give memory and device resources back; the network can't be used any more."""


class Backend(Protocol):
    """A runtime."""

    def load(self, model: ModelFile, device: str, profiles: Mapping[str, Profile]) -> Network:
        """Load a verified file and check the network's inputs and outputs against its entry.

        ``profiles`` maps input names to the shapes to serve. Raises ReadroomError where the file
        is no network, or not the one that its entry describes.
        """


def check_tensors(
    entry: Entry, kind: str, found: Sequence[TensorSpec], wanted: Mapping[str, tuple[int, ...]]
) -> str | None:
    """What is wrong with a network's inputs or outputs (``kind``), or None.

    ``wanted`` maps name to shape, 0 standing for a symbolic dimension. The batch must be
    symbolic: a fixed one would fail on the first frame with another number of faces.
    """
    shapes = {spec.name: spec.shape for spec in found}
    for name, shape in wanted.items():
        if name not in shapes:
            return f"no {kind} named {name} (it has {', '.join(shapes)})"
        expected = tuple(size or None for size in shape)
        if shapes[name] != expected:
            return f"{kind} {name} is {_spelled(shapes[name])}, not {_spelled(expected)}"
    return None


def _spelled(shape: Sequence[int | None]) -> str:
    return "×".join("n" if size is None else str(size) for size in shape) or "a scalar"
