"""The runner on one source, from opening it to the last answer of the webhook, in this process.

As in the way of `variance-plugin export`, the time to start Python and to import all that is not in it.
"""

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.result import Result, emit
from variance_plugin.cli.config_run import manifest_of
from variance_plugin.clock import SystemClock
from variance_plugin.pipeline import Summary, summarize
from variance_plugin.runner import Runner
from variance_plugin.runtime import load_plugin
from variance_plugin.runtime.settings import read

_UNTIL = "until="
_LOOK_SECONDS = 0.01


def run(url: str, source: Sequence[str]) -> Result:
    """Measure one.

    Args:
        url: Of the webhook.
        source: Its settings, `KEY=VALUE` each; a key with a dot is one of another table. `until=NUMBER` is
            none: it says how many events there are by a source that does not end by itself.

    Raises:
        RuntimeError: when not every event was delivered or left out by rule.
    """
    with TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.jsonl"
        nothing.touch()
        _run(url, [f"paths={nothing}"], state=f"{folder}/none.db")
        started, cpu_started = time.perf_counter(), time.process_time()
        summary = _run(url, source, state=f"{folder}/variance.db")
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    if summary.rejected or summary.left:
        raise RuntimeError(f"not all was delivered: {summary}")
    return Result(
        events=summary.read, messages=sum(summary.messages.values()), seconds=seconds, cpu_seconds=cpu_seconds
    )


def _run(url: str, source: Sequence[str], *, state: str) -> Summary:
    until = next((int(one.removeprefix(_UNTIL)) for one in source if one.startswith(_UNTIL)), None)
    source = [one for one in source if not one.startswith(_UNTIL)]
    given = [setting if "." in setting.partition("=")[0] else f"source.{setting}" for setting in source]
    environment = {
        "VARIANCE_WEBHOOK_URL": url,
        "VARIANCE_AUTH_HEADER": "demo",
        "VARIANCE_ALLOWED_HOSTS": "127.0.0.1",
        "RUNNER_METRICS__LISTEN": "off",
    }
    settings = read(
        None,
        environment=environment,
        assignments=[*given, f"state={state}"],
        manifest_of=manifest_of,
        looks_for_file=False,
    ).settings
    clock = SystemClock()
    with Runner(
        settings, load=lambda plugin: load_plugin(plugin.origin, name=plugin.name), clock=clock
    ) as runner:
        if until is not None:
            threading.Thread(target=_stop, args=[runner, until], daemon=True).start()
        runner.run(once=until is None)
        runner.finish(None)
        return summarize(runner.host, runner.progress)


def _stop(runner: Runner, until: int) -> None:
    """Stop it when it has read so many."""
    while runner.progress.read < until:
        time.sleep(_LOOK_SECONDS)  # noqa: TID251 -- a benchmark has no clock but the machine's
    runner.host.stop()


def main(arguments: Sequence[str]) -> None:
    """Arguments: the address, then the source's settings."""
    url, *source = arguments
    emit(run(url, source))


if __name__ == "__main__":
    main(sys.argv[1:])
