"""readroom: how the people in a room looked while you spoke, live and afterwards.

The package is the shared contract (settings, messages, streams, the command line); each box of
the system is a top-level folder of the repository and is imported as a subpackage, through a
symbolic link here: ``ingest/`` is ``readroom.ingest`` and so on. docs/design.md says why.
"""

import os

# ONNX Runtime would write a device id and a log of its use into the home folder, and has an address
# to send it to. It looks when it is loaded: nothing of ours may have loaded it before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
