from __future__ import annotations

from pathlib import Path

from benchmarks.history import PAGE, add, row

RESULT = {
    "at": "2026-11-21 18:00",
    "pipeline_to_bare": 0.961,
    "pipeline_to_prototype": 4.2,
    "latency": {"p95_in_bare_frames": 1.42},
    "networks_ms": {
        "face": {"1/1": 5.71},
        "yunet_n_dynamic": {"1/1": 7.7},
        "tinypose_128x96": {"1/1": 4.66},
    },
    "page": {
        "update": {"p95_ms": 123.2},
        "viewers": {"core": 0.021},
        "hour": {
            "kept": [{"heap_mb": 3.5}, {"heap_mb": 3.9}, {"heap_mb": 3.64}],
            "longest_cpu_ms": 54.1,
        },
        "report": {"seconds": 1.04, "mb": 0.222},
    },
    "analyse": {"bare": {"to_bare": 0.881}},
    "aggregator": {"processes": {"12": {"core": 0.0912, "frame_p95_s": 0.0187}}},
}


def test_a_run_is_one_row_with_the_networks_that_are_there() -> None:
    said = row("own | networks", "abc1234", RESULT)

    assert said == (
        "| 2026-11-21 18:00, abc1234 | own / networks | 0.96 | 4.20 | 1.42 | 5.7, –, 4.7 "
        "| 9.1 %, 19 ms | 123 ms, 0.02, 1.04, 54 ms | 1.0 s, 0.22 MB | 0.88 |"
    )


def test_what_was_not_measured_is_no_number() -> None:
    assert row("memory only", "abc1234", {"at": "now"}).endswith(
        "| – | – | – | –, –, – | – | – | – | – |"
    )


def test_a_row_fits_the_page_that_is_kept(tmp_path: Path) -> None:
    kept = (Path(__file__).parents[2] / PAGE).read_text("utf-8")
    page = tmp_path / "page.md"
    page.write_text(kept, "utf-8")

    add(page, "what", RESULT)

    *_, header, last = [line for line in page.read_text("utf-8").splitlines() if "|" in line]
    assert page.read_text("utf-8").startswith(kept)
    assert header.count("|") == last.count("|")
