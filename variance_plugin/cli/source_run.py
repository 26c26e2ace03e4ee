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
    assignments = options.assignments or ()
    everything = {ASSIGNMENT: ("source.type", type_), **given, "--state": ("state", options.state)}
    return run(
        None,
        once=once,
        options=[*_options(everything), *parameters(options.webhook_url, options.auth_header, assignments)],
        assignments=assignments,
        looks_for_file=False,
    )


def parameters(webhook_url: str | None, auth_header: str | None, assignments: Sequence[str]) -> list[Option]:
    """Those of `VariancePlugin`: by options of their own, and what `--set` gave by their names alone."""
    named = {"--webhook-url": ("webhookUrl", webhook_url), "--auth-header": ("authHeader", auth_header)}
    known = manifest().parameters
    parts = (assignment.partition("=") for assignment in assignments)
    return _options(named) + [
        Option(name=ASSIGNMENT, key=key.strip(), text=text)
        for key, equals, text in parts
        if equals and key.strip() in known
    ]


def of_project(options: ProjectOptions) -> Given:
    """Which project of PostHog is asked."""
    return {
        "--project-id": ("posthog.project_id", options.project_id),
        "--host": ("posthog.host", options.host),
    }


def _options(given: Given) -> list[Option]:
    return [
        Option(name=name, key=key, text=_text(value))
        for name, (key, value) in given.items()
        if value is not None
    ]


def _text(value: Any) -> str:
    """As `--set` takes it."""
    return json.dumps(value) if isinstance(value, list | tuple) else str(value)
