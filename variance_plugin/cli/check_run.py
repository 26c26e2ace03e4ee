"""The settings in force on the screen, and one message to see whether they work."""

import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..clock import SystemClock
from ..delivery import DeliverySettings, RequestsTransport
from ..delivery.request import build
from ..errors import Fault, SettingsError, UsageError
from ..events import utc_text
from ..exact_json import encode
from ..manifest import Parameter
from ..messages import LIBRARY, Context, TrackMessage
from ..runtime.settings import FILE_NAME, read
from ..settings import manifest, read_settings
from .closing import ExitStatus
from .config_run import manifest_of, to_text
from .configuration import Configuration
from .diagnosis import diagnose
from .options import PluginOptions
from .source_run import parameters
from .sources_run import missing_of
from .wording import address, printable

TEST_EVENT = "PostHog connection test"
TEST_VISITOR = "posthog-connection-test"
_UNTRIED = "\nThe settings can be used. Whether the connection works: add --send.\n"
_NOWHERE = (
    "\nNo plugin here sends to Variance, so there is nothing to try. If events shall go there: [[plugins]] "
    'and below it name = "variance"\n'
)


def check(configuration: Configuration, *, send: bool) -> ExitStatus:
    """Print the settings and, if asked, what comes of sending.

    Raises:
        SettingsError: With all that is wrong with them.
    """
    try:
        settings = configuration.checked(read_settings)
    except SettingsError as error:
        raise SettingsError([*error.faults, *_hint(configuration)]) from error
    for line in in_force(configuration):
        sys.stdout.write(f"{line}\n")
    if not send:
        sys.stdout.write(_UNTRIED)
        return ExitStatus.DONE
    return _send(settings.delivery)


def check_runner(file: Path, given: PluginOptions, *, send: bool) -> ExitStatus:
    """The same of the app runner's settings, and of every destination in them that is a `VariancePlugin`'s.

    Raises:
        SettingsError: With all that is wrong with them.
        UsageError: When there is another file of parameters.
    """
    if given.settings is not None:
        raise UsageError(f"--settings has no place beside {file}: [plugins.config] there takes parameters")
    assignments = given.assignments or ()
    found = read(
        file,
        environment=os.environ,
        options=parameters(given.webhook_url, given.auth_header, assignments),
        assignments=assignments,
        manifest_of=manifest_of,
    )
    sys.stdout.write(to_text(found))
    source = found.settings.source
    if (missing := missing_of(source.type, getattr(source, "url", ""))) is not None:
        raise UsageError(
            f"source.type {source.type} needs packages that are not installed: {missing.install}"
        )
    if not send:
        sys.stdout.write(_UNTRIED)
        return ExitStatus.DONE
    plugins = [plugin for plugin in found.settings.plugins if plugin.enabled]
    ours = [plugin for plugin in plugins if manifest_of(plugin).main == manifest().main]
    for plugin in plugins:
        if plugin not in ours:
            sys.stdout.write(f"\n{plugin.name}: nothing is sent, it is no plugin of this program\n")
    if not ours:
        sys.stdout.write(_NOWHERE)
        return ExitStatus.REJECTED
    return max(_send(read_settings(one.config).delivery, f"({one.name}) ") for one in ours)


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


def _hint(configuration: Configuration) -> list[Fault]:
    """Who has a `runner.toml` has given the address there, where this command does not look by itself."""
    if configuration.faults or "webhookUrl" in configuration.values or not Path(FILE_NAME).is_file():
        return []
    return [Fault(key=FILE_NAME, problem=f"is not read; `variance-plugin check {FILE_NAME}` does")]


def _send(settings: DeliverySettings, which: str = "") -> ExitStatus:
    sys.stdout.write(f"\nSending one test message to {address(settings.webhook_url)} {which}...\n")
    sys.stdout.flush()
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
