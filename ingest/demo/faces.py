"""The two portraits the demo room is made of, with landmarks and outlines placed by hand.

Both pictures are in the public domain (works of the US government) and come with packages that
the demo installs: Grace Hopper with matplotlib, Eileen Collins (the "astronaut") with
scikit-image. Nothing of them lies in this repository but the coordinates below, in pixels of the
pictures as installed, x to the right and y down. "Left" and "right" mean the picture's sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from skimage import data

Points = NDArray[np.float32]
Image = NDArray[np.uint8]

#: Order and length of the groups in a landmark table.
GROUPS: tuple[tuple[str, int], ...] = (
    ("brow_left", 4),  # outer to inner
    ("brow_right", 4),  # inner to outer
    ("eye_left", 4),  # outer, top, inner, bottom
    ("eye_right", 4),  # inner, top, outer, bottom
    ("nose", 5),  # bridge, tip, left wing, right wing, base
    ("lips", 8),  # left corner, top left, top, top right, right corner, bottom right, bottom, left
    ("slit", 2),  # middle of the upper and of the lower lip where they meet
    ("jaw", 11),  # outline from the left temple over the chin to the right temple
)


@dataclass(frozen=True)
class Landmarks:
    """Hand-made points of one face: float32 (42, 2), pixels, in the order of `GROUPS`."""

    points: Points

    def __getitem__(self, group: str) -> Points:
        """The points of one group, float32 (n, 2)."""
        return self.points[group_slice(group)]

    @property
    def eye_distance_px(self) -> float:
        """Distance between the middles of the two eyes: the unit of every expression."""
        left, right = self["eye_left"].mean(axis=0), self["eye_right"].mean(axis=0)
        return float(np.linalg.norm(right - left))

    @property
    def face_width_px(self) -> float:
        """Width between the temples."""
        jaw = self["jaw"]
        return float(jaw[-1, 0] - jaw[0, 0])

    def scaled(self, factor: float) -> Landmarks:
        """The same points on the picture resized by `factor`."""
        return Landmarks(self.points * np.float32(factor))


@dataclass(frozen=True)
class Portrait:
    """A picture, the outline of the person in it, and the rows that matter for turning the head.

    `image` is BGR uint8 (height, width, 3); `outline` is a closed polygon, float32 (n, 2).
    `fixed` are further points that no expression moves (a pair of glasses), float32 (n, 2).
    `top_y` is the highest row of the head, hat and hair included. Above `edge_y` the person's
    outline is that of the head; below, the head ends at the jaw, and collar and shoulders begin.
    """

    image: Image
    outline: Points
    landmarks: Landmarks
    fixed: Points
    top_y: float
    edge_y: float


def resized(portrait: Portrait, face_px: float) -> Portrait:
    """The portrait at the size at which its face is `face_px` wide from temple to temple."""
    factor = face_px / portrait.landmarks.face_width_px
    shrink = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
    image = cv2.resize(portrait.image, None, fx=factor, fy=factor, interpolation=shrink)
    return Portrait(
        image=np.asarray(image, dtype=np.uint8),
        outline=portrait.outline * np.float32(factor),
        landmarks=portrait.landmarks.scaled(factor),
        fixed=portrait.fixed * np.float32(factor),
        top_y=portrait.top_y * factor,
        edge_y=portrait.edge_y * factor,
    )


def group_slice(group: str) -> slice:
    """Where a landmark group lies in the table; KeyError for an unknown name."""
    start = 0
    for name, count in GROUPS:
        if name == group:
            return slice(start, start + count)
        start += count
    raise KeyError(group)


def _table(**groups: list[tuple[float, float]]) -> Landmarks:
    for name, count in GROUPS:
        if len(groups[name]) != count:
            raise ValueError(f"landmark group {name!r} needs {count} points")
    rows = [point for name, _ in GROUPS for point in groups[name]]
    return Landmarks(np.array(rows, dtype=np.float32))


def grace() -> Portrait:
    """Grace Hopper: a calm closed mouth, glasses and a hat; every expression is a warp of it."""
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"matplotlib's sample portrait can't be read: {path}")
    return Portrait(
        image=np.asarray(image, dtype=np.uint8),
        outline=np.array(GRACE_OUTLINE, dtype=np.float32),
        landmarks=GRACE_LANDMARKS,
        fixed=np.array(GRACE_GLASSES, dtype=np.float32),
        top_y=22.0,
        edge_y=288.0,
    )


def eileen() -> Portrait:
    """Eileen Collins: a broad smile with teeth; other expressions need another mouth."""
    # scikit-image comes without type annotations.
    rgb = np.asarray(data.astronaut(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    # Lower down she holds a helmet, which would have to move with her; to the right is nothing.
    image = np.ascontiguousarray(rgb[:350, :372, ::-1])
    return Portrait(
        image=image,
        outline=np.array(EILEEN_OUTLINE, dtype=np.float32),
        landmarks=EILEEN_LANDMARKS,
        fixed=np.zeros((0, 2), dtype=np.float32),
        top_y=15.0,
        edge_y=140.0,
    )


GRACE_LANDMARKS = _table(
    brow_left=[(187, 176), (204, 170), (222, 167), (240, 173)],
    brow_right=[(286, 171), (303, 163), (321, 161), (337, 165)],
    eye_left=[(206, 193), (222, 184), (240, 194), (223, 197)],
    eye_right=[(289, 192), (306, 181), (323, 190), (305, 194)],
    nose=[(266, 193), (268, 236), (240, 242), (295, 240), (268, 253)],
    lips=[
        (228, 281),
        (246, 274),
        (263, 272),
        (286, 273),
        (309, 277),
        (289, 286),
        (265, 293),
        (245, 286),
    ],
    slit=[(266, 277), (266, 280)],
    jaw=[
        (177, 188),
        (182, 233),
        (194, 272),
        (206, 302),
        (224, 324),
        (266, 330),
        (309, 323),
        (329, 297),
        (339, 264),
        (347, 218),
        (349, 188),
    ],
)

EILEEN_LANDMARKS = _table(
    brow_left=[(190, 91), (199, 89), (207, 90), (214, 92.5)],
    brow_right=[(238.5, 94), (247, 92.5), (256, 93), (263, 95.5)],
    eye_left=[(192, 100.7), (201.5, 96.5), (211.5, 101.7), (202, 104.6)],
    eye_right=[(238.5, 104.6), (246.5, 99), (259, 103), (248, 107)],
    nose=[(225, 103), (225, 126.4), (212, 127), (235.7, 128), (224.3, 133)],
    lips=[
        (203.3, 140),
        (214, 140),
        (225, 139.6),
        (237, 139.6),
        (247.4, 139),
        (238, 148.6),
        (225, 154.3),
        (213.6, 150),
    ],
    slit=[(225, 144), (225, 149.3)],
    jaw=[
        (181.4, 101.4),
        (182, 125.7),
        (184.3, 144.3),
        (191.4, 160),
        (204.3, 171.4),
        (224.3, 178.6),
        (244.3, 171.4),
        (257, 158.6),
        (265, 143),
        (268, 125.7),
        (269.3, 101.4),
    ],
)

#: The upper rims of the glasses.
GRACE_GLASSES = [(181, 179), (198, 176), (217, 176), (240, 180)]
GRACE_GLASSES += [(283, 178), (309, 171), (334, 170), (350, 174)]

#: Where hair ends and forehead begins, from the left temple to the right one.
EILEEN_HAIRLINE = [(183, 95), (187, 79), (197, 79), (210, 81), (225, 81)]
EILEEN_HAIRLINE += [(238, 83), (250, 87), (262, 91), (268, 97)]

# fmt: off
GRACE_OUTLINE = [
    (249, 23), (234, 25), (218, 31), (209, 44), (202, 47), (190, 58), (182, 70), (175, 83),
    (162, 90), (155, 97), (153, 110), (154, 140), (157, 165), (157, 178), (154, 190), (153, 202),
    (156, 220), (158, 238), (161, 262), (165, 279), (176, 290), (188, 294), (198, 304), (198, 318),
    (183, 333), (167, 343), (132, 354), (121, 360), (97, 363), (81, 368), (60, 380), (48, 388),
    (37, 406), (29, 430), (23, 480), (15, 540), (11, 600), (507, 600), (506, 540), (503, 470),
    (497, 420), (487, 392), (464, 377), (420, 365), (365, 342), (332, 315), (340, 307), (352, 297),
    (360, 278), (363, 256), (370, 222), (370, 211), (375, 195), (374, 188), (367, 179), (370, 167),
    (371, 134), (369, 129), (369, 100), (365, 90), (362, 87), (356, 87), (352, 83), (347, 70),
    (335, 56), (315, 45), (300, 41), (281, 27), (270, 24),
]
EILEEN_OUTLINE = [
    (274, 30), (262, 23), (248, 18), (227, 16), (201, 23), (186, 37), (162, 52), (157, 57),
    (153, 68), (153, 84), (155, 98), (160, 107), (170, 117), (173, 126), (181, 133), (181, 146),
    (157, 150), (139, 159), (131, 167), (126, 176), (119, 186), (113, 189), (114, 203), (108, 213),
    (91, 226), (69, 242), (52, 268), (43, 290), (30, 320), (24, 350), (364, 350), (361, 340),
    (361, 329), (357, 322), (356, 302), (341, 264), (331, 253), (303, 232), (299, 219), (289, 203),
    (277, 190), (256, 171), (262, 154), (267, 138), (273, 135), (281, 127), (290, 117), (295, 109),
    (300, 92), (299, 72), (295, 56), (286, 40),
]
# fmt: on
