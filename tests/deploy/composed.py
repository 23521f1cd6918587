"""The compose files and the Containerfile as their engines read them: merged and filled in."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..conftest import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yml"
CONTAINERFILE = DEPLOY / "containers" / "Containerfile"
#: How our own image is called, before its version.
OURS = "readroom:"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with ``${NAME:-default}`` filled in and ``$$`` made ``$``, as compose does it.
    Raises KeyError for a name that has neither value nor default."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        default = found["default"]
        return variables.get(found["name"]) or (default if default is not None else "")

    return _VARIABLE.sub(value, text)


def resolved(value: Any, variables: Mapping[str, str]) -> Any:
    """A parsed file with every text filled in."""
    if isinstance(value, str):
        return filled_in(value, variables)
    if isinstance(value, list):
        return [resolved(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: resolved(item, variables) for key, item in value.items()}
    return value


def compose(path: Path = COMPOSE, **variables: str) -> dict[str, Any]:
    """A compose file, its anchors merged and its variables filled in."""
    found: dict[str, Any] = resolved(yaml.safe_load(path.read_text("utf-8")), variables)
    return found


def is_box(service: Mapping[str, Any]) -> bool:
    """Whether a service is a box of ours: whether it runs our image."""
    return str(service["image"]).startswith(OURS)


def named_variables(path: Path = COMPOSE) -> set[str]:
    """The variables that a compose file wants filled in."""
    return {m["name"] for m in _VARIABLE.finditer(path.read_text("utf-8")) if m["name"]}


def instructions(path: Path = CONTAINERFILE) -> list[tuple[str, str]]:
    """A Containerfile's instructions in their order: keyword, and the rest in one line."""
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    words = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(keyword.upper(), rest) for keyword, rest in words]


def stages(path: Path = CONTAINERFILE) -> list[list[tuple[str, str]]]:
    """The instructions by stage, each beginning with its FROM."""
    found: list[list[tuple[str, str]]] = []
    for keyword, rest in instructions(path):
        if keyword == "FROM":
            found.append([])
        if found:
            found[-1].append((keyword, rest))
    return found


def image_environment() -> dict[str, str]:
    """What the last stage's ENV sets, but for the search path."""
    words = [
        word for keyword, rest in stages()[-1] if keyword == "ENV" for word in shlex.split(rest)
    ]
    pairs = dict(word.split("=", 1) for word in words)
    return {name: value for name, value in pairs.items() if name != "PATH"}


def image_list(keyword: str) -> list[str]:
    """The words of ENTRYPOINT or CMD in the last stage."""
    (rest,) = [rest for found, rest in stages()[-1] if found == keyword]
    words: list[str] = json.loads(rest)
    return words
