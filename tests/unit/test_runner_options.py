"""Settings that a command has options of its own for: what counts, and by what name faults are told."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from variance_plugin.errors import SettingsError
from variance_plugin.runtime.settings import InForce, Option, PluginSettings, read
from variance_plugin.secret import Secret
from variance_plugin.settings import manifest

ENOUGH = {"VARIANCE_WEBHOOK_URL": "https://hooks.example/1", "VARIANCE_AUTH_HEADER": "Bearer variable"}
BACKFILL = {"RUNNER_POSTHOG__PROJECT_ID": "7", "RUNNER_POSTHOG__PERSONAL_API_KEY": "phx_demo"}
SOURCE = Option(name="--set", key="source.type", text="backfill")


def option(name: str, key: str, text: str) -> Option:
    """As the user types it."""
    return Option(name=name, key=key, text=text)


def in_force(
    options: Sequence[Option],
    *,
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> InForce:
    """Without a file."""
    return read(
        None,
        environment={**ENOUGH, **BACKFILL, **(environment or {})},
        options=[SOURCE, *options],
        assignments=assignments,
        manifest_of=lambda _plugin: manifest(),
        looks_for_file=False,
    )


def faults(*options: Option, **more: Mapping[str, str] | Sequence[str]) -> list[str]:
    """What is wrong, in words."""
    with pytest.raises(SettingsError) as raised:
        in_force(options, **more)  # type: ignore[arg-type]
    return list(map(str, raised.value.faults))


def test_a_fault_is_told_by_the_option_that_was_typed() -> None:
    """Not by the setting behind it; of `--set`, where the setting was typed, by that."""
    assert [
        "--from: is no time such as 2026-11-21 or 2026-11-21T10:00:00Z",
        "logs.level: 'loud' is not one of debug, info, warning, error (from --set)",
        "plugins.variance.config.sendIp: 'maybe' is none of yes, no (from --set)",
        "--webhook-url: begins with neither https:// nor http://",
    ] == faults(
        option("--from", "source.from", "yesterday"),
        option("--webhook-url", "webhookUrl", "ftp://hooks.example"),
        option("--set", "sendIp", "maybe"),
        assignments=["logs.level=loud"],
    )


def test_what_is_no_assignment_is_told_by_its_number_among_all_that_were_typed() -> None:
    """Parameters by their names alone count as well; what it is may be a secret."""
    assert [f"--set: what is given number {number} is not KEY=VALUE" for number in (2, 4)] == faults(
        option("--from", "source.from", "2026-02-01"),
        option("--set", "sendIp", "no"),
        assignments=["sendIp=no", "phc_demo", "logs.level=debug", " =no"],
    )


def test_options_at_odds_are_told_by_their_names() -> None:
    """Each is fine by itself."""
    assert ["--to: is not after 2026-02-01T00:00:00Z, where it begins"] == faults(
        option("--from", "source.from", "2026-02-01"), option("--to", "source.to", "2026-01-01")
    )


def test_what_comes_after_an_option_is_told_as_what_it_is() -> None:
    """A setting that `--set` gives counts more than the option, and was typed there."""
    assert ["source.to: is no time such as 2026-11-21 or 2026-11-21T10:00:00Z (from --set)"] == faults(
        option("--from", "source.from", "2026-02-01"),
        option("--to", "source.to", "2026-01-01"),
        assignments=["source.to=never"],
    )


def test_an_option_counts_more_than_any_variable(tmp_path: Path) -> None:
    """Also than one that names a file: nobody has set two of them then."""
    (tmp_path / "header").write_text("Bearer file")
    found = in_force(
        [
            option("--from", "source.from", "2026-02-01"),
            option("--auth-header", "authHeader", "Bearer typed"),
        ],
        environment={
            "VARIANCE_AUTH_HEADER": "",
            "VARIANCE_AUTH_HEADER_FILE": str(tmp_path / "header"),
            "RUNNER_PLUGINS__VARIANCE__CONFIG__AUTH_HEADER": "Bearer own",
        },
    )

    values = {value.key: (value.value, value.origin) for value in found.values}
    assert (Secret("Bearer typed"), "--auth-header") == values["plugins.variance.config.authHeader"]


def test_an_option_that_two_plugins_would_take_is_refused() -> None:
    """As a variable of the same meaning is."""
    found = faults(
        option("--from", "source.from", "2026-02-01"),
        option("--webhook-url", "webhookUrl", "https://hooks.example/2"),
        environment={"RUNNER_PLUGINS": "one,two", **dict.fromkeys(ENOUGH, "")},
    )

    advice = "several plugins would take it; give each its own, by RUNNER_PLUGINS__{}__CONFIG__…"
    assert [f"--webhook-url: {advice.format(name)}" for name in ("ONE", "TWO")] == [
        fault for fault in found if fault.startswith("--")
    ]


def test_an_option_does_not_show_its_value() -> None:
    """It may be a secret; nor does a fault of it."""
    secret = option("--auth-header", "authHeader", "Bearer phc_demo\x07")

    assert "phc_demo" not in repr(secret)
    assert [
        "--auth-header: holds a line break or another control character; a header cannot carry that"
    ] == faults(option("--from", "source.from", "2026-02-01"), secret)


def test_the_plugin_needs_no_more_than_its_name() -> None:
    """Whatever the runner calls it."""
    plugin: PluginSettings = in_force(
        [option("--from", "source.from", "2026-02-01"), option("--set", "sendIp", "no")],
        environment={"RUNNER_PLUGINS": "mine", "RUNNER_PLUGINS__MINE__FROM": "variance"},
    ).settings.plugins[0]

    assert ("mine", "no") == (plugin.name, plugin.config["sendIp"])
