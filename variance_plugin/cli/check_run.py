"""The settings in force on the screen, and one message to see whether they work."""

import sys
from typing import Any
from uuid import uuid4

from ..clock import SystemClock
from ..delivery import DeliverySettings, RequestsTransport
from ..delivery.request import build
from ..events import utc_text
from ..exact_json import encode
from ..manifest import Parameter
from ..messages import LIBRARY, Context, TrackMessage
from ..settings import manifest, read_settings
from .closing import ExitStatus
from .configuration import Configuration
from .diagnosis import diagnose
from .wording import address, printable

TEST_EVENT = "PostHog connection test"
TEST_VISITOR = "posthog-connection-test"


def check(configuration: Configuration, *, send: bool) -> ExitStatus:
    """Print the settings and, if asked, what comes of sending.

    Raises:
        SettingsError: With all that is wrong with them.
    """
    settings = configuration.checked(read_settings)
    for line in in_force(configuration):
        sys.stdout.write(f"{line}\n")
    if not send:
        sys.stdout.write("\nThe settings can be used. Whether the connection works: add --send.\n")
        return ExitStatus.DONE
    sys.stdout.write(f"\nSending one test message to {address(settings.delivery.webhook_url)} ...\n")
    sys.stdout.flush()
    return _send(settings.delivery)


def in_force(configuration: Configuration) -> list[str]:
    """A line for each parameter, in the order of `plugin.json`: name, value, where it came from."""
    values = manifest().complete(configuration.values)
    rows = [
        (key, _shown(key, values[key], parameter), configuration.origins.get(key, "default"))
        for key, parameter in manifest().parameters.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for key, value, origin in rows]


def _shown(key: str, value: Any, parameter: Parameter) -> str:
    if parameter.secret:
        return "***" if value else "-"
    if isinstance(value, list):
        value = ", ".join(value)
    text = address(str(value)) if key == "webhookUrl" else str(value)
    return printable(text) or "-"


def _send(settings: DeliverySettings) -> ExitStatus:
    clock = SystemClock()
    now = utc_text(clock.now()) or ""
    message = TrackMessage(
        message_id=str(uuid4()),
        timestamp=now,
        anonymous_id=TEST_VISITOR,
        context=Context(library=LIBRARY),
        event=TEST_EVENT,
    )
    transport = RequestsTransport(settings)
    try:
        answer = transport.post(build([encode(message)], settings, sent_at=now))
    finally:
        transport.close()
    diagnosis = diagnose(answer, settings)
    sys.stdout.write(f"{printable(diagnosis.found)}\n")
    if diagnosis.advice:
        sys.stdout.write(f"What to do: {diagnosis.advice}\n")
    return ExitStatus.DONE if diagnosis.well else ExitStatus.REJECTED
