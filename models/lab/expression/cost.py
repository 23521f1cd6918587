"""What a network costs to run, as a multiple of another's, so that machines can be compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from readroom.models.lab.expression.classifiers import OnnxClassifier
from readroom.models.lab.expression.dataset import SIDE_PX
from readroom.models.lab.figures import Figure, alternately, interval

#: Faces per run: what a small room has in a frame.
BATCH: Final = 4
#: Runs of each network.
ROUNDS: Final = 150


def relative_cost(network: OnnxClassifier, reference: OnnxClassifier) -> Figure:
    """Median CPU time of a run over the reference's, batch 4, one thread, ONNX Runtime.

    Only the run itself, not the cutting out of the face. The interval is a bootstrap over rounds.
    """
    times_s = alternately(_run(network), _run(reference), ROUNDS, time.thread_time)
    drawn = np.random.default_rng(0).integers(0, ROUNDS, (1000, ROUNDS))
    median = np.median(times_s, axis=0)
    medians = np.median(times_s[drawn], axis=1)
    low, high = interval(medians[:, 0] / medians[:, 1])
    return Figure(float(median[0] / median[1]), low, high, ROUNDS)


def _run(network: OnnxClassifier) -> Callable[[], object]:
    faces = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE_PX, SIDE_PX), dtype=np.uint8)
    feeds = list(network.feeds(faces))
    return lambda: [network.session.run(None, feed) for feed in feeds]
