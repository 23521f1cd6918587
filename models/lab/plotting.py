"""What all plots of the lab share."""

from __future__ import annotations

import re
from typing import Final

#: Resolution of the written pictures, dots per inch.
DPI: Final = 110
#: Colours that people with any colour vision can tell apart (Okabe and Ito 2008), darkest first.
COLOURS: Final = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS: Final = "osD^vPX"


def file_name(name: str) -> str:
    """A name as part of a file's name, whatever characters it has."""
    return re.sub(r"[^0-9A-Za-z_-]+", "_", name).strip("_")
