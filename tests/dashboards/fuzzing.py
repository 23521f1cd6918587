"""Runs Schemathesis, where it can run: ``python -m tests.dashboards.fuzzing run …``.

Beside niquests (which the Grafana client needs) the name ``urllib3`` belongs to urllib3-future,
whose connection pools can't be counted the way Schemathesis does it. It counts them only to tell a
connection that was reused from a new one when the server hangs up, which this server doesn't.
"""

from __future__ import annotations

from schemathesis.cli import schemathesis
from schemathesis.transport import requests as sending


def main() -> None:
    """The command line of Schemathesis."""
    sending._count_opened_connections = lambda session: 0
    schemathesis()


if __name__ == "__main__":
    main()
