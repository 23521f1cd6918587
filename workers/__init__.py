"""Workers: frames in, observations out. ``process`` is the box, ``analysis`` its pure core.

``engines`` say what goes into a network and what its output means; ``backends`` say how a
network runs.
"""

from __future__ import annotations

import os

# One thread per process, one process per core: two intra-op threads were measured to cost more
# CPU than they save (docs/measured.md). Numerical libraries read these when they are first loaded,
# which happens after this line wherever a worker is started by its own command.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
