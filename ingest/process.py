"""The ingest process: one per camera."""

from __future__ import annotations

import cv2

from readroom.box import Box
from readroom.errors import BadSettings
from readroom.ingest.live import LiveIngest
from readroom.ingest.recording import RecordingIngest
from readroom.ingest.sources import CameraSpec, camera_spec, check_source
from readroom.messages import Mode
from readroom.settings import IngestSettings
from readroom.streams import wait_for_redis


def main(box: Box, camera: str, source: str) -> None:
    """Publish the frames of ``source`` as ``camera`` until the box stops.

    Raises BadSettings for a source or a Redis that waiting won't mend.
    """
    cv2.setNumThreads(1)
    spec = camera_spec(camera, source)
    mode = mode_of(spec, box.settings.ingest)
    check_source(spec)
    client = wait_for_redis(box.settings.redis, box.wait, box.log.warning)
    if client is None:
        return
    box.log.info("ingest starts", camera=camera, source=spec.shown, mode=mode)
    try:
        if mode == "live":
            LiveIngest(box, client, spec).run()
        else:
            RecordingIngest(box, client, spec).run()
    finally:
        client.close()


def mode_of(spec: CameraSpec, settings: IngestSettings) -> Mode:
    """The mode a camera runs in. Raises BadSettings for a recording that has no beginning."""
    if settings.mode == "auto":
        return "live" if spec.endless else "recording"
    if settings.mode == "recording" and spec.kind in ("rtsp", "http", "webcam"):
        raise BadSettings(
            f"ingest.mode=recording: {spec.shown} is a camera and can't wait; use live or auto"
        )
    return settings.mode
