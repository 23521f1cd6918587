"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.

Written by
``READROOM_MODELS=… python -m readroom.models.lab.heads DATA --face FILE --pose FILE``
from 1726 heads of `train` photos (data ce42b3ec65c6), with FSA-Net's angles,
the landmarks of yunet_n_dynamic.onnx (sha256 104ee26c71d5)
and the keypoints of tinypose_256x192.onnx (sha256 24da57b993fe).
"""

from typing import Final

EVEN_MIDDLES: Final = (
    0.7319,
    0.2781,
    0.4016,
    0.3288,
    -0.0164,
    0.6371,
    0.1775,
    1.6639,
)
EVEN_SPREADS: Final = (
    0.0552,
    0.0342,
    0.0349,
    0.0639,
    0.0552,
    0.0882,
    0.152,
    0.1522,
)
ODD_SPREADS: Final = (
    0.1468,
    0.0212,
    0.0078,
    0.1146,
    0.0631,
    0.068,
    0.3584,
    0.1226,
)
YAW: Final = (
    12.5891,
    -0.1209,
    0.949,
    6.6784,
    -2.3482,
    0.7876,
    -5.4329,
    0.2277,
)
PITCH_MIDDLE: Final = -7.0259
PITCH: Final = (
    1.4738,
    0.9916,
    -1.5538,
    -2.1017,
    0.075,
    0.794,
    6.5387,
    -0.262,
)
ROLL: Final = (
    2.1184,
    -0.3796,
    -0.0215,
    -1.6634,
    2.3902,
    1.9985,
    -1.5646,
    2.3305,
)
