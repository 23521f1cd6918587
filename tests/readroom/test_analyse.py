"""What `readroom analyse` is given, and what it makes of it, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from readroom.aggregator.store import only_aggregator
from readroom.analyse import ROOM, Outputs, check_outputs, settings_for, sort_out
from readroom.analysis_summary import PersonSummary, Summary, coverage, lines
from readroom.cli import main
from readroom.errors import BadSettings
from readroom.messages import Box
from readroom.sessions.rows import Sample
from readroom.settings import load_settings
from readroom.words import vocabulary
from tests.ingest.clips import cut, write_clip


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What a command that can't work says, which is one line."""
    with pytest.raises(SystemExit) as ended:
        main(["analyse", *map(str, words)])
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1, said
    return said


def picture(path: Path) -> Path:
    Image.new("RGB", (64, 64)).save(path, "PNG")
    return path


# What is to be analysed.


def test_pictures_and_videos_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    photo, clip = picture(tmp_path / "x.mp4"), write_clip(tmp_path / "y.mp4")
    clip = clip.rename(tmp_path / "y.jpg")
    assert sort_out([str(photo)]) == ([photo], [])
    assert sort_out([str(clip)]) == ([], [clip])


def test_pictures_and_videos_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "y.mp4")
    said = refused(capsys, picture(tmp_path / "x.png"), clip)
    assert "x.png is a picture" in said
    assert "one after the other" in said


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path, "no such file"),
        (lambda path: path.touch() or path, "is empty (0 bytes)"),
        (lambda path: path.write_bytes(b"not a video\n" * 50) and path, "not a video"),
        (lambda path: path.write_bytes(b"\0" * 5000) and path, "not a video"),
        (lambda path: cut(write_clip(path), 0.5), "not a video"),
        (lambda path: path.mkdir() or path, "no pictures in this folder"),
        (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99)) and path, "save it as"),
    ],
)
def test_what_is_no_video_is_one_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Path],
    says: str,
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    path = make(tmp_path / "a tälk [1].mp4")
    said = refused(capsys, path)
    assert says in said
    assert str(path) in said


def test_a_camera_isnt_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "`readroom run`" in refused(capsys, "/dev/null")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    clip = write_clip(tmp_path / "x.mp4")
    clip.chmod(0)
    assert "x.mp4: can't be read (Permission denied)" in refused(capsys, clip)


def test_a_name_that_isnt_utf_8_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"t\xe4lk.mp4")
    with open(path, "wb") as file:
        file.write(b"x")
    assert "isn't UTF-8" in refused(capsys, os.fsdecode(path))


def test_a_name_that_begins_with_a_dash_is_a_file_behind_two_dashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "-talk.mp4: no such file" in refused(capsys, "--", "-talk.mp4")


def test_without_a_terminal_to_ask_at_nothing_is_read_without_a_purpose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (write_clip(tmp_path / "x.mp4"), picture(tmp_path / "x.png")):
        assert "READROOM_PURPOSE" in refused(capsys, path)


# What is to be written.


@pytest.mark.parametrize("option", ["--report=r.html", "--pdf=r.pdf", "--title=x", "--fps=5"])
def test_options_of_videos_are_refused_for_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    said = refused(capsys, picture(tmp_path / "x.png"), option)
    assert option.partition("=")[0] in said
    assert "pictures" in said


def test_annotated_copies_are_refused_for_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--annotate" in refused(capsys, write_clip(tmp_path / "x.mp4"), "--annotate", tmp_path)


@pytest.mark.parametrize("marker", ["pricing", "12", "x=pricing", "-1=pricing", "12= "])
def test_a_marker_is_a_time_and_a_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], marker: str
) -> None:
    clip = write_clip(tmp_path / "x.mp4")
    assert "SECONDS=LABEL" in refused(capsys, clip, f"--marker={marker}")


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


# How it is run.


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


def test_a_room_that_runs_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    data = tmp_path / "data"
    data.mkdir()
    with only_aggregator(data, "boardroom"):
        said = refused(capsys, write_clip(tmp_path / "x.mp4"), "--room", "boardroom")
    assert "room=boardroom" in said
    assert "stop it, or name another room" in said


# What is said of it.


def sample(time_s: float, share: float) -> Sample:
    return Sample(1, time_s, "neutral", 0.9, None, share, Box(0, 0, 9, 9))


def test_coverage_is_that_of_the_whole_presence() -> None:
    # Readable in the first minute, not in the second, half of the third: a minute's share each.
    share = {60.0: 1.0, 120.0: 0.0, 180.0: 0.5}
    samples = [sample(at, share.get(at, 0.123)) for at in [n * 0.25 for n in range(721)]]
    assert coverage(samples) == pytest.approx((1.0 + 0.0 + 0.5) / 3)


def test_coverage_of_a_short_presence_is_the_last_that_was_said() -> None:
    assert coverage([sample(5.0, 0.2), sample(5.25, 0.4), sample(9.0, 0.6)]) == pytest.approx(0.6)
    assert coverage([sample(5.0, 0.7)]) == pytest.approx(0.7)
    assert coverage([]) == 0


def summary(*people: PersonSummary) -> Summary:
    return Summary("s", "t", 20.0, 200, {}, people, ())


def test_a_summary_says_who_looked_how_for_how_long_and_what_it_rests_on() -> None:
    states = {"happiness": 9.4, "not_visible": 8.0, "uncertain": 2.8, "sadness": 0.3}
    said = list(lines(summary(PersonSummary(1, "P1", 0, 19, 0.86, states)), vocabulary(False)))
    assert said == [
        "P1 (0:00 to 0:19): looked happy for 9.4 s, was hard to read for 2.8 s; face readable for "
        "86 % of the time"
    ]


def test_a_summary_of_nobody_says_what_a_face_takes() -> None:
    assert "nobody's face was found in 20 s (200 pictures)" in next(
        lines(summary(), vocabulary(False))
    )


def test_a_summary_of_many_people_isnt_a_page_long() -> None:
    people = [PersonSummary(n, f"P{n}", 0, 9, 1.0, {"neutral": 9.0}) for n in range(1, 31)]
    said = list(lines(summary(*people), vocabulary(False)))
    assert len(said) == 13
    assert said[-1] == "and 18 more"
