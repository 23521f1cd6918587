"""Whether a source can be used: looked at before anything starts, and by ``readroom doctor``."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

from readroom.errors import BadSettings
from readroom.ingest.sources.base import Lost
from readroom.ingest.sources.cameras import Camera, device_path
from readroom.ingest.sources.file import VideoFile
from readroom.ingest.sources.folder import SUFFIXES, pictures_in
from readroom.ingest.sources.opening import live_source
from readroom.ingest.sources.spec import DEMO_CAMERAS, CameraSpec
from readroom.settings import IngestSettings


def check_source(spec: CameraSpec) -> None:
    """Raise BadSettings, naming the source and the remedy, where starting with it is useless.

    A network camera that is away passes: it is tried for ever.
    """
    if spec.kind == "file":
        _check_file(spec)
    elif spec.kind == "folder":
        _check_folder(spec)
    elif spec.kind == "webcam":
        _check_webcam(spec)
    elif spec.kind == "demo":
        _check_demo(spec)


def probe(spec: CameraSpec, timeout_s: float) -> str:
    """What ``spec`` delivers ("1280×720, 30.0 fps, h264"), or "no answer: …" with the reason,
    redacted, after about twice ``timeout_s`` at most."""
    try:
        check_source(spec)
        if not spec.endless:
            return _describe_recording(spec)
        if spec.kind == "demo":
            return "the demo room's script"
        return _describe_camera(spec, timeout_s)
    except BadSettings as error:
        return f"no answer: {error}"
    except Lost as error:
        return f"no answer: {error.reason} ({error})"


def _describe_camera(spec: CameraSpec, timeout_s: float) -> str:
    """Asked in a thread, which is left behind where it doesn't come back: no time-out reaches
    into a driver that hangs."""
    answers: SimpleQueue[str | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_ask_camera(spec, timeout_s))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="probe").start()
    try:
        answer = answers.get(timeout=2 * timeout_s)
    except Empty:
        raise Lost("hung", f"{spec.shown}: hasn't answered for {2 * timeout_s:.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask_camera(spec: CameraSpec, timeout_s: float) -> str:
    camera = live_source(spec, IngestSettings(stall_timeout_s=timeout_s))
    try:
        camera.open()
        camera.read()
        return camera.describe() if isinstance(camera, Camera) else spec.shown
    finally:
        camera.close()


def _describe_recording(spec: CameraSpec) -> str:
    if spec.kind == "folder":
        return f"{len(pictures_in(Path(spec.source)))} pictures"
    file = VideoFile(Path(spec.source), loop=1)
    try:
        file.open()
        return file.describe()
    finally:
        file.close()


def _check_file(spec: CameraSpec) -> None:
    path = Path(spec.source)
    if not os.path.exists(path):
        raise BadSettings(f"{spec.shown}: no such file or folder; check the path")
    if not path.is_file():
        raise BadSettings(f"{spec.shown}: neither a file nor a folder; give a video file")
    if path.stat().st_size == 0:
        raise BadSettings(f"{spec.shown}: is empty (0 bytes); copy or record it again")
    video = VideoFile(path, loop=1)
    try:
        video.open()
        readable = video.read() is not None
        detail = ""
    except (Lost, IndexError) as error:
        readable, detail = False, f" ({error.reason})" if isinstance(error, Lost) else ""
    finally:
        video.close()
    if not readable:
        raise BadSettings(
            f"{spec.shown}: not a video that can be read{detail}; give a video file such as MP4 "
            "or MKV, and see whether `ffprobe` reads it"
        )


def _check_folder(spec: CameraSpec) -> None:
    try:
        pictures = pictures_in(Path(spec.source))
    except OSError as error:
        raise BadSettings(f"{spec.shown}: can't be listed ({error.strerror})") from None
    if not pictures:
        kinds = ", ".join(sorted(SUFFIXES))
        raise BadSettings(f"{spec.shown}: no pictures in this folder; put some there ({kinds})")


def _check_webcam(spec: CameraSpec) -> None:
    if sys.platform == "darwin":
        return  # AVFoundation has no device files to look at.
    path = Path(device_path(spec.source))
    if not path.is_char_device():
        found = ", ".join(sorted(str(other) for other in Path("/dev").glob("video*")))
        there = f"there are {found}" if found else "none is connected"
        raise BadSettings(f"{spec.shown}: no camera at {path}; {there}")


def _check_demo(spec: CameraSpec) -> None:
    camera = spec.source.removeprefix("demo:")
    if camera not in DEMO_CAMERAS:
        known = ", ".join(f"demo:{name}" for name in DEMO_CAMERAS)
        raise BadSettings(f"{spec.shown}: the demo room has no such camera; there are {known}")
