"""A network's cost is the CPU time of its runs: what else the machine does is left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.models.lab.expression import cost
from readroom.models.lab.poses import evaluate

#: Longer than a busy run, on any machine.
IDLE_S = 0.02


def idle(*_: object) -> None:
    time.sleep(IDLE_S)


def busy(*_: object) -> None:
    end = time.thread_time() + IDLE_S / 10
    while time.thread_time() < end:
        pass


def poser(run: Callable[..., None]) -> Any:
    return SimpleNamespace(run=run, empty=lambda people: np.empty((people, 3, 8, 8), np.float32))


def classifier(run: Callable[..., None]) -> Any:
    return SimpleNamespace(session=SimpleNamespace(run=run), feeds=lambda faces: [{}])


def test_a_pose_network_that_waits_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "COST_ROUNDS", 3)
    assert evaluate.relative_cost(poser(idle), poser(busy)).value < 0.5


def test_an_expression_network_that_waits_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "ROUNDS", 3)
    assert cost.relative_cost(classifier(idle), classifier(busy)).value < 0.5
