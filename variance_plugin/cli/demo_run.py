"""Recorded events through the whole way into a local Variance, and what came of them."""

import os
import sys
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which

from rich.console import Console
from rich.text import Text

from ..clock import SystemClock
from ..errors import UsageError
from ..hooks import Rejection
from ..pipeline import Progress, Summary, run, summarize
from ..plugin import VariancePlugin
from ..plurals import many
from ..receiver import LocalVariance
from ..receiver import Summary as Received
from ..runtime import LoadedPlugin, lone_host
from ..settings import manifest
from ..sources.file import FileSource
from .closing import ExitStatus
from .events_by_id import EventsById
from .notices import Notices
from .receipt import accounts, contacts
from .stopping import Signals
from .wording import duration, sums

_AUTHORIZATION = "Bearer demo"
# The recorded app has several group types, of which one stands for the account.
_SETTINGS = {"accountMapping": "group", "accountGroupType": "company", "allowedHosts": "127.0.0.1"}
# So that an eye can follow.
_SLOWLY = {"rateLimitPerSecond": "12"}


class _DeadLetterList:
    """Dead letters that nobody wants to keep; see `runtime.DeadLetters`."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def add(self, rejection: Rejection) -> None:
        self.reasons.append(rejection.reason)

    def close(self) -> None:
        pass


def recordings() -> Sequence[Path]:
    """What SDKs sent, as it was recorded: inside the wheel, or among the tests of a checkout.

    Raises:
        UsageError: There is neither.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "recordings", package.parent / "tests" / "recordings"):
        # Beside a recording may stand what is expected of it.
        if found := sorted(path for path in folder.glob("*.jsonl") if ".expected" not in path.name):
            return found
    raise UsageError(
        "this installation has no recorded events; run `make demo` in a checkout, or record some of your own "
        "(variance-plugin record --help)"
    )


def demo(*, show: bool = False) -> ExitStatus:
    """Run it and show it on standard output; `show`: in a browser too, until it is told to end.

    Raises:
        UsageError: There is nothing to show.
    """
    paths = recordings()
    # Neither this process nor what it is part of shall lead the way to this machine through a proxy.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    clock = SystemClock()
    variance = LocalVariance(
        authorization=_AUTHORIZATION, keep_posts=False, event_of=EventsById(paths).event_of
    )
    with variance:
        if show:
            print(f"The page is at {variance.origin}/ until you end this with Ctrl-C.\n", flush=True)  # noqa: T201
            webbrowser.open(variance.origin)
        started = clock.monotonic()
        summary, reasons = _export(paths, variance.url, clock, {**_SETTINGS, **(_SLOWLY if show else {})})
        seconds = clock.monotonic() - started
        console = Console(highlight=False, soft_wrap=True)
        for line in _story(paths, summary, variance.summary(), seconds=seconds, reasons=reasons):
            # What is not indented is a heading.
            console.print(Text(line, style="" if line.startswith(" ") else "bold"))
        if show:
            sys.stdout.flush()
            with Signals() as signals:
                signals.wait()
    return ExitStatus.DONE if summary.delivered and not summary.left else ExitStatus.STOPPED


def _export(
    paths: Sequence[Path], url: str, clock: SystemClock, settings: Mapping[str, str]
) -> tuple[Summary, Sequence[str]]:
    dead_letters = _DeadLetterList()
    host = lone_host(
        LoadedPlugin.of(VariancePlugin(), manifest()),
        {"webhookUrl": url, "authHeader": _AUTHORIZATION, **settings},
        clock=clock,
        dead_letters=dead_letters,
        logger=Notices(_complain, clock).logger(),
    )
    progress = Progress()
    host.start()
    run(FileSource(paths).records(), host, progress)
    host.finish()
    return summarize(host, progress), dead_letters.reasons


def _complain(text: str, *, loud: bool = False) -> None:  # noqa: ARG001 -- see `notices.Say`
    sys.stderr.write(f"{text}\n")


def _story(
    paths: Sequence[Path], summary: Summary, received: Received, *, seconds: float, reasons: Sequence[str]
) -> Iterator[str]:
    yield f"{many(summary.read, 'PostHog event')} on their way to a local Variance, {duration(seconds)}"
    yield f"  as recorded from {', '.join(path.stem for path in paths)}"
    yield ""
    yield "What became of the events"
    yield f"  {summary.delivered:>4,}  sent, as {many(sum(summary.messages.values()), 'message')}"
    for reason, count in summary.skipped.items():
        yield f"  {count:>4,}  left out: {reason}"
    for reason in reasons:
        yield f"  {1:>4,}  rejected: {reason}"
    yield ""
    yield f"{many(sum(received.messages.values()), 'message')} arrived"
    yield f"  {sums(dict(sorted(received.messages.items(), key=lambda entry: -entry[1])))}"
    yield ""
    yield from contacts(received)
    yield ""
    yield from accounts(received)
    yield ""
    program = called_as(sys.argv[0])
    yield "Where to look next"
    yield f"  {program} demo --open"
    yield "      the same on a page in your browser: who is who, and where each trait came from"
    yield f"  {program} preview {_shown(paths[0])}"
    yield "      event by event: what was sent, and why the rest was not"
    yield f"  {program} preview your-events.jsonl --summary"
    yield "      yours on one page: contacts, accounts, who has none and why; `record` gets you some"
    yield f"  {program} export --help"
    yield "      when you have a Variance connection; README.md and docs/ tell the rest"


def called_as(started: str) -> str:
    """How to call the program from here: by its name alone only where the shell finds it so.

    Args:
        started: How it was called just now, as in `sys.argv`.
    """
    name = "variance-plugin"
    is_path = Path(started).name == name
    return _shown(Path(started)) if is_path and which(name) is None else name


def _shown(path: Path) -> str:
    """Short, if it is below this folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
