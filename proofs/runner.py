"""Starts the runner under test, as often as it is killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from variance_plugin.clock import SystemClock
from variance_plugin.points import Point

from .endpoint import AUTHORIZATION

# Nothing takes that long; a test's own limit ends what does.
LIMIT_SECONDS = 600.0
_ROOT = Path(__file__).parent.parent
# The limits are in seconds of a clock that may run a thousand times as fast.
_SETTINGS = """
state = "state.db"
flush_seconds = 86400
{source}
[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "{authorization}"
allowedHosts = "127.0.0.1"
{config}
[hooks]
timeout_seconds = 86400
export_timeout_seconds = 86400
[metrics]
listen = "off"
"""
# Small batches and short patience: much happens within few events.
CONFIG = """
exportEventsBufferSeconds = 0.05
maxBatchEvents = 25
readTimeoutSeconds = 0.5
retrySeconds = 2
"""


class Runner:
    """A folder with settings and state, and the processes that run on it, one after the other.

    Args:
        folder: For all of it; `runner.log` holds what they said.
        source: What of the settings names the source.
        url: Of the endpoint.
        config: The plugin's, beside where to.
        fast: How many times as fast as time their clocks run.
    """

    def __init__(
        self, folder: Path, *, source: str, url: str, config: str = CONFIG, fast: float = 20
    ) -> None:
        self.folder = folder
        self.state = folder / "state.db"
        self._fast = fast
        self._since = SystemClock().now()
        settings = _SETTINGS.format(source=source, url=url, authorization=AUTHORIZATION, config=config)
        (folder / "runner.toml").write_text(settings)

    @contextmanager
    def start(
        self, *options: str, kill_at: Point | None = None, times: int = 1
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run one; whatever happens, it has ended afterwards.

        Args:
            options: Of `variance-plugin run`.
            kill_at: It ends itself when it comes by that point …
            times: … for that time.
        """
        command = [sys.executable, "-m", "proofs.subject"]
        command += ["--fast", str(self._fast), "--since", self._since.isoformat()]
        if kill_at is not None:
            command += ["--kill-at", kill_at, "--times", str(times)]
        others = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_IT)}
        with (
            (self.folder / "runner.log").open("ab") as log,
            subprocess.Popen(
                [*command, *options, "runner.toml"],
                cwd=self.folder,
                env={**others, "PYTHONPATH": str(_ROOT), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()


# Settings of whoever proves; and coverage, which a process that is killed could not write.
_NOT_FOR_IT = "VARIANCE_", "RUNNER_", "COVERAGE_"


def status_of(process: subprocess.Popen[bytes], *, timeout_seconds: float) -> int | None:
    """Wait for the end of a process; its exit status, or None when it has to be killed."""
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
