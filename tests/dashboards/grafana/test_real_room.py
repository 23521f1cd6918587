"""A real room that runs is annotated as it goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from .prometheus import Prometheus
from .scraping import ROOM
from .stub import Stub
from .test_annotate import texts, wait


@pytest.mark.slow
def test_the_real_program_is_followed_and_its_markers_are_written(
    grafana: Stub, prometheus: Prometheus
) -> None:
    """The demo room that is scraped, found on this machine as a user's command finds it."""
    words = [sys.executable, "-m", "readroom"]
    room = ["--room", ROOM]
    with subprocess.Popen(
        [*words, "grafana", "annotate", "--follow", *room], stdout=subprocess.PIPE, text=True
    ) as following:
        try:
            wait(lambda: texts(grafana, "session") == ["The session began"])
            subprocess.run([*words, "mark", "pricing slide", *room], check=True)
            wait(lambda: texts(grafana, "marker") == ["Marked: pricing slide"])
            following.send_signal(signal.SIGINT)
            said, _ = following.communicate(timeout=30)
        finally:
            following.kill()

    assert following.returncode == 0
    assert said.splitlines()[0].startswith("annotating session ")
    assert said.splitlines()[-1].endswith(" annotations written")
    (marked,) = (a for a in grafana.annotations.values() if "marker" in a["tags"])
    assert abs(marked["time"] / 1000 - time.time()) < 60
    assert f"room:{ROOM}" in marked["tags"]
