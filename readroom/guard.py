"""Who may ask an HTTP server of this project: pure checks of a request's headers.

A page on the internet can make a browser send requests to loopback (DNS rebinding, cross-site
requests). So every server checks that ``Host`` names an address it is meant to be reached by,
that ``Origin``, where a browser sends one, is that same host, and, where it listens beyond
loopback, that the bearer token is right.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from readroom.settings import LOOPBACK, HttpSettings


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused; ``status`` is the HTTP status code."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server. ``hosts`` are host names without port, lower case; ``token`` is
    None where none is asked for."""

    hosts: frozenset[str]
    token: str | None

    @classmethod
    def of(cls, settings: HttpSettings) -> Guard:
        """The rules that ``settings`` ask for: a token only beyond loopback."""
        beyond = settings.host not in LOOPBACK
        hosts = {*LOOPBACK, settings.host, *settings.hosts}
        token = settings.token.get_secret_value() if beyond and settings.token else None
        return cls(frozenset(host.lower() for host in hosts), token)

    def check(self, headers: Mapping[str, str], query_token: str | None = None) -> Refusal | None:
        """None where the request may pass. ``headers`` are looked up case-insensitively by the
        mapping itself; ``query_token`` is the token given in the address (for a browser's event
        stream, which can't send headers)."""
        host = (headers.get("Host") or "").lower()
        name = host_name(host)
        # What a rebinding attack needs is a name: an address, asked for its token, is none.
        if name not in self.hosts and not (self.token is not None and _is_address(name)):
            return Refusal(421, "this server isn't reached by that Host; see READROOM_HTTP__HOSTS")
        origin = headers.get("Origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return Refusal(403, "requests from other origins are refused")
        if self.token is not None:
            scheme, _, given = (headers.get("Authorization") or "").partition(" ")
            given = given.strip() if scheme.lower() == "bearer" else query_token or ""
            if not hmac.compare_digest(given.encode(errors="replace"), self.token.encode()):
                return Refusal(401, "a bearer token is needed: Authorization: Bearer …")
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_name(host: str) -> str:
    """A Host header's name without port, lower case; ``[::1]:80`` gives ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
