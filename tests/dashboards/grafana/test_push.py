"""``readroom grafana push`` as a user runs it, against a stand-in that takes what Grafana takes."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from readroom import purpose
from readroom.cli import main
from readroom.dashboards.grafana import connection
from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.panels import as_json
from readroom.messages import WITHOUT_EMOTION

from . import stub as stand_in
from .stub import TOKEN, Stub


def run(*words: str) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["grafana", *words])
    return ended.value.code if isinstance(ended.value.code, int) else -1


def pushed(stub: Stub, without_emotion: bool) -> dict[str, Any]:
    boards_there = {uid: dict(board) for uid, board in stub.dashboards.items()}
    for board in boards_there.values():
        del board["id"], board["version"]
    assert boards_there == {b.uid: as_json(b) for b in boards(without_emotion)}
    return boards_there


def test_every_dashboard_is_made_in_a_folder_of_its_own(
    grafana: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", "--folder", "Our rooms") == 0

    pushed(grafana, without_emotion=False)
    assert grafana.folders["readroom"]["title"] == "Our rooms"
    told = capsys.readouterr().out
    assert f"readroom: Room: made, {grafana.address}/d/readroom-room/" in told


def test_pushing_again_changes_nothing(grafana: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    run("push")
    before = {uid: board["version"] for uid, board in grafana.dashboards.items()}
    capsys.readouterr()

    assert run("push") == 0

    assert {uid: board["version"] for uid, board in grafana.dashboards.items()} == before
    assert capsys.readouterr().out.count("unchanged") == 3


def test_what_was_changed_is_updated(grafana: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    run("push")
    grafana.dashboards["readroom-people"]["title"] = "somebody's own"
    capsys.readouterr()

    assert run("push") == 0

    pushed(grafana, without_emotion=False)
    assert grafana.dashboards["readroom-people"]["version"] == 2
    told = capsys.readouterr().out
    assert told.count("unchanged") == 2
    assert "updated" in told


@pytest.mark.parametrize("purpose", sorted(WITHOUT_EMOTION))
def test_where_no_emotion_may_be_inferred_no_dashboard_names_one(
    grafana: Stub, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", purpose)

    assert run("push") == 0

    pushed(grafana, without_emotion=True)


def test_the_purpose_is_that_of_the_room_that_is_named(grafana: Stub, tmp_path: Path) -> None:
    purpose.keep(tmp_path / "data", "office", purpose.answered("workplace", 0.0))

    assert run("push", "--room", "office") == 0

    pushed(grafana, without_emotion=True)


def test_a_token_may_lie_in_a_file(
    grafana: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.delenv("READROOM_GRAFANA__TOKEN")
    monkeypatch.setenv("READROOM_GRAFANA__TOKEN_FILE", str(tmp_path / "token"))

    assert run("push") == 0

    assert len(grafana.dashboards) == 3


def test_grafana_may_be_served_under_a_path(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in.running(prefix="/grafana") as stub:
        monkeypatch.setenv("READROOM_GRAFANA__URL", f"{stub.address}/")
        monkeypatch.setenv("READROOM_GRAFANA__TOKEN", TOKEN)

        assert run("push") == 0

        assert len(stub.dashboards) == 3
        assert f"{stub.address}/d/readroom-room/" in capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    """The one line that a push ends with; it never holds the token."""
    assert run("push") == code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert TOKEN not in captured.err + captured.out
    return lines[0]


def test_a_token_that_grafana_refuses(grafana: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    grafana.token = "another"

    line = refused(capsys)

    assert f"Grafana at {grafana.address} refuses the token" in line
    assert "READROOM_GRAFANA__TOKEN" in line
    assert not grafana.dashboards


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, ("doesn't let this token", "role Editor")),
        (412, ("somebody has just changed it", "run the command again")),
        (400, ("refuses /folders/readroom with status 400: as told",)),
        (500, ("fails with status 500", "try again")),
    ],
)
def test_an_error_of_grafana_is_one_line_with_its_remedy(
    grafana: Stub, capsys: pytest.CaptureFixture[str], status: int, words: tuple[str, ...]
) -> None:
    grafana.broken = status

    line = refused(capsys)

    for word in words:
        assert word in line


def test_what_somebody_saves_meanwhile_is_not_overwritten(
    grafana: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    run("push")
    capsys.readouterr()
    room = grafana.dashboards["readroom-room"]
    room["title"] = "changed before"

    def meanwhile() -> None:
        room["version"] += 1
        room["title"] = "changed meanwhile"

    grafana.before_saving = meanwhile
    line = refused(capsys)

    assert "run the command again" in line
    assert grafana.dashboards["readroom-room"]["title"] == "changed meanwhile"


def test_dashboards_that_come_from_files_are_left_to_them(
    grafana: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    grafana.provisioned = True

    assert "from its provisioning files already: nothing needs pushing" in refused(capsys)


def test_nobody_at_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("READROOM_GRAFANA__URL", address)
    monkeypatch.setenv("READROOM_GRAFANA__TOKEN", TOKEN)

    line = refused(capsys)

    assert f"Grafana at {address} doesn't answer" in line
    assert "READROOM_GRAFANA__URL" in line


def test_somebody_at_the_address_who_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.3)
    monkeypatch.setenv("READROOM_GRAFANA__TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("READROOM_GRAFANA__URL", address)

        line = refused(capsys)

    assert f"Grafana at {address} doesn't answer" in line


def test_something_else_at_the_address(grafana: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    grafana.page = "<html>a page of something else</html>"

    assert "but not as Grafana does" in refused(capsys)


def test_an_address_without_grafanas_path(
    grafana: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READROOM_GRAFANA__URL", f"{grafana.address}/elsewhere")

    assert "with the path that Grafana is served under" in refused(capsys)


@pytest.mark.parametrize(
    "url", ["grafana:3000", "ftp://grafana", "http://admin:secret-word@grafana:3000", "http://"]
)
def test_an_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("READROOM_GRAFANA__URL", url)
    monkeypatch.setenv("READROOM_GRAFANA__TOKEN", TOKEN)

    line = refused(capsys, code=2)

    assert "READROOM_GRAFANA__URL" in line
    assert "secret-word" not in line


def test_no_token(
    grafana: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("READROOM_GRAFANA__TOKEN")

    line = refused(capsys, code=2)

    assert "READROOM_GRAFANA__TOKEN_FILE" in line
    assert not grafana.asked


def test_no_grafana_client(
    grafana: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "grafana_client", None)

    assert "pip install 'readroom[grafana]'" in refused(capsys, code=2)
