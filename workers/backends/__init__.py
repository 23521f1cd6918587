"""How networks run: one module per runtime, all behind the protocol of ``base``."""

from __future__ import annotations

from readroom.errors import BadSettings
from readroom.workers.backends.base import Backend
from readroom.workers.backends.onnxruntime import OnnxRuntime


def backend_for(device: str) -> Backend:
    """The backend that serves ``device`` (``cpu``, ``cuda``, ``cuda:1``).

    Raises BadSettings where this installation has none for it.
    """
    if device == "cpu":
        return OnnxRuntime()
    raise BadSettings(
        f"workers.device={device}: this version runs networks on the CPU only; "
        "set READROOM_WORKERS__DEVICE=cpu"
    )
