"""Constants of models/head_pose.py: degrees per spread, spreads in units of the face.

Written by
``READROOM_MODELS=… python -m readroom.models.lab.heads DATA --face FILE --pose FILE``
from 1744 heads of `train` photos (data ce42b3ec65c6), with FSA-Net's angles,
the landmarks of yunet_n_dynamic.onnx (sha256 104ee26c71d5)
and the keypoints of tinypose_256x192.onnx (sha256 24da57b993fe).
"""

from typing import Final

EVEN_MIDDLES: Final = (
    0.7324,
    0.2776,
    0.4021,
    0.3289,
    -0.0166,
    0.6367,
    0.1779,
    1.6629,
)
EVEN_SPREADS: Final = (
    0.0562,
    0.0347,
    0.0354,
    0.0644,
    0.0555,
    0.0901,
    0.1519,
    0.1532,
)
ODD_SPREADS: Final = (
    0.1479,
    0.021,
    0.0077,
    0.1152,
    0.0633,
    0.068,
    0.3609,
    0.1218,
)
YAW: Final = (
    13.1035,
    -0.7626,
    0.9059,
    5.6207,
    -1.2938,
    0.3132,
    -6.0509,
    0.6153,
    1.0413,
)
PITCH_MIDDLE: Final = -5.2692
PITCH: Final = (
    2.5639,
    1.0034,
    -1.3184,
    -1.3637,
    -0.6652,
    -0.6443,
    5.6924,
    0.4881,
    2.5488,
)
ROLL: Final = (
    0.6684,
    0.1505,
    -0.724,
    -0.1181,
    0.6781,
    2.162,
    -0.824,
    2.1915,
    -0.9632,
)
