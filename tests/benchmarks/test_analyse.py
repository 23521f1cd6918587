"""What the bench says of `readroom analyse`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import analyse, loops
from tests.ingest.clips import write_clip


def test_each_case_has_its_ratio_and_what_starting_costs() -> None:
    case = {"fps": 10.0, "to_bare": 0.91, "times_real_time": 4.7, "starting_s": 3.4}
    told = dict(analyse.rows({"bare-third": case}))
    assert told["**analyse ÷ bare** (10 of 30 frames/s, goal ≥ 0.85)"] == "**0.91**"
    assert "4.7; 3.4 s" in told.values()
    assert analyse.rows({}) == []


def test_a_bare_loop_of_every_third_picture_decodes_them_all_and_takes_each_third(
    tmp_path: Path,
) -> None:
    grey = [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(9)]
    clip = write_clip(tmp_path / "x.mp4", pictures=grey)
    frames = loops.decoded(clip, 3)
    levels = [round(float(next(frames).mean()) / 20) for _ in range(4)]
    assert levels == [0, 3, 6, 0]  # Again from the beginning.
