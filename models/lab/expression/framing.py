"""How a face becomes the expression network's input, for training, evaluation and the exported file
alike.

The square is as large as the face's box is long, around its centre, because FER-2013's pictures
are: their side is 1.00 of the longer side of the box that YuNet finds in them (median of 1,385 of
1,500 training pictures; half lie in 0.91–1.10), and their centre is 1 % above the box's.
"""

from __future__ import annotations

from typing import Final

from readroom.models.crop import CropRule
from readroom.models.lab.expression.dataset import SIDE_PX
from readroom.models.registry import InputSpec

CROP: Final = CropRule(scale=1.0, shift=0.0)
#: ``mean`` and ``std`` are those of the training pictures' pixels, in 0..1.
INPUT: Final = InputSpec(
    SIDE_PX,
    SIDE_PX,
    "grey",
    "face",
    scale=1 / 255,
    mean=(0.5077,),
    std=(0.2550,),
    margin_ratio=CROP.scale,
    shift_ratio=CROP.shift,
)
