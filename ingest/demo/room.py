"""The demo room as two cameras see it: a pure function from time to frame."""

from __future__ import annotations

import math

from readroom.ingest.demo.background import TABLE_RATIO, background
from readroom.ingest.demo.faces import Image
from readroom.ingest.demo.figure import Figure, Place, Pose
from readroom.ingest.demo.people import SHEETS
from readroom.ingest.demo.script import Seat, moment, named_script

#: The frame height for which a seat's `face_px` is meant.
NOMINAL_HEIGHT = 720
#: Smaller pictures leave no face worth finding.
MIN_SIZE = (320, 180)


class DemoRoom:
    """One camera of the demo room.

    `camera` is one of `CAMERAS`, `size` is (width, height) in pixels, `variant` names a script.
    Frames depend on nothing but these and the time: same time, same bytes, in any order.
    ValueError for an unknown camera or variant and for a size below `MIN_SIZE`.
    """

    def __init__(
        self, camera: str, size: tuple[int, int] = (1280, 720), variant: str = "default"
    ) -> None:
        if size[0] < MIN_SIZE[0] or size[1] < MIN_SIZE[1]:
            raise ValueError(f"size {size} is below the smallest size {MIN_SIZE}")
        self.script = named_script(variant)
        self.view = self.script.view(camera)
        self._size = size
        self._figures = [(seat, self._figure(seat)) for seat in self.view.seats]
        chairs = [(seat.x_ratio * size[0], 2.3 * self._face_px(seat)) for seat in self.view.seats]
        self._background = background(camera, size, chairs)

    def render(self, t_s: float) -> Image:
        """The frame at `t_s` seconds, BGR uint8 (height, width, 3); the script loops for ever."""
        frame = self._background.copy()
        for seat, figure in self._figures:
            self._draw(frame, seat, figure, t_s)
        return frame

    def _draw(self, frame: Image, seat: Seat, figure: Figure, t_s: float) -> None:
        now = moment(self.script, seat.person, t_s)
        if now.here <= 0.0:
            return
        width = self._size[0]
        way = seat.x_ratio * width if seat.x_ratio < 0.5 else (seat.x_ratio - 1.0) * width
        away = (1.0 - now.here) * -(way + math.copysign(figure.width_px, way))
        figure.draw(
            frame,
            Pose(
                expression=now.expression,
                amount=now.amount,
                blink=now.sway.blink,
                yaw_rad=math.radians(now.yaw_deg + seat.yaw_offset_deg),
                pitch_rad=math.radians(now.pitch_deg),
                shift_px=away + now.sway.shift_ratio * self._face_px(seat),
                lean=now.sway.lean,
                scale=now.sway.scale,
                light=now.sway.light,
            ),
        )

    def _face_px(self, seat: Seat) -> float:
        return seat.face_px * self._size[1] / NOMINAL_HEIGHT

    def _figure(self, seat: Seat) -> Figure:
        width, height = self._size
        place = Place(
            eyes_x=seat.x_ratio * width,
            eyes_y=seat.eyes_ratio * height,
            table_y=int(TABLE_RATIO * height),
            gains=seat.gains,
        )
        return Figure(SHEETS[seat.person](self._face_px(seat)), place)
