"""Where pictures come from: one file per kind of source, one way to name, check and open them."""

from __future__ import annotations

from readroom.ingest.sources.base import Captured, Lost, Recording, Source
from readroom.ingest.sources.check import check_source, probe
from readroom.ingest.sources.opening import live_source, recording_source
from readroom.ingest.sources.spec import CameraSpec, camera_spec, parse_sources

__all__ = [
    "CameraSpec",
    "Captured",
    "Lost",
    "Recording",
    "Source",
    "camera_spec",
    "check_source",
    "live_source",
    "parse_sources",
    "probe",
    "recording_source",
]
