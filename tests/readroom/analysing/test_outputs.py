"""Files that an analysis is asked to write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readroom.analysing.outputs import Outputs, check_outputs, save_json
from readroom.errors import BadSettings
from tests.ingest.clips import write_clip


def test_nothing_is_written_over_that_wasnt_made_by_this_program(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "x.mp4")
    notes = tmp_path / "notes"
    notes.write_text("mine")
    for outputs in (Outputs(report=notes), Outputs(json=notes)):
        with pytest.raises(BadSettings, match="wasn't made by this command"):
            check_outputs(outputs, [clip], None)
    with pytest.raises(BadSettings, match="is what is to be analysed"):
        check_outputs(Outputs(json=tmp_path / "." / "x.mp4"), [clip], None)
    with pytest.raises(BadSettings, match="a folder"):
        check_outputs(Outputs(report=tmp_path), [clip], None)
    with pytest.raises(BadSettings, match="there is no folder"):
        check_outputs(Outputs(json=tmp_path / "none" / "x.json"), [clip], None)
    with pytest.raises(BadSettings, match="two of the files to write are one"):
        check_outputs(Outputs(tmp_path / "a", None, tmp_path / "." / "a"), [clip], None)


def test_without_a_browser_a_pdf_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadSettings, match="Chromium"):
        check_outputs(Outputs(pdf=tmp_path / "x.pdf"), [], None)


def test_a_script_that_names_this_program_is_somebodys_own(tmp_path: Path) -> None:
    script = tmp_path / "nightly.sh"
    script.write_text("#!/bin/sh\nreadroom analyse talk.mp4 --json talk.json\n")
    with pytest.raises(BadSettings, match="wasn't made by this command"):
        check_outputs(Outputs(json=script), [], None)


def test_what_an_earlier_analysis_wrote_is_written_over(tmp_path: Path) -> None:
    out = tmp_path / "talk.json"
    for title in ("one", "two"):
        assert list(save_json(out, {"title": title})) == [f"as JSON: {out}"]
        check_outputs(Outputs(json=out), [], None)
    assert json.loads(out.read_text())["title"] == "two"
