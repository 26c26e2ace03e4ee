"""`variance-plugin` in a process of its own, with no settings but those that a test gives it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.stand_ins.posthog import KEY, PROJECT, PostHog
from variance_plugin.receiver import Answer, LocalVariance, Post

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

    def ask(self, posthog: PostHog) -> None:
        """Let commands ask a PostHog on this machine about its project."""
        self.settings |= {
            "RUNNER_POSTHOG__PERSONAL_API_KEY": KEY,
            "RUNNER_POSTHOG__HOST": posthog.url,
            "RUNNER_POSTHOG__PROJECT_ID": str(PROJECT),
        }

    def write_settings(  # noqa: PLR0913 -- a file has its parts here
        self,
        url: str,
        *,
        name: str = "runner",
        state: str = "variance.db",
        source: str = 'paths = ["events.jsonl"]',
        listen: str = "off",
        more: str = "",
        **parameters: float,
    ) -> None:
        """Write a file of settings that sends to a local Variance, soon, and with no retries but the host's.

        Args:
            url: Where that is.
            name: Of the file, without its `.toml`.
            state: The state file.
            source: What its table says.
            listen: Where its metrics are.
            more: Further tables.
            parameters: Of the plugin, beside those that it needs.
        """
        given = {"exportEventsBufferSeconds": 0.05, "retrySeconds": 0, **parameters}
        lines = "\n".join(f"{key} = {value}" for key, value in given.items())
        (self._folder / f"{name}.toml").write_text(
            f'state = "{state}"\n[source]\n{source}\n'
            f'[[plugins]]\nname = "variance"\n[plugins.config]\nwebhookUrl = "{url}"\n'
            f'authHeader = "Bearer demo-token"\nallowedHosts = "127.0.0.1"\n{lines}\n'
            f'[metrics]\nlisten = "{listen}"\n{more}\n'
        )

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


def line_with(process: Process, text: str) -> dict[str, Any]:
    """The next line of its log that says so."""
    assert process.stderr is not None
    for line in process.stderr:
        found: dict[str, Any] = json.loads(line)
        if text in found["event"]:
            return found
    raise AssertionError(f"it ended without saying {text!r}")


def stop(process: Process) -> None:
    """In good order."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=SECONDS)
    assert 0 == process.returncode


def readiness(port: str) -> tuple[int, str]:
    """What `/readyz` says, status and reason."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS) as answer:
            return answer.status, ""
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)["reason"]


def ids_at(variance: LocalVariance) -> list[str]:
    """Of the messages that were taken, in order."""
    taken = [post for post in variance.posts if post.status == HTTPStatus.OK]
    return [json.loads(bytes(message))["messageId"] for post in taken for message in post.raw_messages]


def hold_post(variance: LocalVariance, number: int) -> tuple[Event, Event]:
    """Let that post wait for its answer; gives what says that it has come, and what lets it go on."""
    has_come, may_go_on = Event(), Event()
    posts = count(1)

    def answer(_post: Post) -> Answer:
        if next(posts) == number:
            has_come.set()
            may_go_on.wait(SECONDS)
        return Answer()

    variance.answer_with(answer)
    return has_come, may_go_on
