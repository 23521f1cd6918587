"""What moves which weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")
pytest.importorskip("pytorch_optimizer", reason="the lab needs it: pip install -e '.[lab]'")

from torch import nn

from readroom.models.lab.optimisers import muon, parameter_groups


def test_biases_and_normalisation_dont_decay() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    decaying, still = parameter_groups(network, 0.1)
    assert (decaying["weight_decay"], still["weight_decay"]) == (0.1, 0.0)
    assert [p.ndim for p in decaying["params"]] == [4]
    assert len(still["params"]) == 3


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 8, 3, bias=False), nn.Conv2d(8, 2, 1)
    )


def test_muon_moves_what_lies_between_the_ends_and_nothing_is_left_still() -> None:
    network = _network()
    first, middle, last = network[0], network[2], network[3]
    optimiser = muon(network, [first.weight, last.weight], 0.1, 0.5)
    by_muon = [group for group in optimiser.param_groups if group["use_muon"]]
    assert [[id(p) for p in group["params"]] for group in by_muon] == [[id(middle.weight)]]
    still = {id(p) for g in optimiser.param_groups if g["weight_decay"] == 0 for p in g["params"]}
    assert still == {id(p) for p in (first.bias, network[1].weight, network[1].bias, last.bias)}
    before = [p.detach().clone() for p in network.parameters()]
    network(torch.rand(2, 1, 9, 9)).square().mean().backward()
    optimiser.step()
    assert all(not torch.equal(p, old) for p, old in zip(network.parameters(), before, strict=True))


def test_muons_update_has_all_directions_alike() -> None:
    network = _network()
    weight = network[2].weight
    optimiser = muon(network, [network[0].weight, network[3].weight], 1.0, 0.0)
    before = weight.detach().clone()
    directions = torch.linalg.qr(torch.randn(36, 8)).Q.T
    for p in network.parameters():
        p.grad = torch.zeros_like(p)
    weight.grad = (torch.logspace(0, -1.5, 8)[:, None] * directions).reshape(weight.shape)
    optimiser.step()
    moved = torch.linalg.svdvals((weight.detach() - before).reshape(8, -1))
    assert moved.max() < 2 * moved.min()
