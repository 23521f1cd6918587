"""How far an analysis has come, in words and as a bar."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest

from readroom.analysing.progress import Pace, shown, words


def test_the_speed_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(100):
        pace.reached(
            media_s=2.0 * second if second < 50 else 100 + 5.0 * (second - 50), now_s=second
        )
    assert pace.speed == pytest.approx(5.0)
    assert pace.left_s(845.0) == pytest.approx((845 - 345) / 5)


def test_nothing_is_told_before_there_is_something_to_tell() -> None:
    pace = Pace()
    assert pace.speed is None
    assert pace.left_s(10.0) is None
    pace.reached(0.0, 0.0)
    pace.reached(9.0, 0.5)
    assert pace.speed is None


def test_a_recording_that_stands_still_has_no_end_to_tell() -> None:
    pace = Pace()
    pace.reached(3.0, 0.0)
    pace.reached(3.0, 9.0)
    assert pace.speed == 0
    assert pace.left_s(10.0) is None
    assert words(3.0, 10.0, pace, 1) == "0:03 of 0:10 · 0.0 × real time · 1 person in view"


def test_a_line_says_how_far_how_fast_how_long_and_who() -> None:
    pace = Pace()
    pace.reached(0.0, 0.0)
    pace.reached(12.0, 3.0)
    assert words(12.0, 65.0, pace, 2) == (
        "0:12 of 1:05 · 4.0 × real time · 0:13 left · 2 people in view"
    )


def test_of_a_file_that_doesnt_say_its_length_no_end_is_told() -> None:
    pace = Pace()
    pace.reached(0.0, 0.0)
    pace.reached(4.0, 2.0)
    assert words(4.0, None, pace, 0) == "0:04 · 2.0 × real time · 0 people in view"


def test_without_a_terminal_a_line_is_written_every_five_seconds() -> None:
    stream = io.StringIO()
    with shown(stream) as bar:
        for now_s in range(12):
            bar.show(now_s, 20.0, f"line {now_s}", float(now_s))
    assert stream.getvalue().splitlines() == ["line 0", "line 5", "line 10"]


_AT_A_TERMINAL = """
import subprocess, sys, time
from readroom.analysing.progress import shown
with shown(sys.stderr) as bar:
    bar.show(1.0, 4.0, "a [red]quarter[/red]", 0.0)
    child = "import sys; print('a [b]child[/b] says', file=sys.stderr)"
    subprocess.run([sys.executable, "-c", child])
    time.sleep(0.5)
print("afterwards", file=sys.stderr)
"""


def test_at_a_terminal_what_others_write_stands_above_the_bar() -> None:
    keeper, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _AT_A_TERMINAL],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    ) as process:
        os.close(terminal)
        said = b""
        while True:
            try:
                part = os.read(keeper, 65536)
            except OSError:  # Linux: the other end is closed.
                break
            if not part:
                break
            said += part
    os.close(keeper)
    assert process.returncode == 0
    text = said.decode()
    assert "a [red]quarter[/red]" in text  # As text and never as markup.
    assert "a [b]child[/b] says\r\n" in text
    assert text.index("child") < text.rindex("quarter")
    # The bar leaves nothing behind, and the cursor is there.
    assert text.rstrip().endswith("afterwards")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
