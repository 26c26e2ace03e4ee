"""A recorder from its first word to its last."""

import sys
from io import FileIO
from pathlib import Path

from ..plurals import many
from ..sources.recorder import record as recorder_for
from .stopping import Signals
from .wording import printable

_GUIDANCE = """\
Recording on {url} into {target}. End with Ctrl-C.
Give that address to your SDK in place of PostHog's:
  posthog-js      posthog.init("phc_…", {{ api_host: "{url}" }})
  posthog-python  posthog.host = "{url}"
  posthog-node    new PostHog("phc_…", {{ host: "{url}" }})
"""


def record(*, host: str, port: int, output: Path | None) -> None:
    """Write down requests until SIGINT or SIGTERM.

    Raises:
        UsageError: The file cannot be written, or the address not listened on.
    """
    target = FileIO(sys.stdout.fileno(), "w", closefd=False) if output is None else output
    with Signals() as signals, recorder_for(target, host=host, port=port, refused=_tell_refused) as recorder:
        _tell(_GUIDANCE.format(url=recorder.url, target=output or "standard output"))
        signals.wait()
    _tell(f"{many(recorder.recorded, 'request')} recorded.\n")


def _tell_refused(reason: str) -> None:
    _tell(f"Not recorded: {printable(reason)}\n")


def _tell(text: str) -> None:
    # Standard output is for the events.
    sys.stderr.write(text)
    sys.stderr.flush()
