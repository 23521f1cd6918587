"""From a camera's spec to the source that reads it."""

from __future__ import annotations

from pathlib import Path

from readroom.ingest.sources.base import Recording, Source
from readroom.ingest.sources.cameras import http_camera, rtsp_camera, webcam
from readroom.ingest.sources.file import VideoFile
from readroom.ingest.sources.folder import PictureFolder
from readroom.ingest.sources.paced import Paced
from readroom.ingest.sources.spec import CameraSpec
from readroom.settings import IngestSettings

_CAMERAS = {"rtsp": rtsp_camera, "http": http_camera, "webcam": webcam}


def live_source(spec: CameraSpec, settings: IngestSettings) -> Source:
    """The source, played as a camera; not opened yet."""
    if spec.kind in _CAMERAS:
        return _CAMERAS[spec.kind](spec, settings)
    if spec.kind == "demo":
        from readroom.ingest.sources.demo import DemoCamera  # noqa: PLC0415 - loads matplotlib

        return DemoCamera(spec.source.removeprefix("demo:"), settings.fps)
    return Paced(recording_source(spec, settings))


def recording_source(spec: CameraSpec, settings: IngestSettings) -> Recording:
    """The source, played as a recording; not opened yet. Only for what has a beginning: files,
    folders and the demo room."""
    if spec.kind == "demo":
        from readroom.ingest.sources.demo import DemoRecording  # noqa: PLC0415 - loads matplotlib

        return DemoRecording(spec.source.removeprefix("demo:"), settings.fps, settings.loop)
    if spec.kind == "folder":
        return PictureFolder(
            Path(spec.source),
            fps=settings.folder_fps,
            loop=settings.loop,
            max_width=settings.max_width,
        )
    if spec.kind == "file":
        return VideoFile(Path(spec.source), settings.loop, settings.decode_threads)
    raise ValueError(f"{spec.kind} has no beginning: it can't be played as a recording")
