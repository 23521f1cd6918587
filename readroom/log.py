"""Logs: one line per event, for people or as JSON, redacted, rate-limited.

``log.info("camera connected", camera="front", width=1280)``: the event is a constant text, what
varies are fields. The same event from the same place is written at most :data:`BURST` times in
:data:`WINDOW_S`; the next line after that says how many were held back.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal

from readroom.redaction import MASK, redact

#: Lines of one event let through in a window, and the window's length in s.
BURST = 5
WINDOW_S = 10.0

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """A logger bound to a box and its fixed fields."""

    def __init__(self, logger: logging.Logger, fields: dict[str, Any] | None = None) -> None:
        self._logger = logger
        self._fields = fields or {}

    def bind(self, **fields: Any) -> Log:
        """The same log with more fixed fields."""
        return Log(self._logger, {**self._fields, **fields})

    def debug(self, event: str, **fields: Any) -> None:
        """For whoever debugs."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Normal operation."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something was lost or is degraded; the box goes on."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Something that an operator must look at."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        self._logger.log(level, event, extra={"fields": {**self._fields, **fields}})


class RateLimit(logging.Filter):
    """Lets :data:`BURST` lines of one event pass per window; errors always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be written; adds ``held_back`` to the first of a new window."""
        if record.levelno >= logging.ERROR:
            return True
        now = time.monotonic()
        started, count = self._windows.get(record.msg, (now, 0))
        if now - started >= WINDOW_S:
            held_back = max(0, count - BURST)
            if held_back:
                record.__dict__.setdefault("fields", {})["held_back"] = held_back
            started, count = now, 0
        self._windows[record.msg] = (started, count + 1)
        return count < BURST


class TextFormat(logging.Formatter):
    """``12:03:04 info  work/w1: camera connected camera=front``."""

    def format(self, record: logging.LogRecord) -> str:
        """One redacted line (and the traceback, if any, below it)."""
        fields = getattr(record, "fields", {})
        rest = " ".join(f"{key}={_shown(value)}" for key, value in fields.items())
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        event = " ".join(record.getMessage().splitlines())
        line = f"{clock} {record.levelname.lower():7} {record.name}: {event}"
        line = f"{line} {rest}" if rest else line
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return redact(line)


class JsonFormat(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``box``, ``event`` and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One redacted JSON line."""
        entry: dict[str, Any] = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "box": record.name,
            "event": redact(record.getMessage()),
        }
        for key, value in getattr(record, "fields", {}).items():
            entry[key] = MASK if _names_a_secret(key) else _clean(value)
        if record.exc_info:
            entry["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, default=lambda value: redact(str(value)))


def _clean(value: Any) -> Any:
    """A field's value with every text in it redacted, however deep it lies."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            redact(str(key)): MASK if _names_a_secret(str(key)) else _clean(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it.
    return value


def _names_a_secret(key: str) -> bool:
    return redact(f"{key}=x") != f"{redact(key)}=x"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    # White space of any kind: a line feed in a field would begin another line.
    return json.dumps(text) if any(letter.isspace() for letter in text) else text


def set_up_logging(box: str, log_format: Literal["text", "json"], level: str) -> Log:
    """Send this process's log to stderr; returns the box's log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormat() if log_format == "text" else JsonFormat())
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    return Log(logging.getLogger(box))
