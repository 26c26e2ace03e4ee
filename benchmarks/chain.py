"""`python -m benchmarks.chain`: what a `process_event` that returns its event untouched costs the whole way.

The runner (`variance-plugin run --once`) on the same file into the same receiver, with and without such a
plugin in front of VariancePlugin, in pairs one after the other, each in a fresh process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from .generate import Traffic, write_events
from .receiver import receiving

_PASSING = "def process_event(event, meta):\n    return event\n"
_SETTINGS = """
[source]
paths = ["events.jsonl"]
[logs]
level = "error"
[metrics]
listen = "off"
{passing}
[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "demo"
allowedHosts = "127.0.0.1"
"""
_PLUGIN = """
[[plugins]]
name = "passing"
from = "./passing"
"""
_RUN = """
import sys, time
from variance_plugin.cli import main
started = time.process_time()
try:
    main()
except SystemExit as end:
    print(time.process_time() - started)
    raise
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chain", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="lines in the file (100,000)")
    parser.add_argument("--pairs", type=int, default=5, help="how often both are measured (5)")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        (folder / "passing").mkdir()
        (folder / "passing" / "plugin.json").write_text(json.dumps({"name": "Passing", "main": "main.py"}))
        (folder / "passing" / "main.py").write_text(_PASSING)
        write_events(folder / "events.jsonl", Traffic(1).events(options.events))
        ratios = []
        for number in range(1, options.pairs + 1):
            alone, chained = (_seconds(folder, plugin) for plugin in ("", _PLUGIN))
            ratios.append(chained[1] / alone[1])
            print(
                f"{number}: {alone[0]:.2f} s alone, {chained[0]:.2f} s with it; "
                f"processor {alone[1]:.2f} s and {chained[1]:.2f} s: {ratios[-1]:.3f}",
                flush=True,
            )
        print(f"median: {statistics.median(ratios):.3f} times the processor's time")


def _seconds(folder: Path, plugin: str) -> tuple[float, float]:
    for state in folder.glob("variance.db*"):
        state.unlink()
    with receiving(None) as receiver:
        (folder / "runner.toml").write_text(_SETTINGS.format(passing=plugin, url=receiver.url))
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "run", "--once"],
            cwd=folder,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
            stdout=subprocess.PIPE,
            check=True,
        )
        seconds = time.perf_counter() - started
        receiver.stop()
    return seconds, float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
