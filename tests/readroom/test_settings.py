"""Settings: one line for every mistake, the strongest source wins, nothing secret is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from pydantic import SecretStr

from readroom.errors import EXIT_BAD_SETTINGS, BadSettings
from readroom.messages import ENGINES, PURPOSES, WITHOUT_EMOTION
from readroom.settings import (
    Settings,
    environment_names,
    lane_name,
    load_settings,
    to_environment,
)

SECRET = "hunter2horse"


@pytest.fixture(autouse=True)
def no_file_in_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(**flags: Any) -> str:
    """The one line that loading ends with."""
    with pytest.raises(BadSettings) as caught:
        load_settings(**flags)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.exit_code == EXIT_BAD_SETTINGS
    return line


#: For every field with bounds: what lies outside of them.
BAD_VALUES = {
    "READROOM_ROOM": ["", "Room", "a b", "-a", "ä", "a/b", "x" * 33, "a{b}", "a:b"],
    "READROOM_TITLE": ["x" * 301],
    "READROOM_SOURCES": ["'unclosed"],
    "READROOM_LANES": [
        *("fase", "face+", "face face", "face+expression expression+face"),
        *("expression", "face mesh", "face pose+identity"),
    ],
    "READROOM_LOG_FORMAT": ["xml", ""],
    "READROOM_LOG_LEVEL": ["loud", "INFO"],
    "READROOM_REDIS__MAXMEMORY_MB": ["63", "much", "1.5"],
    "READROOM_INGEST__MODE": ["tape"],
    "READROOM_INGEST__PACE": ["slow"],
    "READROOM_INGEST__FPS": ["0", "-1", "241", "nan", "inf", "ten"],
    "READROOM_INGEST__MAX_WIDTH": ["15", "7681"],
    "READROOM_INGEST__JPEG_QUALITY": ["29", "101"],
    "READROOM_INGEST__RTSP_TRANSPORT": ["http"],
    "READROOM_INGEST__STALL_TIMEOUT_S": ["0", "301", "nan"],
    "READROOM_INGEST__BACKOFF_MAX_S": ["0", "3601"],
    "READROOM_INGEST__STREAM_FRAMES": ["1", "1025"],
    "READROOM_INGEST__FOLDER_FPS": ["0", "61"],
    "READROOM_INGEST__LOOP": ["-1", "often"],
    "READROOM_INGEST__TRANSPORT": ["pigeon"],
    "READROOM_WORKERS__COUNT": ["-1", "257"],
    "READROOM_WORKERS__ENGINES": ["", "fase", "expression", "expression,pose", "mesh", "identity"],
    "READROOM_WORKERS__DEVICE": ["gpu", "cuda:", "cuda:x", "CPU"],
    "READROOM_WORKERS__FACE_EVERY": ["0", "1001"],
    "READROOM_WORKERS__FACE_SCORE_RATIO": ["-0.1", "1.1", "nan"],
    "READROOM_WORKERS__MIN_FACE_PX": ["7", "513"],
    "READROOM_WORKERS__MAX_PEOPLE": ["0", "201"],
    "READROOM_WORKERS__BATCH_FRAMES": ["0", "65"],
    "READROOM_WORKERS__RECLAIM_IDLE_S": ["0.5", "601"],
    "READROOM_AGGREGATOR__REORDER_S": ["0.01", "31"],
    "READROOM_AGGREGATOR__PUBLISH_HZ": ["0", "21"],
    "READROOM_AGGREGATOR__COMMIT_S": ["0", "1.1"],
    "READROOM_AGGREGATOR__LANE_TIMEOUT_S": ["0.4", "601"],
    "READROOM_HTTP__PORT": ["-1", "65536", "http"],
    "READROOM_HTTP__METRICS_PORT": ["65536"],
    "READROOM_HTTP__HOSTS": ['"unclosed'],
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [(variable, value) for variable, values in BAD_VALUES.items() for value in values],
)
def test_a_bad_value_is_one_line_that_names_field_and_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    line = refused()

    assert line.startswith(environment_names()[variable])
    assert f"({variable}): " in line


def test_the_bad_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_INGEST__FPS", "ten")

    assert refused().startswith("ingest.fps='ten' (READROOM_INGEST__FPS): ")


# --- where a value comes from ----------------------------------------------------------------


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings().ingest.fps == 10.0

    (tmp_path / "readroom.toml").write_text("room = 'hall'\n[ingest]\nfps = 3\nloop = 7\n")
    assert load_settings().ingest.fps == 3.0

    monkeypatch.setenv("READROOM_INGEST__FPS", "4")
    assert load_settings().ingest.fps == 4.0

    loaded = load_settings(ingest={"fps": 5.0, "mode": None}, room=None)
    assert loaded.ingest.fps == 5.0
    assert loaded.ingest.loop == 7, "a section given in parts keeps its other parts"
    assert loaded.ingest.mode == "auto"
    assert loaded.room == "hall"


def test_a_named_file_is_read_in_place_of_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "readroom.toml").write_text("room = 'usual'\n")
    (tmp_path / "other.toml").write_text("room = 'other'\nsources = ['a b.mp4', '0']\n")
    monkeypatch.setenv("READROOM_CONFIG", str(tmp_path / "other.toml"))

    assert load_settings().room == "other"
    assert load_settings().sources == ("a b.mp4", "0")


def test_a_named_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_CONFIG", "nowhere.toml")

    assert refused() == "READROOM_CONFIG=nowhere.toml: no such file"


@pytest.mark.parametrize(
    "content", [b"room = ", b"\xff\xfe", b"[ingest\n", b"room = 'a'\nroom = 'b'\n"]
)
def test_a_file_that_is_no_toml_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "readroom.toml").write_bytes(content)

    assert refused().startswith("readroom.toml: ")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "readroom.toml"
    file.write_text("room = 'a'")
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file.chmod(0)

    assert refused().startswith("readroom.toml: ")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("rom = 'a'\n", "rom"),
        ("[ingest]\nfsp = 3\n", "ingest.fsp"),
        ("[cameras]\nfront = 0\n", "cameras"),
    ],
)
def test_an_unknown_key_of_the_file_is_named(content: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "readroom.toml").write_text(content)

    assert refused().startswith(named)
    assert "no such setting" in refused()


def test_a_section_that_is_no_section_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "readroom.toml").write_text("ingest = 5\n")

    assert refused().startswith("ingest")


@pytest.mark.parametrize(
    ("variable", "suggested"),
    [
        ("READROOM_REDIS_URL", "READROOM_REDIS__URL"),
        ("READROOM_INGEST__FSP", "READROOM_INGEST__FPS"),
        ("READROOM_SOURCE", "READROOM_SOURCES"),
        ("readroom_worker__count", "READROOM_WORKERS__COUNT"),
    ],
)
def test_an_unknown_variable_suggests_the_near_one(
    variable: str, suggested: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")

    assert refused() == f"{variable}: no such setting; did you mean {suggested}?"


def test_an_unknown_variable_far_from_all_points_to_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("READROOM_QQQQQQQQQQQQQQQQQQQ", "1")

    assert refused().endswith("docs/settings.md lists them all")


def test_other_programs_variables_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOMS", "1")
    monkeypatch.setenv("ROOM", "x")
    monkeypatch.setenv("READROOM_PARENT_PID", "1")

    assert load_settings().room == "room"


# --- lists -----------------------------------------------------------------------------------


def test_sources_are_separated_by_white_space_and_quotes_protect_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("READROOM_SOURCES", "rtsp://u:p@cam/1  'clip one.mp4'\n side=0")

    assert load_settings().sources == ("rtsp://u:p@cam/1", "clip one.mp4", "side=0")


@pytest.mark.parametrize(
    ("given", "engines"),
    [
        ("face", ("face",)),
        ("pose,face", ("face", "pose")),
        ("expression+face", ("face", "expression")),
        (" pose  face, expression ", ("face", "expression", "pose")),
        ("identity+mesh pose face,expression", ENGINES),
        ("pose", ("pose",)),
    ],
)
def test_engines_are_put_into_one_order_so_that_a_lane_has_one_name(
    given: str, engines: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_WORKERS__ENGINES", given)

    assert load_settings().workers.engines == engines
    assert load_settings().lane_names == ("+".join(engines),)


def test_lanes_are_spelled_as_workers_name_their_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_LANES", "expression+face pose")

    assert load_settings().lane_names == (lane_name(("face", "expression")), lane_name(("pose",)))


# --- what contradicts itself -----------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "short", "15 letters long"])
def test_an_address_beyond_loopback_needs_a_token(
    token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if token:
        monkeypatch.setenv("READROOM_HTTP__TOKEN", token)
    monkeypatch.setenv("READROOM_HTTP__HOST", "0.0.0.0")

    line = refused()

    assert "READROOM_HTTP__TOKEN" in line
    assert "0.0.0.0" in line
    assert not token or token not in line


def test_an_address_beyond_loopback_with_a_token_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_HTTP__TOKEN", "0123456789abcdef")

    assert load_settings(http={"host": "0.0.0.0"}).http.host == "0.0.0.0"


def test_two_servers_on_one_port_are_refused() -> None:
    assert "both 9000" in refused(http={"port": 9000, "metrics_port": 9000})
    assert load_settings(http={"port": 0, "metrics_port": 0}).http.port == 0


@pytest.mark.parametrize("name", ["expression", "mesh", "identity"])
def test_an_engine_that_reads_faces_is_refused_without_them(name: str) -> None:
    needs = f": {name} needs face in the same worker: make it face+"
    line = refused(workers={"engines": name})
    assert line.startswith(f"workers.engines='{name}' (READROOM_WORKERS__ENGINES)")
    assert line.endswith(f"{needs}{name}")

    line = refused(lanes=f"face pose+{name}")
    assert line.startswith("lanes=")
    assert f"pose+{name}" in line.partition(needs)[0]
    ordered = lane_name(tuple(engine for engine in ENGINES if engine in ("pose", name)))
    assert line.endswith(f"{needs}{ordered}")


def test_all_that_lack_faces_are_named_together() -> None:
    line = refused(workers={"engines": "identity,mesh,pose"})
    assert line.endswith(
        ": mesh and identity need face in the same worker: make it face+pose+mesh+identity"
    )


@pytest.mark.parametrize("purpose", sorted(WITHOUT_EMOTION))
def test_a_purpose_without_emotion_leaves_no_expression_in_any_lane(purpose: str) -> None:
    for asked, lanes in (
        ((), ("face+pose",)),
        (("face+expression+mesh", "pose"), ("face+mesh", "pose")),
        (("face+expression", "face"), ("face",)),
    ):
        loaded = load_settings(purpose=purpose, lanes=asked)
        assert loaded.engines == ("face", "pose")
        assert loaded.lane_names == lanes
    assert load_settings(purpose="audience").engines == ("face", "expression", "pose")
    assert load_settings(purpose="audience").lane_names == ("face+expression+pose",)


# --- secrets ---------------------------------------------------------------------------------


def test_no_secret_is_in_what_settings_print() -> None:
    loaded = load_settings(
        sources=(f"rtsp://admin:{SECRET}@cam/1",),
        redis={"url": f"redis://:{SECRET}@host"},
        http={"token": SECRET * 2},
    )

    assert SECRET not in repr(loaded) + str(loaded)
    assert loaded.redis.url is not None
    assert loaded.redis.url.get_secret_value() == f"redis://:{SECRET}@host"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("READROOM_SOURCES", f"'rtsp://admin:{SECRET}@cam/1"),
        ("READROOM_SOURCES", f'a=b "rtsp://admin:x {SECRET} y@cam/1'),
        ("READROOM_HTTP__PORT", f"redis://:{SECRET}@host"),
        ("READROOM_ROOM", f"password={SECRET}"),
    ],
)
def test_no_secret_is_in_an_error(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    assert SECRET not in refused()


@pytest.mark.parametrize("section", ["redis", "http"])
def test_no_secret_is_in_an_error_about_what_stands_beside_it(section: str, tmp_path: Path) -> None:
    field = {"redis": "url", "http": "token"}[section]
    (tmp_path / "readroom.toml").write_text(
        f"[{section}]\n{field} = ['{SECRET}']\nport = 'x'\nmaxmemory_mb = 'x'\n"
    )

    assert SECRET not in refused()


# --- from process to process -----------------------------------------------------------------

TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "room": st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,31}\Z"),
        "title": TEXTS,
        "sources": st.lists(TEXTS, max_size=3).map(tuple),
        "lanes": st.sampled_from([("face",), ("face+expression", "pose"), ()]),
        "models": st.just(Path("a folder/of 'models'")),
        "log_level": st.sampled_from(["debug", "error"]),
        "redis": st.fixed_dictionaries({"url": TEXTS.map("redis://:{}@host".format)}),
        "ingest": st.fixed_dictionaries(
            {"fps": st.floats(0.01, 240), "loop": st.integers(0, 9), "jpeg_quality": st.just(80)}
        ),
        "workers": st.fixed_dictionaries(
            {"engines": st.sampled_from([("pose",), ("face", "pose"), ENGINES])}
        ),
        "http": st.fixed_dictionaries(
            {
                "host": st.sampled_from(["127.0.0.1", "::1", "0.0.0.0"]),
                "token": TEXTS.map(lambda text: text + 16 * "x"),
                "hosts": st.lists(TEXTS, max_size=2).map(tuple),
            }
        ),
    },
)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHANGES)
def test_another_process_reads_the_same_settings(changes: dict[str, Any]) -> None:
    loaded = load_settings(**changes)
    # What this process's own surroundings say must not shine through.
    surroundings = {"READROOM_INGEST__FPS": "77", "READROOM_TITLE": "another"}

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**surroundings, **to_environment(loaded)}.items():
            patch.setenv(name, value)
        again = load_settings()

    assert again == loaded


def test_a_flag_that_sets_a_default_back_reaches_the_other_process(tmp_path: Path) -> None:
    (tmp_path / "readroom.toml").write_text("sources = ['0']\n[ingest]\nfps = 3\n")
    loaded = load_settings(ingest={"fps": 10.0})

    with pytest.MonkeyPatch.context() as patch:
        for name, value in to_environment(loaded).items():
            patch.setenv(name, value)
        assert load_settings().ingest.fps == 10.0


def test_every_field_has_a_variable_and_every_variable_a_field() -> None:
    loaded = load_settings(
        models=Path("m"),
        chromium=Path("c"),
        purpose="safety",
        redis={"url": "redis://h"},
        http={"token": "x" * 16},
        grafana={"token": "y"},
    )

    assert set(to_environment(loaded)) == set(environment_names())
    assert isinstance(loaded.redis.url, SecretStr)
    assert isinstance(loaded, Settings)


@pytest.mark.parametrize(
    ("variable", "choices"),
    [("READROOM_WORKERS__ENGINES", ENGINES), ("READROOM_PURPOSE", PURPOSES)],
)
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_choice_is_called_empty_and_the_choices_are_told(
    variable: str, choices: tuple[str, ...], value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    line = refused()
    assert f"({variable}): is empty; name one" in line
    assert ", ".join(choices) in line


@pytest.mark.parametrize("value", ["Workplace", "WORKPLACE", " workplace "])
def test_a_purpose_may_be_written_in_any_case(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", value)
    assert load_settings().purpose == "workplace"
    assert load_settings().engines == ("face", "pose")
