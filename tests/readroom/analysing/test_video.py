"""The settings that a video is analysed with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readroom.analysing.summary import Summary
from readroom.analysing.video import ROOM, notes, settings_for
from readroom.settings import load_settings


def test_an_analysis_meets_no_room_that_runs_whatever_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_REDIS__URL", "redis://example.org")
    monkeypatch.setenv("READROOM_HTTP__HOST", "0.0.0.0")
    monkeypatch.setenv("READROOM_HTTP__TOKEN", "0123456789abcdef")
    monkeypatch.setenv("READROOM_INGEST__PACE", "realtime")
    monkeypatch.setenv("READROOM_INGEST__LOOP", "0")
    monkeypatch.setenv("READROOM_AGGREGATOR__SESSION", "command")
    settings = settings_for(load_settings(), [tmp_path / "a b.mp4"], own_room=True)
    assert settings.room == f"{ROOM}-{os.getpid()}"
    assert settings.redis.url is None
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 0)
    assert (settings.http.metrics_port, settings.http.box_port) == (0, 0)
    assert (settings.ingest.mode, settings.ingest.pace) == ("recording", "fast")
    assert settings.ingest.loop == 1
    assert settings.aggregator.session == "auto"
    assert settings.title == "a b.mp4"


def test_a_title_and_a_room_that_are_given_are_kept(tmp_path: Path) -> None:
    given = load_settings(room="boardroom", title="Pitch")
    settings = settings_for(given, [tmp_path / f"{'x' * 200}{n}" for n in "12"], own_room=False)
    assert (settings.room, settings.title) == ("boardroom", "Pitch")
    named = settings_for(
        load_settings(), [tmp_path / f"{'x' * 200}{n}" for n in "12"], own_room=True
    )
    assert len(named.title) == 300
    (odd,) = [settings_for(load_settings(), [tmp_path / "a\x1b[2J\nb"], own_room=True).title]
    assert odd == "a [2J b"


def test_a_picture_that_was_left_out_on_purpose_isnt_one_that_could_not_be_read() -> None:
    def said(**dropped: int) -> list[str]:
        return notes(Summary("s", "t", 20.0, 200, dropped, (), ()), load_settings())

    assert said(rate=50, cadence=100) == []
    assert said(rate=50, cadence=100, undecodable=1) == ["1 picture could not be read or analysed"]
