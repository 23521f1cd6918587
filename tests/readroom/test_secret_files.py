"""Secrets that lie in files: which settings may, what wins, and what a bad file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from readroom.errors import BadSettings
from readroom.settings import FROM_FILES, environment_names, load_settings, to_environment

TOKEN = "0123456789abcdef0123"


@pytest.fixture
def token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a token, named in the environment."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("READROOM_HTTP__TOKEN_FILE", str(path))
    return path


def test_every_setting_that_may_lie_in_a_file_exists() -> None:
    assert set(FROM_FILES) <= set(environment_names())


def test_a_secret_is_read_from_its_file_without_the_line_end(token_file: Path) -> None:
    token = load_settings().http.token
    assert token is not None
    assert token.get_secret_value() == TOKEN


def test_sources_and_the_address_of_redis_may_lie_in_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis").write_text("redis://:hunter2horse@h:6379/0")
    (tmp_path / "sources").write_text("front=rtsp://u:p@h/1 'talk 1.mp4'\n")
    monkeypatch.setenv("READROOM_REDIS__URL_FILE", str(tmp_path / "redis"))
    monkeypatch.setenv("READROOM_SOURCES_FILE", str(tmp_path / "sources"))

    settings = load_settings()

    assert settings.redis.url is not None
    assert settings.redis.url.get_secret_value() == "redis://:hunter2horse@h:6379/0"
    assert settings.sources == ("front=rtsp://u:p@h/1", "talk 1.mp4")


def test_the_variable_itself_beats_its_file_so_that_children_get_what_is_handed_to_them(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = to_environment(load_settings())
    token_file.write_text("another token, not the one")
    for name, value in handed.items():
        monkeypatch.setenv(name, value)

    token = load_settings().http.token
    assert token is not None
    assert token.get_secret_value() == TOKEN


def test_a_secret_file_beats_the_toml_file(
    token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "readroom.toml").write_text("[http]\ntoken = 'sixteen letters!'\nport = 1234\n")
    monkeypatch.setenv("READROOM_CONFIG", str(tmp_path / "readroom.toml"))

    http = load_settings().http
    assert http.token is not None
    assert (http.token.get_secret_value(), http.port) == (TOKEN, 1234)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b" \n", "is empty"), (b"\xff\xfe", "UTF-8")],
)
def test_a_file_that_can_not_be_used_is_named_with_its_variable(
    content: bytes | None, said: str, token_file: Path
) -> None:
    token_file.unlink()
    if content is not None:
        token_file.write_bytes(content)

    with pytest.raises(BadSettings) as error:
        load_settings()

    text = str(error.value)
    assert "READROOM_HTTP__TOKEN_FILE" in text
    assert str(token_file) in text
    assert said in text


def test_a_bad_value_of_a_file_is_not_shown(token_file: Path) -> None:
    token_file.write_text("short")
    with pytest.raises(BadSettings) as error:
        load_settings()
    assert "short" not in str(error.value)


def test_a_setting_that_is_no_secret_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_ROOM_FILE", "/etc/room")
    with pytest.raises(BadSettings, match="no such setting"):
        load_settings()
