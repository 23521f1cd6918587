"""``python -m readroom``, and the command ``readroom``."""

import setproctitle

# Before anything else is loaded: a source given on the command line may hold a password.
setproctitle.setproctitle("readroom")

from readroom.cli import main  # noqa: E402 - see above

if __name__ == "__main__":
    main()
