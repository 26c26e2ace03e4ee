"""The sources on the screen."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ..extras import Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType:
    """A type of source, as `source.type` in `runner.toml` calls it."""

    type: str
    reads: str
    command: str
    """The short one: the words after `variance-plugin`."""
    extra: Extra | None = None

    @property
    def missing(self) -> Extra | None:
        """What has to be installed before it can be used."""
        return None if self.extra is None or self.extra.is_installed else self.extra


SOURCE_TYPES: Sequence[SourceType] = (
    SourceType(
        type="file", reads="files, folders and standard input: exports, rows, bodies", command="export PATH…"
    ),
    SourceType(
        type="bucket",
        reads="batch exports in a bucket (s3, gs, az) or a folder, and those still to come",
        command="bucket URL",
        extra=Extra.BUCKET,
    ),
    SourceType(
        type="backfill",
        reads="what PostHog has kept, by its own API",
        command="backfill --from TIME --to TIME",
    ),
    SourceType(
        type="http",
        reads="what PostHog's webhook destination and its SDKs post",
        command="serve",
        extra=Extra.SERVE,
    ),
    SourceType(
        type="none", reads="nothing, for a runner that only syncs cohorts", command="sync-cohorts COHORT…"
    ),
    SourceType(
        type="kafka",
        reads="the events topic of a self-hosted PostHog, or one of your own",
        command="kafka --brokers HOST:PORT",
        extra=Extra.KAFKA,
    ),
)


def missing_of(source: str, url: str = "") -> Extra | None:
    """What has to be installed before a source can be read, by its type, and by its `url` if it has one."""
    if url and "://" not in url:
        return None  # a folder
    return next(one.missing for one in SOURCE_TYPES if one.type == source)


def show(*, as_json: bool) -> None:
    """Print them all."""
    if as_json:
        sys.stdout.write(json.dumps([_described(one) for one in SOURCE_TYPES], indent=2) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("type", "reads", "command", ""):
        table.add_column(heading, overflow="fold", no_wrap=False)
    for one in SOURCE_TYPES:
        table.add_row(one.type, one.reads, one.command, "not installed" if one.missing else "installed")
    Console(highlight=False, markup=False).print(table)
    # Below the table, where no line is broken: they are there to be copied.
    for one in SOURCE_TYPES:
        if one.missing is not None:
            sys.stdout.write(
                f"\n{one.type} needs packages that are not installed:\n  {one.missing.install}\n"
            )


def _described(one: SourceType) -> dict[str, str | bool | None]:
    return {
        "type": one.type,
        "reads": one.reads,
        "command": f"variance-plugin {one.command}",
        "installed": one.missing is None,
        "install": None if one.extra is None else one.extra.install,
    }
