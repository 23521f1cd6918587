"""The errors a person reads: one line that names the thing, the value and the remedy.

Raised anywhere, caught once, in ``readroom.cli`` and ``readroom.box``: the line goes to stderr
(redacted) and the process ends with the error's exit code. Anything else that escapes is a bug
and keeps its traceback.
"""

from __future__ import annotations

#: Exit codes that a service manager understands (see docs/operations.md).
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_SETTINGS = 2


class ReadroomError(Exception):
    """A failure of the running service that a person can act on (exit code 1)."""

    exit_code = EXIT_FAILED


class BadSettings(ReadroomError):
    """Something given by the operator can't be used: fix it and start again (exit code 2)."""

    exit_code = EXIT_BAD_SETTINGS
