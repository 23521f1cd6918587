"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.

Written by
``READROOM_MODELS=… readroom lab fit-heads DATA --face FILE --pose FILE --out FILE``
from 1611 heads of `train` photos (data ce42b3ec65c6), with FSA-Net's angles,
the landmarks of face.onnx (sha256 36d6402f4752)
and the keypoints of pose.onnx (sha256 d78b0ef3125b).
"""

from typing import Final

EVEN_MIDDLES: Final = (
    0.7285,
    0.2942,
    0.425,
    0.3245,
    -0.0092,
    0.6407,
    0.1919,
    1.6746,
)
EVEN_SPREADS: Final = (
    0.0428,
    0.024,
    0.0219,
    0.0806,
    0.0638,
    0.0897,
    0.1072,
    0.1714,
)
ODD_SPREADS: Final = (
    0.1453,
    0.0242,
    0.01,
    0.1109,
    0.0731,
    0.069,
    0.302,
    0.1211,
)
YAW: Final = (
    15.2775,
    -1.9857,
    0.6221,
    2.7896,
    1.0624,
    0.0955,
    -4.7839,
    0.4566,
    0.7085,
)
PITCH_MIDDLE: Final = -5.4412
PITCH: Final = (
    1.0826,
    -0.5561,
    -1.921,
    -0.865,
    -2.2674,
    -0.7395,
    4.947,
    0.1577,
    1.6926,
)
ROLL: Final = (
    0.4328,
    0.009,
    -0.4063,
    -0.1904,
    0.6004,
    1.0384,
    -0.5909,
    0.8821,
    -0.5945,
)
