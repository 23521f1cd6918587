"""Items through a network in batches, without waiting for the last one.

Batches are equal to what the network takes at most; all but the last are waited for, since one
submission per network is in flight at a time, and the last is left running, so that another
engine's network can be enqueued meanwhile (see ``backends.base``).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from readroom.models.boxes import Floats
from readroom.models.registry import Entry
from readroom.workers.backends.base import Array, Network, Outputs, Pending

#: Told of every run: items in it and the seconds spent submitting it and waiting for it.
OnRun = Callable[[int, float], None]


def ignore_run(items: int, seconds: float) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Batches:
    """How an engine feeds its network.

    ``item_shape`` is one item's input shape; ``decode`` turns a run's outputs into an array with
    one row per item, copied out of the network's buffers.
    """

    network: Network
    item_shape: tuple[int, ...]
    decode: Callable[[Outputs], Floats]
    on_run: OnRun = ignore_run
    clock: Callable[[], float] = time.perf_counter

    def submit(self, count: int, fill: Callable[[int, Floats], None]) -> Running:
        """Run ``count`` items; ``fill(index, out)`` writes item ``index`` into ``out``."""
        done: list[Floats] = []
        most = self.network.max_batch
        pending: Running | None = None
        for start in range(0, count, most):
            if pending is not None:
                done.append(pending.last())
            items = min(most, count - start)
            pending = self._submit(start, items, fill, done)
        return pending or Running(self, None, 0, 0.0, done)

    def _submit(
        self, start: int, items: int, fill: Callable[[int, Floats], None], done: list[Floats]
    ) -> Running:
        name = self.network.inputs[0].name
        buffer: Array = self.network.input_buffer(name, (items, *self.item_shape))
        for index in range(items):
            fill(start + index, buffer[index])
        began = self.clock()
        pending = self.network.submit({name: buffer})
        return Running(self, pending, items, self.clock() - began, done)


@dataclass(frozen=True, slots=True)
class Running:
    """Batches on their way."""

    batches: Batches
    pending: Pending | None
    items: int
    submitting_s: float
    done: list[Floats]

    def last(self) -> Floats:
        """Wait for the batch in flight and decode it."""
        if self.pending is None:
            return np.empty((0,), np.float32)
        began = self.batches.clock()
        outputs = self.pending.result()
        self.batches.on_run(self.items, self.submitting_s + self.batches.clock() - began)
        return self.batches.decode(outputs)

    def result(self) -> Floats:
        """Wait for everything: one row per item, in order."""
        rows = self.last()
        return np.concatenate([*self.done, rows]) if self.done else rows


class BatchedEngine(ABC):
    """An engine whose network takes items of one size, as its entry says."""

    def __init__(self, network: Network, entry: Entry, *, on_run: OnRun = ignore_run) -> None:
        self._spec = entry.input
        self._model = entry.name
        self._output = next(iter(entry.outputs))
        self._batches = Batches(network, entry.item_shape, self._decode, on_run)

    @property
    def model(self) -> str:
        """Its model id."""
        return self._model

    @abstractmethod
    def _decode(self, outputs: Outputs) -> Floats:
        """One row per item, copied out of the network's buffers."""
