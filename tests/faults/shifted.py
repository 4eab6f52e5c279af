"""Starts botkit with a wall clock that a test can move: `python shifted.py FILE run …`; FILE holds the seconds to add.

Only `time.time` lies, as it does when somebody sets the machine's clock; the monotonic clock goes on.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path


def shifted(offset: Path, true: Callable[[], float]) -> Callable[[], float]:
    def now() -> float:
        try:
            return true() + float(offset.read_text() or 0)
        except OSError:
            return true()

    return now


if __name__ == "__main__":
    time.time = shifted(Path(sys.argv.pop(1)), time.time)
    sys.argv[0] = "botkit"
    del sys.path[0]  # this folder, which Python puts there
    from botkit.cli import main

    main()
