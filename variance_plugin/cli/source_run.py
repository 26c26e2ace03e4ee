"""The short commands: a source on the command line, and otherwise the app runner as it is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..runtime.settings import ASSIGNMENT, Option
from ..settings import manifest
from .closing import ExitStatus
from .options import ProjectOptions, RunnerOptions
from .run_run import run

Given: TypeAlias = Mapping[str, tuple[str, Any]]
"""By what is typed: the setting that it gives, and its value; None stands for what the environment says."""


def run_source(type_: str, given: Given, options: RunnerOptions, *, once: bool) -> ExitStatus:
    """Run the app runner on one source, without a `runner.toml`.

    Args:
        type_: Which type of source, as `source.type` calls it.
        given: The command's own options.
        options: What all such commands take.
        once: End when the source has no more.

    Raises:
        SettingsError: With all that is wrong with the settings.
        UsageError: When something that they name cannot be used.
        Exception: What nobody foresaw, once what was read is delivered.
    """
    shared = {
        "--webhook-url": ("webhookUrl", options.webhook_url),
        "--auth-header": ("authHeader", options.auth_header),
        "--state": ("state", options.state),
    }
    parameters, settings = apart(options.assignments or ())
    return run(
        None,
        once=once,
        options=[*given_options({ASSIGNMENT: ("source.type", type_), **given, **shared}), *parameters],
        assignments=settings,
        looks_for_file=False,
    )


def given_options(given: Given) -> list[Option]:
    """Those that have a value."""
    return [
        Option(name=name, key=key, text=_text(value))
        for name, (key, value) in given.items()
        if value is not None
    ]


def apart(assignments: Sequence[str]) -> tuple[list[Option], list[str]]:
    """What `--set` gave: parameters of `VariancePlugin` by their names alone, and settings of the runner."""
    known = manifest().parameters
    parameters, settings = [], []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if equals and key.strip() in known:
            parameters.append(Option(name=ASSIGNMENT, key=key.strip(), text=value))
        else:
            settings.append(assignment)
    return parameters, settings


def of_project(options: ProjectOptions) -> Given:
    """Which project of PostHog is asked."""
    return {
        "--project-id": ("posthog.project_id", options.project_id),
        "--host": ("posthog.host", options.host),
    }


def _text(value: Any) -> str:
    """As `--set` takes it."""
    return json.dumps(value) if isinstance(value, list | tuple) else str(value)
