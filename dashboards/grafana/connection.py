"""Talking to a Grafana: one clear line for whatever may go wrong, and never the token in it.

Goes through grafana-client (extra ``grafana``), which is loaded when it is first needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from readroom.errors import BadSettings, ReadroomError
from readroom.settings import GrafanaSettings

#: A request that takes longer has failed, s.
TIMEOUT_S: Final = 10.0
_ADDRESS: Final = (
    "is the address right, with the path that Grafana is served under (READROOM_GRAFANA__URL)?"
)
#: What a status means, and what to do.
_REMEDIES: Final = {
    401: "refuses the token; has it expired, or is it another Grafana's? Put a new one into "
    "READROOM_GRAFANA__TOKEN, or into a file that READROOM_GRAFANA__TOKEN_FILE names",
    403: "doesn't let this token do that: give its service account the role Editor",
    412: "has another version than the one that was read: somebody has just changed it there; run "
    "the command again",
}


class Away(ReadroomError):
    """Nobody answers, or only with an error of its own: later it may go well."""


class Missing(ReadroomError):
    """There is no such thing in this Grafana."""


class Grafana:
    """A Grafana at an address, with a token. Every method raises ReadroomError with one line that
    says what is wrong and what to do; Away where trying again may help."""

    def __init__(self, settings: GrafanaSettings) -> None:
        if settings.token is None:
            raise BadSettings(
                "no token for Grafana: make one for a service account with the role Editor "
                "(Administration, Service accounts), and put it into READROOM_GRAFANA__TOKEN, or "
                "into a file that READROOM_GRAFANA__TOKEN_FILE names"
            )
        self.url = settings.url
        try:
            self._library: Any = import_module("grafana_client")
            self._requests: Any = import_module("niquests.exceptions")
        except ImportError:
            raise BadSettings(
                "grafana-client isn't installed: run `pip install 'readroom[grafana]'`"
            ) from None
        self._api = self._connect(settings.token.get_secret_value())

    def get(self, path: str, **words: str | list[str]) -> Any:
        """What is at ``/api<path>``. Raises Missing where nothing is."""
        return self._ask("GET", path, params=words)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send something that is new."""
        return self._ask("POST", path, json=dict(body))

    def delete(self, path: str) -> None:
        """Remove something."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, **words: Any) -> Any:
        library, requests = self._library.client, self._requests
        try:
            answer = getattr(self._api.client, method)(path, **words)
        except library.GrafanaException as error:
            raise self._refused(error.status_code, error.response, path) from None
        except (requests.JSONDecodeError, UnicodeError):
            raise self._no_grafana() from None
        except (requests.RequestException, OSError) as error:
            raise Away(
                f"Grafana at {self.url} doesn't answer ({type(error).__name__}): is it running, "
                "and is the address right (READROOM_GRAFANA__URL)?"
            ) from None
        if not isinstance(answer, dict | list):
            raise self._no_grafana()
        return answer

    def _refused(self, status: int, response: Any, path: str) -> ReadroomError:
        """What a status means, and what to do about it."""
        said = response.get("message", "") if isinstance(response, dict) else ""
        at = f"Grafana at {self.url}"
        if status == 0:
            return Away(f"{at} doesn't answer within {TIMEOUT_S:.0f} s: is it well?")
        if status >= 500:
            return Away(f"{at} fails with status {status}: its own log says why; try again")
        if status == 404:
            return Missing(f"{at} has no {path}: {_ADDRESS}") if said else self._no_grafana()
        if status == 400 and "provisioned" in said:
            return ReadroomError(
                f"{at} has this dashboard from its provisioning files already: nothing needs "
                "pushing; to change it, change those files"
            )
        remedy = _REMEDIES.get(status)
        if remedy is not None:
            return ReadroomError(f"{at} {remedy}")
        return ReadroomError(f"{at} refuses {path} with status {status}: {said or 'no reason'}")

    def _no_grafana(self) -> ReadroomError:
        return ReadroomError(f"{self.url} answers, but not as Grafana does: {_ADDRESS}")

    def _connect(self, token: str) -> Any:
        """grafana-client's object for the address."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        prefix = parts.path.strip("/")
        return self._library.GrafanaApi(
            self._library.TokenAuth(token),
            protocol=parts.scheme,
            host=f"[{host}]" if ":" in host else host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            timeout=TIMEOUT_S,
        )
