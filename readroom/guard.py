"""Who may ask an HTTP server of this project: pure checks of a request's headers.

A page on the internet can make a browser send requests to loopback (DNS rebinding, cross-site
requests). So every server checks that ``Host`` names an address it is meant to be reached by,
that ``Origin``, where a browser sends one, is that same host, and that the token is right: of
every request where it listens beyond loopback, and of every request that changes something
wherever it listens. Where no token was set, nothing can be changed.
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
    None where none was set. ``open_to_read``: what changes nothing is answered without it."""

    hosts: frozenset[str]
    token: str | None
    open_to_read: bool = False

    @classmethod
    def of(cls, settings: HttpSettings) -> Guard:
        """The rules that ``settings`` ask for: to read, a token is needed only beyond loopback. A
        name besides is a proxy's, behind which anybody may be."""
        hosts = {*LOOPBACK, settings.host, *settings.hosts}
        token = settings.token.get_secret_value() if settings.token else None
        return cls(
            frozenset(host.lower() for host in hosts),
            token,
            open_to_read=settings.host in LOOPBACK and not settings.hosts,
        )

    def check(
        self,
        headers: Mapping[str, str],
        query_token: str | None = None,
        *,
        writes: bool = False,
    ) -> Refusal | None:
        """None where the request may pass; ``writes``: it changes something. ``headers`` are looked
        up case-insensitively by the mapping itself; ``query_token`` is the token given in the
        address or a cookie (for a browser's event stream, which can't send headers)."""
        host = (headers.get("Host") or "").lower()
        name = host_name(host)
        # What a rebinding attack needs is a name: an address, asked for its token, is none.
        asked = self.token is not None and not self.open_to_read
        if name not in self.hosts and not (asked and _is_address(name)):
            return Refusal(421, "this server isn't reached by that Host; see READROOM_HTTP__HOSTS")
        origin = headers.get("Origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return Refusal(403, "requests from other origins are refused")
        if self.open_to_read and not writes:
            return None
        if self.token is None:
            return Refusal(
                403,
                "this server has no token, so nothing can be changed through it; set "
                "READROOM_HTTP__TOKEN, or start the room with `readroom run`, which makes one",
            )
        if not self.carries_token(headers, query_token):
            return Refusal(401, "a bearer token is needed: Authorization: Bearer …")
        return None

    def carries_token(self, headers: Mapping[str, str], query_token: str | None = None) -> bool:
        """Whether a request has the token, so that it may change something."""
        if not self.token:
            return False
        scheme, _, given = (headers.get("Authorization") or "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else query_token or ""
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


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
