"""How an operator names cameras: ``SOURCE`` or ``NAME=SOURCE``. Pure but for looking at paths.

Those looks go through os.path, which takes any text: pathlib raises for a name that is too long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from readroom.errors import BadSettings
from readroom.redaction import redact_source
from readroom.settings import NAME_PATTERN

Kind = Literal["rtsp", "http", "webcam", "file", "folder", "demo"]

#: The demo room's cameras, which `demo:` alone stands for (readroom.ingest.demo.CAMERAS; named
#: here so that parsing sources doesn't load the demo room).
DEMO_CAMERAS = ("left", "right")
_SCHEMES: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
_NAME_CHARACTERS = 32
_NAME_RULE = "use 1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit"


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera: its ``name`` (key and label), its ``kind``, and where it is.

    ``source`` may carry a password: show ``shown`` instead, which is redacted.
    """

    name: str
    kind: Kind
    source: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The source as it may be logged and published."""
        return redact_source(self.source)

    @property
    def endless(self) -> bool:
        """Whether it is a camera, which has no end and no past."""
        return self.kind not in ("file", "folder")


def parse_sources(specs: Sequence[str]) -> list[CameraSpec]:
    """The cameras that ``specs`` name, each with a unique legal name.

    Names not given are made: ``cam1``… for addresses and webcams, the file's or folder's own,
    the demo camera's; a name already taken gets ``-2``. `demo:` stands for both demo cameras.
    Raises BadSettings for an illegal or repeated name and for an unknown scheme.
    """
    split = [_split(spec) for spec in _with_both_demo_cameras(specs)]
    taken: set[str] = set()
    for name, _ in split:
        if name is not None:
            if name in taken:
                raise BadSettings(f"camera name {name!r} is given twice: name each camera once")
            taken.add(name)
    cameras: list[CameraSpec] = []
    numbered = 0
    for name, source in split:
        kind = _kind(source)
        numbered += kind in ("rtsp", "http", "webcam")
        unique = name or _unique(_default_name(kind, source, numbered), taken)
        taken.add(unique)
        cameras.append(CameraSpec(unique, kind, source))
    return cameras


def camera_spec(name: str, source: str) -> CameraSpec:
    """One camera under a name that is already settled. Raises BadSettings."""
    return CameraSpec(_legal(name), _kind(source), source)


def _with_both_demo_cameras(specs: Sequence[str]) -> list[str]:
    wanted: list[str] = []
    for spec in specs:
        both = [f"demo:{camera}" for camera in DEMO_CAMERAS]
        wanted += both if spec == "demo:" else [spec]
    return wanted


def _split(spec: str) -> tuple[str | None, str]:
    name, equals, source = spec.partition("=")
    # An address's query or a file's own name may hold '=' too: a name holds none of these.
    if not equals or re.search(r"[:/?\\]", name) or os.path.exists(spec):
        return None, spec
    if not source:
        raise BadSettings(f"{spec!r}: no source after the name; write NAME=SOURCE")
    return _legal(name), source


def _legal(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise BadSettings(f"camera name {name!r} can't be used: {_NAME_RULE}")
    return name


def _kind(source: str) -> Kind:
    if source.startswith("demo:"):
        return "demo"
    if "://" in source:
        scheme = source.partition("://")[0].lower()
        if scheme not in _SCHEMES:
            known = ", ".join(f"{name}://" for name in _SCHEMES)
            raise BadSettings(
                f"{redact_source(source)}: {scheme}:// isn't a camera's address; use {known} or a "
                "path"
            )
        _check_address(source)
        return _SCHEMES[scheme]
    if source.isdigit() or source.startswith("/dev/video"):
        return "webcam"
    return "folder" if os.path.isdir(source) else "file"


def _check_address(source: str) -> None:
    try:
        parts = urlsplit(source)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise BadSettings(
            f"{redact_source(source)}: not a camera's address; write "
            "rtsp://user:password@host:554/path, with / ? # @ in a password as %2F %3F %23 %40"
        )


def _default_name(kind: Kind, source: str, number: int) -> str:
    if kind == "demo":
        return _made_legal(source.removeprefix("demo:"))
    if kind in ("file", "folder"):
        return _made_legal(Path(os.path.abspath(source)).stem)
    return f"cam{number}"


def _made_legal(text: str) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")
    return name[:_NAME_CHARACTERS] or "camera"


def _unique(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        suffix = f"-{count}"
        candidate = name[: _NAME_CHARACTERS - len(suffix)] + suffix
    return candidate
