"""``readroom health``: what a box that runs here says of itself, by its settings' address."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from readroom.box import Box, serve
from readroom.cli import main
from readroom.errors import BadSettings
from readroom.health import health
from readroom.log import Log
from readroom.settings import Settings, load_settings

TOKEN = "0123456789abcdef"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("READROOM_HTTP__HOST", request.param)
    monkeypatch.setenv("READROOM_HTTP__TOKEN", TOKEN)
    monkeypatch.setenv("READROOM_HTTP__BOX_PORT", str(free_port()))
    # Not one of a proxy that somebody's environment names.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    return load_settings()


@pytest.fixture
def box(settings: Settings) -> Iterator[Box]:
    """A box's pages, served; its loop turns when the test says so."""
    made = Box("work", "w1", settings, Log(logging.getLogger("test")))
    server = serve(made, settings, settings.http.box_port)
    yield made
    server.shutdown()
    server.server_close()


def test_a_box_whose_loop_turns_is_well(
    box: Box, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    box.alive()
    well, detail = health(settings, "work")
    assert well
    assert "200" in detail

    with pytest.raises(SystemExit) as end:
        main(["health", "work"])
    assert end.value.code == 0
    assert "last turn" in capsys.readouterr().out


def test_a_box_whose_loop_hangs_is_not_well(
    box: Box, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "healthy", lambda: (False, "last turn 99.0 s ago"))
    well, detail = health(settings, "work")
    assert not well
    assert "503 last turn 99.0 s ago" in detail


def test_a_box_that_is_not_there_is_not_well_and_its_address_is_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["health", "work"])
    assert end.value.code == 1
    assert f"127.0.0.1:{settings.http.box_port} doesn't answer" in capsys.readouterr().out


def test_what_is_no_box_is_not_well(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.http.box_port)) as server:
        # Takes the connection and says nothing sensible.
        server.settimeout(5)

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"not HTTP at all\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        well, detail = health(settings, "work")
        thread.join()
    assert not well
    assert "doesn't answer" in detail


def test_a_port_that_nobody_knows_beforehand_is_bad_settings() -> None:
    with pytest.raises(BadSettings, match="READROOM_HTTP__BOX_PORT"):
        health(load_settings(), "ingest")


def test_a_run_is_well_only_if_its_page_and_its_aggregator_are(
    box: Box, settings: Settings
) -> None:
    box.alive()
    both = settings.model_copy(
        update={
            "http": settings.http.model_copy(
                update={"port": settings.http.box_port, "metrics_port": free_port()}
            )
        }
    )
    well, detail = health(both, "run")
    assert not well
    assert "200" in detail
    assert "doesn't answer" in detail


def test_a_box_that_listens_on_every_address_answers_under_the_name_that_lists_it(
    box: Box, settings: Settings
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", settings.http.box_port, timeout=5)
    headers = {"Host": f"{socket.gethostname()}:1", "Authorization": f"Bearer {TOKEN}"}
    connection.request("GET", "/metrics", headers=headers)
    status = connection.getresponse().status
    connection.close()
    # On loopback nobody calls it so, and a name could be an attacker's.
    assert status == (200 if settings.http.host == "0.0.0.0" else 421)
