"""The short commands: a source on the command line, and otherwise the app runner as it is."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..settings import manifest
from ..variables import variable
from .closing import ExitStatus
from .run_run import run

_KEY = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options that all short commands have. None stands for what the environment says, or the default."""

    once: bool
    """End when the source has no more."""
    state: Path | None = None
    webhook_url: str | None = None
    auth_header: str | None = None
    assignments: Sequence[str] | None = None
    """`KEY=VALUE`: parameters of `VariancePlugin`, and any setting of the runner."""


def run_source(type_: str, source: Mapping[str, Any], options: RunOptions) -> ExitStatus:
    """Run the app runner on one source, without a `runner.toml`.

    Args:
        type_: Which type of source, as `source.type` calls it.
        source: Its settings; None stands for what the environment says, or the default.
        options: What all such commands take.

    Raises:
        SettingsError: With all that is wrong with the settings.
        UsageError: When something that they name cannot be used.
        Exception: What nobody foresaw, once what was read is delivered.
    """
    given: dict[str, Any] = {f"{_KEY}.type": type_} | {
        f"{_KEY}.{key}": value for key, value in source.items()
    }
    given["state"] = options.state
    settings = [f"{key}={_text(value)}" for key, value in given.items() if value is not None]
    assignments, environment = overridden(
        webhook_url=options.webhook_url, auth_header=options.auth_header, assignments=options.assignments
    )
    settings += assignments
    return run(None, once=options.once, assignments=settings, environment=environment, looks_for_file=False)


def overridden(
    *, webhook_url: str | None, auth_header: str | None, assignments: Sequence[str] | None
) -> tuple[list[str], dict[str, str]]:
    """Assignments for the runner, and this process's environment with what is meant for `VariancePlugin`."""
    parameters, environment = manifest().parameters, dict(os.environ)
    for key, value in (("webhookUrl", webhook_url), ("authHeader", auth_header)):
        if value is not None:
            environment[variable(key)] = value
    settings = []
    for assignment in assignments or ():
        key, equals, value = assignment.partition("=")
        if equals and key.strip() in parameters:
            environment[variable(key.strip())] = value
        else:
            settings.append(assignment)
    return settings, environment


def posthog_settings(*, project_id: int | None, host: str | None) -> list[str]:
    """The options that say which project of PostHog is asked, as `--set` takes them."""
    given = {"posthog.project_id": project_id, "posthog.host": host}
    return [f"{key}={value}" for key, value in given.items() if value is not None]


def _text(value: Any) -> str:
    """As `--set` takes it."""
    return json.dumps(value) if isinstance(value, list | tuple) else str(value)
