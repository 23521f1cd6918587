"""``readroom health BOX``: whether a box on this machine says that its loop turns.

Container engines ask by running a command inside the container. A box answers at ``/healthz`` of a
port that its settings name; the answer is looked for there, on loopback or on the address that the
box is bound to, with the token where there is one.
"""

from __future__ import annotations

import http.client

from readroom.errors import BadSettings
from readroom.settings import HttpSettings, Settings

#: A box that takes longer than this to say that it is well isn't, s.
TIMEOUT_S = 4.0
#: Addresses that stand for every one of the machine's, and where such a box is reached from here.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to ask, not to bind

#: By kind of box, the settings that name the ports it answers at.
_PORTS = {
    "run": ("port", "metrics_port"),
    "ingest": ("box_port",),
    "work": ("box_port",),
    "aggregate": ("metrics_port",),
    "live": ("port",),
}


def health(settings: Settings, kind: str) -> tuple[bool, str]:
    """Whether the box of that kind is well, and what it says; ``run`` is its page and its
    aggregator. Raises BadSettings where it listens on any free port, which can't be guessed."""
    answers = [_ask(settings.http, _port(settings.http, name)) for name in _PORTS[kind]]
    return all(well for well, _ in answers), "; ".join(detail for _, detail in answers)


def _port(http_settings: HttpSettings, name: str) -> int:
    port: int = getattr(http_settings, name)
    if port == 0:
        raise BadSettings(
            f"http.{name}=0 (READROOM_HTTP__{name.upper()}): the box takes any free port, so it "
            "can't be asked; give it a port"
        )
    return port


def _ask(settings: HttpSettings, port: int) -> tuple[bool, str]:
    """Ask directly: a proxy that the environment names has no business here."""
    host = _ANYWHERE.get(settings.host, settings.host)
    headers = {}
    if settings.token is not None:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz", headers=headers)
        answer = connection.getresponse()
        text = answer.read(1000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"{host}:{port} doesn't answer ({error or type(error).__name__})"
    finally:
        connection.close()
    return answer.status == http.client.OK, f"{host}:{port} {answer.status} {text}"
