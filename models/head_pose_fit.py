"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.

Written by
``READROOM_MODELS=… python -m readroom.models.lab.heads DATA --face FILE --pose FILE``
from 1554 heads of `train` photos (data ce42b3ec65c6), with FSA-Net's angles,
the landmarks of face.onnx (sha256 f7561bcbaf7f)
and the keypoints of pose.onnx (sha256 d78b0ef3125b).
"""

from typing import Final

EVEN_MIDDLES: Final = (
    0.7253,
    0.2953,
    0.4212,
    0.3407,
    0.0033,
    0.6449,
    0.2063,
    1.6782,
)
EVEN_SPREADS: Final = (
    0.0409,
    0.0224,
    0.0187,
    0.0791,
    0.0586,
    0.0844,
    0.1051,
    0.1611,
)
ODD_SPREADS: Final = (
    0.1297,
    0.0264,
    0.0107,
    0.1055,
    0.0731,
    0.0641,
    0.2673,
    0.1098,
)
YAW: Final = (
    13.6168,
    -1.9475,
    1.2092,
    2.4925,
    0.9259,
    -0.3252,
    -4.8609,
    0.4682,
    0.6102,
)
PITCH_MIDDLE: Final = -5.0015
PITCH: Final = (
    0.5786,
    -0.8544,
    -1.7135,
    -1.1106,
    -1.6379,
    -0.4975,
    5.4097,
    0.3391,
    1.3608,
)
ROLL: Final = (
    0.494,
    0.0877,
    -0.1081,
    0.0487,
    0.5041,
    0.7118,
    -0.5135,
    0.8454,
    -0.4873,
)
