"""The PDF: by a real Chromium where there is one, and what is said where there isn't."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from readroom.dashboards.report import pdf, render
from readroom.dashboards.report.pdf import NoChromium, NotPrinted, find_chromium, to_pdf
from readroom.errors import BadSettings
from tests.dashboards.report.made import LONG, Made, walk

HTML = '<meta name="generator" content="readroom report 1"><title>readroom report: x</title>'


def program(folder: Path, script: str) -> Path:
    """A program that stands for a browser."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_report_is_printed_by_a_real_chromium(tmp_path: Path) -> None:
    if not any(shutil.which(name) for name in pdf.PROGRAMS):
        pytest.skip(f"needs a Chromium on PATH (one of {', '.join(pdf.PROGRAMS)})")
    made = Made(title="Ein Gespräch")
    for name in ("Anna", LONG):
        made.person(walk(np.random.default_rng(1), 120), name=name)
    html = render(made.into(tmp_path / "data"), "s1")
    target = tmp_path / "report.pdf"
    to_pdf(html, target)
    content = target.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert pdf.is_report(content)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # An own report is written over, whatever else is there isn't.
    to_pdf(html, target)
    target.write_bytes(b"%PDF-1.7 somebody's own")
    with pytest.raises(BadSettings, match="wasn't made by this command"):
        to_pdf(html, target)


def test_without_a_chromium_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoChromium, match=r"apt install chromium.*READROOM_CHROMIUM.*open the HTML"):
        to_pdf(HTML, tmp_path / "report.pdf")
    with pytest.raises(NoChromium, match="READROOM_CHROMIUM"):
        find_chromium(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_a_chromium_that_fails_is_quoted(tmp_path: Path) -> None:
    browser = program(tmp_path, 'echo "first" >&2; echo "it broke" >&2; exit 1')
    with pytest.raises(NotPrinted, match=r"made no PDF \(it broke\)"):
        to_pdf(HTML, tmp_path / "report.pdf", browser)
    assert not (tmp_path / "report.pdf").exists()


def test_a_chromium_without_a_sandbox_is_told_apart(tmp_path: Path) -> None:
    browser = program(tmp_path, 'echo "FATAL: No usable sandbox!" >&2; exit 133')
    with pytest.raises(NotPrinted, match="user namespaces"):
        to_pdf(HTML, tmp_path / "report.pdf", browser)


def test_a_chromium_that_hangs_is_stopped_with_all_its_helpers(tmp_path: Path) -> None:
    browser = program(tmp_path, f"sleep 600 & echo $! > {tmp_path}/helper; wait")
    with pytest.raises(NotPrinted, match="within 1 s and was stopped"):
        to_pdf(HTML, tmp_path / "report.pdf", browser, timeout_s=1.0)
    helper = int((tmp_path / "helper").read_text())
    deadline = time.monotonic() + 10
    while _runs(helper):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Who was stopped and is nobody's child any more may wait for being taken note of.
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_the_sandbox_is_given_up_for_root_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for user, without in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        command = pdf._command("chromium", Path("/f"), Path("/f/a.html"), Path("/f/a.pdf"))
        assert ("--no-sandbox" in command) is without
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in command
