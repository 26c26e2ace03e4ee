"""Ours: the whole way of `variance-plugin export`, from its arguments to the last answer of the webhook.

It is the command itself, called in this process: source, pipeline, host with four lanes, plugin, `requests`,
dead letters and the thread that watches, all with their defaults. The time to start Python and to import all
that is not in it, as it is not in the other ways.
"""

import contextlib
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from variance_plugin.cli import main as variance_plugin_command

from .result import Result, emit

_LONGEST_OUTAGE_SECONDS = 30


class _Summary(msgspec.Struct):
    read: int
    messages: dict[str, int]


def run(path: Path, url: str) -> Result:
    """Measure with all lines of a file.

    Raises:
        RuntimeError: when not every event was delivered or left out by rule.
    """
    os.environ["VARIANCE_AUTH_HEADER"] = "demo"
    with TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.jsonl"
        nothing.touch()
        _export(nothing, url)  # imports what the command imports when it is called
        started, cpu_started = time.perf_counter(), time.process_time()
        output = _export(path, url)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    summary = msgspec.json.decode(output, type=_Summary)
    return Result(
        events=summary.read, messages=sum(summary.messages.values()), seconds=seconds, cpu_seconds=cpu_seconds
    )


def _export(path: Path, url: str) -> str:
    """The summary that the command prints."""
    sys.argv = ["variance-plugin", "export", str(path), f"--webhook-url={url}", "--json"]
    sys.argv += ["--set", "allowedHosts=127.0.0.1"]
    sys.argv += ["--dead-letters", os.devnull, "--give-up-after", str(_LONGEST_OUTAGE_SECONDS)]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            variance_plugin_command()
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"not all was delivered: {output.getvalue()}") from end
    return output.getvalue()


def main(arguments: Sequence[str]) -> None:
    """Arguments: the file, the address."""
    path, url = arguments
    emit(run(Path(path), url))


if __name__ == "__main__":
    main(sys.argv[1:])
