"""The runner under test, in a process of its own: `variance-plugin run`, killed at a point, on a fast clock.

    python -m proofs.subject --kill-at "before send" --times 2 --fast 20 --since 2026-01-01T00:00:00Z

Nothing else in it differs from the program.
"""

import argparse
import sys
from datetime import datetime
from functools import partial

from variance_plugin.cli import main, run_run
from variance_plugin.testing import kill_at

from .fast_clock import FastClock


def run() -> None:
    """Set the traps, then be the program; what follows `--` is its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill-at", default="")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--fast", type=float, default=1.0)
    parser.add_argument("--since", type=datetime.fromisoformat)
    options, own = parser.parse_known_args()
    if options.kill_at:
        kill_at(options.kill_at, options.times)
    if options.since is not None:
        # No setting exchanges the program's clock, and none should.
        vars(run_run)["SystemClock"] = partial(FastClock, options.fast, options.since)
    sys.argv = ["variance-plugin", "run", *own]
    main()


if __name__ == "__main__":
    run()
