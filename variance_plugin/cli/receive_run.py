"""A local Variance from its first word to its summary."""

import sys
from pathlib import Path

from ..receiver import Answer, LocalVariance
from .receipt import receipt
from .stopping import Signals


def receive(  # noqa: PLR0913 -- one for each option
    *,
    host: str,
    port: int,
    auth_header: str | None,
    shared_secret: str | None,
    keep: Path | None,
    answer: int | None,
) -> None:
    """Listen until SIGINT or SIGTERM, then say what came.

    Raises:
        UsageError: The address cannot be listened on, or the file not be written.
    """
    variance = LocalVariance(
        host=host,
        port=port,
        authorization=auth_header,
        secret=shared_secret,
        answers=None if answer is None else lambda _post: Answer(status=answer),
        keep=keep,
        keep_posts=False,
    )
    with Signals() as signals, variance:
        print(f"A local Variance listens on {variance.url}", flush=True)  # noqa: T201
        print("What came of the messages so far: GET /summary. End with Ctrl-C.", flush=True)  # noqa: T201
        signals.wait()
        summary = variance.summary()
    sys.stdout.write("\n")
    for line in receipt(summary):
        sys.stdout.write(f"{line}\n")
