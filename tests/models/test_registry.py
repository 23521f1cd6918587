"""What the registry says is true of the files it pins."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from readroom.messages import ENGINES, EXPRESSIONS
from readroom.models.registry import OWN, PREFERENCE, REGISTRY


@pytest.mark.parametrize("name", REGISTRY)
def test_the_pinned_hash_and_size_are_those_of_the_file(name: str, shared_models: Path) -> None:
    entry = REGISTRY[name]
    body = (shared_models / entry.file).read_bytes()
    assert hashlib.sha256(body).hexdigest() == entry.sha256
    assert len(body) == entry.size_bytes


@pytest.mark.parametrize("name", REGISTRY)
def test_every_entry_says_where_it_comes_from_and_under_which_licence(name: str) -> None:
    entry = REGISTRY[name]
    assert entry.name == name
    assert entry.engine in ENGINES
    assert entry.licence
    assert entry.origin
    assert entry.citation
    assert entry.notes
    assert entry.file == Path(entry.file).name


def test_a_converted_file_claims_no_public_address() -> None:
    for entry in REGISTRY.values():
        converted = "converted" in entry.origin or "made symbolic" in entry.origin
        assert (entry.url is None) == converted


def test_public_addresses_are_pinned_to_a_commit() -> None:
    offered = [entry.url for entry in REGISTRY.values() if entry.url is not None]
    assert offered
    for url in offered:
        assert url.startswith("https://")
        assert any(len(part) == 40 for part in url.split("/"))


def test_every_preferred_network_serves_its_task() -> None:
    for task, names in PREFERENCE.items():
        assert names
        assert all(REGISTRY[name].task == task for name in names)


def test_expression_classes_are_fer_plus_classes() -> None:
    for name in PREFERENCE["expression"]:
        assert set(REGISTRY[name].classes) <= set(EXPRESSIONS)


def test_every_task_of_the_projects_own_says_what_it_was_made_from() -> None:
    files = [own.file for own in OWN.values()]
    assert sorted(files) == ["expression.onnx", "face.onnx", "pose.onnx"]
    assert not set(files) & {entry.file for entry in REGISTRY.values()}
    for own in OWN.values():
        assert own.licence == "Apache-2.0"
        assert "https://" in own.citation
