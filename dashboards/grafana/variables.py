"""The choices above a dashboard."""

from __future__ import annotations

from typing import Final

from readroom.dashboards.grafana.panels import Variable

ROOM: Final = Variable("room", "Room", "readroom_session_phase")
CAMERA: Final = Variable("camera", "Camera", 'readroom_lag_seconds{room="$room"}', several=True)
SLOT: Final = Variable(
    "slot",
    "Person",
    'readroom_person_state{room="$room"}',
    several=True,
    description="A place where a person is shown: 3 is P3. It may be somebody else's later.",
)
