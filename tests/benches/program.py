"""`variance-plugin` in a process of its own, with no settings but those that a test gives it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from variance_plugin.receiver import LocalVariance

SECONDS = 30.0
"""Nothing that is waited for takes that long; what does has failed."""

Process: TypeAlias = subprocess.Popen[str]
Ended: TypeAlias = subprocess.CompletedProcess[str]
Starting: TypeAlias = Callable[..., AbstractContextManager[Process]]
"""See `Program.start`."""
Running: TypeAlias = Callable[..., Ended]
"""See `Program.run`."""

_OURS = ("VARIANCE_", "RUNNER_")


class Program:
    """Runs commands in one folder.

    Attributes:
        settings: Variables that every command has, beside those of this process that are no settings.
    """

    def __init__(self, folder: Path) -> None:
        self.settings: dict[str, str] = {}
        self._folder = folder

    def send_to(self, variance: LocalVariance, **more: str) -> None:
        """Let commands send to a local Variance, with these further parameters in capitals."""
        self.settings |= sending_to(variance) | {f"VARIANCE_{name}": text for name, text in more.items()}

    @contextmanager
    def start(
        self,
        *arguments: str,
        script: str = "",
        around: Sequence[str] = (),
        change: Mapping[str, str] | None = None,
        **streams: Any,
    ) -> Iterator[Process]:
        """Start a command; it is gone at the end of the block, whatever happens.

        Args:
            arguments: Of the command line.
            script: Python that runs in place of the program, with those arguments.
            around: A command that runs it.
            change: Variables that are different this time.
            streams: As `Popen` takes them. Otherwise nothing comes in, and what goes out can be read.
        """
        what = ["-c", script] if script else ["-m", "variance_plugin"]
        with subprocess.Popen(
            [*around, sys.executable, *what, *arguments],
            cwd=self._folder,
            env=plain_environment() | self.settings | dict(change or {}),
            encoding="utf-8",
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **streams,
            },
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *arguments: str, **options: Any) -> Ended:
        """Run a command to its end; options as `start` takes them."""
        with self.start(*arguments, **options) as process:
            out, told = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, told)


def sending_to(variance: LocalVariance) -> dict[str, str]:
    """Variables that are enough to send to a local Variance."""
    return {
        "VARIANCE_WEBHOOK_URL": variance.url,
        "VARIANCE_AUTH_HEADER": "Bearer demo-token",
        "VARIANCE_ALLOWED_HOSTS": "127.0.0.1",
    }


def plain_environment() -> dict[str, str]:
    """That of this process, without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def unmeasured() -> dict[str, str]:
    """That of this process, for one without coverage: it measures itself, or could not write it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
