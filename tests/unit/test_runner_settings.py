"""The runner's settings: which value counts, where it came from, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import SettingsError, UsageError
from variance_plugin.manifest import Manifest, load_manifest
from variance_plugin.runtime.settings import (
    BucketSource,
    FileSource,
    InForce,
    PluginSettings,
    dotted,
    keys,
    read,
    schema,
    variable,
)
from variance_plugin.secret import Secret
from variance_plugin.settings import manifest

OTHER = load_manifest(
    b"""{"name": "Other", "config": [
        {"key": "domains", "name": "Domains", "default": "acme.example"},
        {"key": "apiToken", "name": "Token", "secret": true},
        {"key": "logo", "name": "Logo", "type": "attachment"},
        {"key": "mode", "name": "Mode", "type": "choice", "choices": ["fast", "safe"], "default": "safe"}
    ]}""",
    where="a test",
)
ENOUGH = {
    "RUNNER_SOURCE__PATHS": "events",
    "VARIANCE_WEBHOOK_URL": "https://hooks.example/1",
    "VARIANCE_AUTH_HEADER": "Bearer demo-token",
}

_NO_PATHS = {"RUNNER_SOURCE__PATHS": ""}


def manifest_of(plugin: PluginSettings) -> Manifest:
    """Two plugins that there are, and none besides."""
    if plugin.origin in ("variance", "conf/../variance.zip"):
        return manifest()
    if plugin.origin in ("other", "other-twin"):
        return OTHER
    raise UsageError(f"there is no plugin {plugin.origin}")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def in_force(
    text: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
    file: str = "runner.toml",
) -> InForce:
    """With a file of that text, if there is one, and what it takes to start."""
    if text is not None:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text(text, encoding="utf-8")
    return read(
        None if text is None else Path(file),
        environment=ENOUGH | dict(environment or {}),
        assignments=assignments,
        manifest_of=manifest_of,
    )


def faults(*arguments: Any, **options: Any) -> list[str]:
    """What is wrong, in words."""
    with pytest.raises(SettingsError) as raised:
        in_force(*arguments, **options)
    return list(map(str, raised.value.faults))


def told(found: InForce) -> dict[str, tuple[Any, str]]:
    """By setting: its value and its origin."""
    return {value.key: (value.value, value.origin) for value in found.values}


# --- What counts ------------------------------------------------------------------------------------


def test_the_first_place_that_has_a_value_wins(tmp_path: Path) -> None:
    """The command line, a variable or the file it names, the settings file, the default; each is told."""
    (tmp_path / "level").write_text("error\n", encoding="utf-8")

    found = told(
        in_force(
            'flush_seconds = 1\n[logs]\nformat = "human"\nlevel = "debug"\n[hooks]\ntimeout_seconds = 1',
            environment={
                "RUNNER_FLUSH_SECONDS": "2",
                "RUNNER_LOGS__LEVEL_FILE": str(tmp_path / "level"),
                "RUNNER_HOOKS__TIMEOUT_SECONDS": "2",
            },
            assignments=["hooks.timeout_seconds=3"],
        )
    )

    assert (3.0, "--set") == found["hooks.timeout_seconds"]
    assert (2.0, "RUNNER_FLUSH_SECONDS") == found["flush_seconds"]
    assert ("error", "RUNNER_LOGS__LEVEL_FILE") == found["logs.level"]
    assert ("human", "runner.toml") == found["logs.format"]
    assert (10_000_000_000, "default") == found["spool.max_bytes"]


def test_a_plugins_parameter_has_the_same_order() -> None:
    """The command line, the runner's variable, the plugin's own, the file, the manifest's default."""
    found = told(
        in_force(
            '[[plugins]]\nname = "variance"\n[plugins.config]\nsendIp = "no"\ncompression = "gzip"\n'
            "concurrency = 2\nretrySeconds = 1\n",
            environment={
                "VARIANCE_COMPRESSION": "none",
                "VARIANCE_CONCURRENCY": "3",
                "VARIANCE_RETRY_SECONDS": "2",
                "RUNNER_PLUGINS__VARIANCE__CONFIG__CONCURRENCY": "4",
                "RUNNER_PLUGINS__VARIANCE__CONFIG__RETRY_SECONDS": "3",
            },
            assignments=["plugins.variance.config.retrySeconds=4"],
        )
    )

    at = "plugins.variance.config."
    assert ("4", "--set") == found[at + "retrySeconds"]
    assert ("4", "RUNNER_PLUGINS__VARIANCE__CONFIG__CONCURRENCY") == found[at + "concurrency"]
    assert ("none", "VARIANCE_COMPRESSION") == found[at + "compression"]
    assert ("no", "runner.toml") == found[at + "sendIp"]
    assert ("batch", "default") == found[at + "payloadFormat"]


SOURCES = {
    "file": {"paths": "a,b", "look_again_seconds": "1"},
    "bucket": {
        "url": "s3://exports/posthog", "match": "*.gz", "from": "2026-11-01", "to": "2026-11-21T10:00:00Z",
        "endpoint": "http://127.0.0.1:9000", "region": "eu-central-1", "profile": "exports",
        "manifest_wait_seconds": "0", "look_again_seconds": "300",
    },
    "backfill": {
        "from": "2026-11-01", "to": "2026-11-21T10:00:00Z", "include": "a,b", "exclude": "c",
        "window_hours": "24",
    },
    "kafka": {"topic": "posthog.events", "group": "exports", "read_from": "latest"},
    "http": {
        "topic": "events", "group": "receivers",
        "listen": "127.0.0.1:0", "tokens": "phc_demo,phc_other", "webhook_token": "demo-token",
        "forward_to": "https://eu.i.posthog.com", "trusted_proxies": "1", "max_connections": "100",
        "tls_certificate": "/etc/chain.pem", "tls_key": "/etc/key.pem",
    },
    "none": {},
}  # fmt: skip
"""For each type of source, a value of each of its settings."""


@pytest.mark.parametrize("by_file", [False, True], ids=["variable", "file"])
@pytest.mark.parametrize("type_", SOURCES)
def test_every_setting_can_be_given_by_a_variable(type_: str, tmp_path: Path, *, by_file: bool) -> None:
    """And what it says, or the file that it names, is what counts, for each setting that there is."""
    wanted = {
        "state": "s.db", "flush_seconds": "1", "source.type": type_,
        "plugins.*.from": "variance", "plugins.*.order": "7", "plugins.*.enabled": "yes",
        "hooks.timeout_seconds": "1", "hooks.export_timeout_seconds": "2",
        "hooks.failures_until_disabled": "3", "spool.max_bytes": "5_000_000",
        "posthog.host": "https://eu.i.posthog.com", "posthog.project_key": "phc_demo",
        "posthog.personal_api_key": "phx_demo", "posthog.project_id": "7", "posthog.report_exceptions": "on",
        "cohorts.sync": "5,Trial", "cohorts.every_hours": "12",
        "posthog.report_exports": "true", "kafka.brokers": "k1.example:9093,k2.example:9093",
        "kafka.tls": "yes",
        "kafka.tls_ca": "ca.pem",
        "kafka.tls_certificate": "c.pem", "kafka.tls_key": "c.key", "kafka.tls_key_password": "demo-key",
        "kafka.sasl_mechanism": "SCRAM-SHA-512", "kafka.sasl_username": "exports",
        "kafka.sasl_password": "demo-password", "kafka.dead_letter_topic": "dead",
        "kafka.properties": "fetch.wait.max.ms=50, sasl.oauthbearer.client.secret=demo-secret",
        "geoip.database": "g.mmdb", "logs.format": "json",
        "logs.level": "debug", "metrics.listen": "127.0.0.1:0",
    }  # fmt: skip
    of_sources = {f"source.{key}" for table in SOURCES.values() for key in table}
    assert {dotted(path) for path in keys()} == wanted.keys() | of_sources | {"plugins.*.name"}
    wanted |= {f"source.{key}": value for key, value in SOURCES[type_].items()}
    environment = _NO_PATHS | {
        variable(tuple(key.replace("*", "variance").split("."))): value for key, value in wanted.items()
    }
    if by_file:
        given_by = {name: tmp_path / name for name, value in environment.items() if value}
        for name, path in given_by.items():
            path.write_text(environment[name] + "\n")
        environment = _NO_PATHS | {f"{name}_FILE": str(path) for name, path in given_by.items()}

    found = in_force(environment=environment)

    given = told(found)
    assert {name for name in environment if environment[name]} <= {origin for _, origin in given.values()}
    assert type_ == found.settings.source.type
    assert (True, True) == (found.settings.posthog.report_exceptions, found.settings.plugins[0].enabled)
    assert (Path("s.db"), Path("g.mmdb")) == (found.settings.state, found.settings.geoip.database)
    assert 5_000_000 == found.settings.spool.max_bytes
    assert Secret("phc_demo") == found.settings.posthog.project_key


def test_an_empty_assignment_stands_for_the_default() -> None:
    """So that one run can do without what the environment says, of the runner and of a plugin."""
    found = told(
        in_force(
            environment={"RUNNER_LOGS__LEVEL": "debug", "VARIANCE_SEND_IP": "no"},
            assignments=["logs.level=", "plugins.variance.config.sendIp="],
        )
    )

    assert ("info", "default") == found["logs.level"]
    assert ("yes", "default") == found["plugins.variance.config.sendIp"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("a.jsonl, b/*.gz,", ("a.jsonl", "b/*.gz")),
        ('["a,b.jsonl", "-"]', ("a,b.jsonl", "-")),
        ("[ab]*.jsonl", ("[ab]*.jsonl",)),
    ],
    ids=["commas", "JSON", "a pattern that begins like JSON"],
)
def test_a_list_in_a_variable_is_json_or_has_commas(text: str, paths: tuple[str, ...]) -> None:
    """A pattern may begin with a bracket as well."""
    source = in_force(environment={"RUNNER_SOURCE__PATHS": text}).settings.source
    assert isinstance(source, FileSource)
    assert paths == source.paths


def test_without_a_file_the_one_in_the_folder_counts_and_none_is_no_fault() -> None:
    """`runner.toml` where the program was started, if it is there."""
    before = in_force()
    Path("runner.toml").write_text("flush_seconds = 5", encoding="utf-8")

    assert (30.0, 5.0) == (before.settings.flush_seconds, in_force().settings.flush_seconds)


def test_paths_in_the_file_begin_at_its_folder_and_others_where_the_program_was_started() -> None:
    """Also those of a plugin, of an attachment, and not the standard input, nor what is absolute."""
    Path("conf").mkdir()
    Path("conf/logo.png").write_bytes(b"png")
    found = in_force(
        'state = "s.db"\n[source]\npaths = ["a/*.jsonl", "-", "/b"]\n'
        '[[plugins]]\nname = "variance"\nfrom = "../variance.zip"\n'
        '[[plugins]]\nname = "other"\nconfig = { logo = "logo.png" }\n',
        environment={"RUNNER_SOURCE__PATHS": "", "RUNNER_GEOIP__DATABASE": "g.mmdb"},
        file="conf/runner.toml",
    ).settings

    assert Path("conf/s.db") == found.state
    assert isinstance(found.source, FileSource)
    assert ("conf/a/*.jsonl", "-", "/b") == found.source.paths
    assert "conf/../variance.zip" == found.plugins[0].origin
    assert "conf/logo.png" == found.plugins[1].config["logo"]
    assert Path("g.mmdb") == found.geoip.database


def test_a_plugin_is_found_by_its_name_unless_it_says_from_where() -> None:
    """And only what has the look of a path is one."""
    assert ("variance", False) == (PluginSettings(name="variance").origin, False)
    assert [True, True, True, False] == [
        PluginSettings(name="x", from_=origin).is_path for origin in ("./x", "a/x", "x.zip", "x")
    ]


def test_plugins_run_in_their_order() -> None:
    """The least first; one without an order stands where it is listed, counted from 1."""
    found = in_force(
        '[[plugins]]\nname = "other"\norder = 3\n'
        '[[plugins]]\nname = "variance"\n'
        '[[plugins]]\nname = "first"\nfrom = "other"\norder = 0\n'
    )

    assert ["first", "variance", "other"] == [plugin.name for plugin in found.settings.plugins]


def test_a_variable_may_say_which_plugins_run() -> None:
    """Those of the file with their parameters, others by their entry points."""
    found = in_force(
        '[[plugins]]\nname = "other"\nconfig = { domains = "a.example" }\n[[plugins]]\nname = "gone"\n',
        environment={"RUNNER_PLUGINS": "variance, other"},
    )

    assert ["variance", "other"] == [plugin.name for plugin in found.settings.plugins]
    assert {"domains": "a.example"} == found.settings.plugins[1].config


def test_nothing_is_asked_of_a_plugin_that_is_not_enabled() -> None:
    """It may be missing, and its parameters wrong."""
    found = in_force(
        '[[plugins]]\nname = "variance"\n[[plugins]]\nname = "gone"\nenabled = false\nconfig = { a = 1 }\n'
    )

    assert [True, False] == [plugin.enabled for plugin in found.settings.plugins]
    assert {} == found.settings.plugins[1].config


def test_what_is_checked_does_not_change() -> None:
    """The settings are frozen."""
    with pytest.raises(FrozenInstanceError):
        in_force().settings.flush_seconds = 1  # type: ignore[misc]


# --- Secrets ----------------------------------------------------------------------------------------


def test_no_secret_shows_in_a_repr() -> None:
    """Neither the runner's own nor a plugin's; and who masks logs gets them all."""
    found = in_force(
        '[posthog]\nproject_key = "phc_secret"\npersonal_api_key = "phx_secret"\n'
        '[[plugins]]\nname = "variance"\n[[plugins]]\nname = "other"\nconfig = { apiToken = "t-secret" }\n'
    )

    assert "secret" not in repr(found).replace("Secret", "").replace("sharedSecret", "")
    assert {"phc_secret", "phx_secret", "t-secret", "Bearer demo-token"} == {
        secret.reveal() for secret in found.settings.secrets
    }


@pytest.mark.parametrize(
    "text",
    [
        'posthog = "phc_5ecret"',
        "[posthog]\nproject_key = ['phc_5ecret']",
        '[posthog]\nproject_key = "phc_5ecret\\u0007"',
        'posthog.project_key.phc = "phc_5ecret"',
        '[[plugins]]\nname = "other"\nconfig = "phc_5ecret"',
        '[[plugins]]\nname = "other"\nconfig = { mode = 1, apiTokn = "phc_5ecret" }',
        '[[plugins]]\nname = "variance"\n[plugins.config]\nauthHeader = "phc_5ecret\\u0007"',
    ],
    ids=str,
)
def test_no_fault_shows_a_secret(text: str) -> None:
    """Whatever is wrong with it, or with where it stands."""
    environment = {"RUNNER_POSTHOG__REPORT_EXPORTS": "yes"}  # a fault, where the key itself is none

    assert not [fault for fault in faults(text, environment=environment) if "5ecret" in fault]


# --- Faults -----------------------------------------------------------------------------------------


def test_all_faults_are_told_at_once_each_with_key_cause_and_place() -> None:
    """Of the file, the variables, the command line, and the parameters of every plugin."""
    found = faults(
        """
        stat = "x.db"
        flush_seconds = true
        logs = 3
        [source]
        type = "fil"
        [hooks]
        failures_until_disabled = 0
        [posthog]
        host = "us.posthog.com"
        [metrics]
        listen = "localhost"
        [[plugins]]
        name = "variance"
        ordr = 1
        config = { webhookURL = "x" }
        [[plugins]]
        name = "a b"
        [[plugins]]
        name = "other"
        config = { mode = "quick", logo = 2020-01-01 }
        [[plugins]]
        name = "other"
        [[plugins]]
        name = "gone"
        """,
        environment={
            "RUNNER_STATEE": "x",
            "RUNNER_SPOOL__MAX": "1",
            "RUNNER_HOOKS__TIMEOUT_SECONDS": "soon",
            "RUNNER_PLUGINS__OTHER__CONFIG__DOMAIN": "x",
            "RUNNER_GEOIP__DATABASE": "a",
            "RUNNER_GEOIP__DATABASE_FILE": "b",
        },
        assignments=["source.path=x", "plugins.othr.order=1", "phc_demo"],
    )

    assert [
        "plugins[4].name: 'other' is the name of an earlier plugin, too",
        (
            "geoip.database: both RUNNER_GEOIP__DATABASE and RUNNER_GEOIP__DATABASE_FILE are set; "
            "keep one of them"
        ),
        "RUNNER_SPOOL__MAX: no setting has this variable; did you mean RUNNER_SPOOL__MAX_BYTES?",
        "RUNNER_STATEE: no setting has this variable; did you mean RUNNER_STATE?",
        "source.path: unknown setting; did you mean paths? (from --set)",
        "plugins.othr.order: there is no plugin 'othr' among variance, a b, other, gone (from --set)",
        "--set: what is given number 3 is not KEY=VALUE",
        "flush_seconds: is yes or no, where a number is wanted (from runner.toml)",
        f"source.type: 'fil' is none of {', '.join(SOURCES)}; did you mean file? (from runner.toml)",
        "plugins.variance.ordr: unknown setting; did you mean order? (from runner.toml)",
        (
            "plugins.a b.name: 'a b' is not letters, digits, - and _, beginning with a letter or digit, "
            "64 at the most (from runner.toml)"
        ),
        (
            "hooks.timeout_seconds: 'soon' is not a number from 0.1 to 86,400 "
            "(from RUNNER_HOOKS__TIMEOUT_SECONDS)"
        ),
        "hooks.failures_until_disabled: 0 is not a whole number from 1 to 1,000,000,000 (from runner.toml)",
        "posthog.host: is not an address such as https://us.i.posthog.com (from runner.toml)",
        "logs: is no table; its settings belong below [logs] (from runner.toml)",
        "metrics.listen: is neither off nor an address and a port, such as 127.0.0.1:9464 (from runner.toml)",
        "stat: unknown setting; did you mean state? (from runner.toml)",
        "plugins.gone.from: there is no plugin gone",
        "plugins.variance.config.webhookURL: unknown setting; did you mean webhookUrl? (from runner.toml)",
        (
            "plugins.other.config.logo: is a date, which no parameter can be; put it in quotes "
            "(from runner.toml)"
        ),
        (
            "RUNNER_PLUGINS__OTHER__CONFIG__DOMAIN: no setting has this variable; did you mean "
            "RUNNER_PLUGINS__OTHER__CONFIG__DOMAINS?"
        ),
        "plugins.other.config.mode: 'quick' is none of fast, safe (from runner.toml)",
    ] == found


def test_what_is_missing_is_told_with_the_ways_to_give_it() -> None:
    """The setting's name in the file, and its variable."""
    with pytest.raises(SettingsError) as raised:
        read(None, environment={}, manifest_of=manifest_of)

    assert [
        "runner.toml: is not in this folder, and no other file was named",
        (
            "source.paths: is required and has no value; "
            "give it by --set source.paths=… or by RUNNER_SOURCE__PATHS"
        ),
        ("plugins.variance.config.webhookUrl: is required and has no value; give it by VARIANCE_WEBHOOK_URL"),
        (
            "plugins.variance.config.authHeader: neither it nor sharedSecret is set; one of them is needed; "
            "give it by VARIANCE_AUTH_HEADER"
        ),
    ] == list(map(str, raised.value.faults))


def test_in_a_file_each_thing_that_is_missing_has_its_place(tmp_path: Path) -> None:
    """Of one plugin that sends to Variance, and of two, for which `VARIANCE_…` would not tell which."""
    file = tmp_path / "runner.toml"
    found = []
    for plugins in ("", '[[plugins]]\nname = "eu"\nfrom = "variance"\n[[plugins]]\nname = "variance"\n'):
        file.write_text(f"[source]\n{plugins}")
        with pytest.raises(SettingsError) as raised:
            read(file, environment={"VARIANCE_AUTH_HEADER": ""}, manifest_of=manifest_of)
        found.append([str(fault) for fault in raised.value.faults if "webhookUrl" in fault.key])

    missing = "is required and has no value; give it below [plugins.config]"
    assert [
        [f"plugins.variance.config.webhookUrl: {missing} in {file} or by VARIANCE_WEBHOOK_URL"],
        [
            f"plugins.{name}.config.webhookUrl: {missing} in {file} or by "
            f"RUNNER_PLUGINS__{name.upper()}__CONFIG__WEBHOOK_URL"
            for name in ("eu", "variance")
        ],
    ] == found


@pytest.mark.parametrize("place", ["webhookUrl", "plugins.variance.webhookUrl"])
def test_a_plugins_parameter_in_another_place_is_told_its_own(place: str, tmp_path: Path) -> None:
    """Both places are likely ones."""
    file = tmp_path / "runner.toml"
    line = 'webhookUrl = "https://hooks.variance.example/c/1"\n'
    at_top, in_plugin = (line, "") if place == "webhookUrl" else ("", line)
    file.write_text(f'{at_top}[source]\npaths = ["x"]\n[[plugins]]\nname = "variance"\n{in_plugin}')
    with pytest.raises(SettingsError) as raised:
        read(file, environment={}, manifest_of=manifest_of)

    told = f"is a parameter of a plugin: it belongs below [plugins.config] (from {file})"
    assert f"{place}: {told}" == str(raised.value.faults[0])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("plugins = 3", "plugins: is no list of tables; begin each plugin with [[plugins]]"),
        ("[plugins]\nname = 'variance'", "plugins: is no list of tables; begin each plugin with [[plugins]]"),
        ("[[plugins]]\nfrom = 'x'", "plugins[1].name: is required, and is a text that names the plugin"),
        (
            "[[plugins]]\nname = 'variance'\nenabled = false",
            ("plugins: none of them is enabled; events would lead nowhere"),
        ),
        (
            "[posthog]\nreport_exports = true",
            ("posthog.report_exports: is on, and needs posthog.project_key, which is not set"),
        ),
        ("[source]\npaths = []", "source.paths: is not a list of texts, at least one (from runner.toml)"),
        ("state = ''", "state: is empty, where a path is wanted (from runner.toml)"),
        (
            "[spool]\nmax_bytes = 1",
            (
                "spool.max_bytes: 1 is not a whole number from 1,000,000 to "
                "1,000,000,000,000,000 (from runner.toml)"
            ),
        ),
        (
            "[logs]\nlevel = 'warn'",
            (
                "logs.level: 'warn' is not one of debug, info, warning, error; "
                "did you mean warning? (from runner.toml)"
            ),
        ),
        (
            "[posthog]\nhost = 'https://u:p@h.example'",
            (
                "posthog.host: holds a user name, a password or a query, "
                "which no address of PostHog has (from runner.toml)"
            ),
        ),
    ],
    ids=str,
)
def test_a_fault_is_told_in_words(text: str, fault: str) -> None:
    """What is wrong, and what is allowed."""
    environment = {"RUNNER_SOURCE__PATHS": ""} if "[source]" in text else {}

    assert fault in faults(text, environment=environment)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"a = ", "is not TOML: Invalid value (at end of document)"),
        (
            b"a = '\xff'",
            "is not TOML: 'utf-8' codec can't decode byte 0xff in position 5: invalid start byte",
        ),
    ],
    ids=["missing", "no TOML", "no UTF-8"],
)
def test_a_file_that_cannot_be_read_is_the_only_fault(content: bytes | None, problem: str) -> None:
    """What it would have said cannot be missed."""
    if content is not None:
        Path("other.toml").write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        read(Path("other.toml"), environment={}, manifest_of=manifest_of)

    assert [f"other.toml: {problem}"] == list(map(str, raised.value.faults))


def test_others_may_use_the_prefix() -> None:
    """A CI's own variables are no faults."""
    names = "OS ARCH NAME TEMP TOOL_CACHE DEBUG ENVIRONMENT WORKSPACE TRACKING_ID SCRIPT_TIMEOUT".split()

    assert in_force().settings == in_force(environment={f"RUNNER_{name}": "x" for name in names}).settings


def test_two_plugins_that_no_variable_could_tell_apart_are_a_fault() -> None:
    """`a-b` and `a_b` would have the same."""
    text = "".join(f'[[plugins]]\nname = "{name}"\nfrom = "other"\n' for name in ("a-b", "a_b"))

    assert ["plugins.a_b.name: no variable could tell it from a-b; rename one of them"] == faults(
        text, environment={"VARIANCE_WEBHOOK_URL": "", "VARIANCE_AUTH_HEADER": ""}
    )


def test_variables_that_several_plugins_would_take_are_a_fault() -> None:
    """With two destinations nobody can know which one is meant."""
    text = "".join(f'[[plugins]]\nname = "{name}"\nfrom = "variance"\n' for name in ("eu", "us"))

    assert [
        f"VARIANCE_{name}: several plugins would take it; give each its own, by "
        f"RUNNER_PLUGINS__{plugin}__CONFIG__…"
        for plugin in ("EU", "US")
        for name in ("AUTH_HEADER", "WEBHOOK_URL")
    ] == faults(text)


def test_only_the_settings_of_its_own_kind_are_told_of_a_source() -> None:
    """What other kinds have is none of its business."""
    environment = {**_NO_PATHS, "RUNNER_SOURCE__TYPE": "bucket", "RUNNER_SOURCE__URL": "s3://a"}

    found = told(in_force(environment=environment))

    own = {f"source.{key}" for key in ("type", *SOURCES["bucket"])}
    assert own == {key for key in found if key.startswith("source")}
    assert ("s3://a", "RUNNER_SOURCE__URL") == found["source.url"]
    assert ("file", "default") == told(in_force())["source.type"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            'type = "buket"',
            f"source.type: 'buket' is none of {', '.join(SOURCES)}; did you mean bucket? (from runner.toml)",
        ),
        (
            'type = "bucket"',
            "source.url: is required and has no value; give it in runner.toml or by RUNNER_SOURCE__URL",
        ),
        (
            'type = "bucket"\nurl = "a"\nulr = "b"',
            "source.ulr: unknown setting; did you mean url? (from runner.toml)",
        ),
        (
            'type = "bucket"\nurl = "a"\npaths = ["b"]',
            "source.paths: is no setting of this type of source (from runner.toml)",
        ),
        ('paths = ["a", 1]', "source.paths: is not a list of texts, at least one (from runner.toml)"),
        (
            'type = "bucket"\nurl = "a"\nfrom = "soon"',
            "source.from: is no time such as 2026-11-21 or 2026-11-21T10:00:00Z (from runner.toml)",
        ),
        (
            'type = "bucket"\nurl = "a"\nendpoint = "minio:9000"',
            "source.endpoint: is not an address such as https://minio.internal.example (from runner.toml)",
        ),
        (
            'type = "http"',
            (
                "source.tokens: nobody may send events: give the keys of your projects (phc_…), or "
                "source.webhook_token"
            ),
        ),
        (
            'type = "http"\ntokens = ["*"]\nlisten = "off"',
            "source.listen: is not an address and a port, such as 127.0.0.1:8902 (from runner.toml)",
        ),
        (
            'type = "http"\ntokens = ["*"]\nlisten = "bogus"',
            "source.listen: is not an address and a port, such as 127.0.0.1:8902 (from runner.toml)",
        ),
        (
            'type = "http"\nwebhook_token = "a\\u0007b"',
            (
                "source.webhook_token: holds a line break or another control character; a header cannot "
                "carry that (from runner.toml)"
            ),
        ),
    ],
    ids=str,
)
def test_faults_of_a_source_are_those_of_its_kind(text: str, fault: str) -> None:
    """By names as they stand in the file."""
    assert [fault] == faults(f"[source]\n{text}", environment=_NO_PATHS)


def test_a_source_that_is_no_table_is_told() -> None:
    """Whatever its kind would be."""
    assert ["source: is no table; its settings belong below [source] (from runner.toml)"] == faults(
        "source = 3", environment=_NO_PATHS
    )


def test_a_bucket_takes_times_as_toml_has_them_and_a_folder_beside_the_file(tmp_path: Path) -> None:
    """A day begins at midnight in UTC; a path begins where the file is, and an address does not."""
    file = tmp_path / "conf" / "runner.toml"
    file.parent.mkdir()
    table = '[source]\ntype = "bucket"\nurl = "{}"\nfrom = 2026-11-01\nto = 2026-11-21T10:00:00+01:00\n'
    found = []
    for url in ("exports", "s3://exports"):
        file.write_text(table.format(url))
        settings = read(file, environment=ENOUGH | _NO_PATHS, manifest_of=manifest_of).settings.source
        assert isinstance(settings, BucketSource)
        found.append(settings.url)

        assert datetime(2026, 11, 1, tzinfo=UTC) == settings.from_
        assert datetime(2026, 11, 21, 9, tzinfo=UTC) == settings.to
    assert [str(tmp_path / "conf" / "exports"), "s3://exports"] == found


_TOML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
_NAMES = st.text() | st.sampled_from(
    "state source paths type plugins name from config hooks posthog host logs level metrics listen".split()
)


@given(st.dictionaries(_NAMES, _TOML_VALUES | st.dictionaries(_NAMES, _TOML_VALUES), max_size=6))
def test_whatever_a_file_holds_is_settings_or_faults(tables: dict[str, Any]) -> None:
    """Any nesting of known and unknown names: never an exception of another kind."""
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr("tomllib.loads", lambda _text: tables)
        Path("any.toml").touch()
        try:
            read(Path("any.toml"), environment=ENOUGH, manifest_of=manifest_of)
        except SettingsError as error:
            assert error.faults  # noqa: PT017 -- either ending is right


def test_names_nested_as_deep_as_can_be_are_one_fault() -> None:
    """Dotted keys need no brackets, so TOML sets no bound."""
    found = faults(".".join(["a"] * 5_000) + " = 1\n[source]\npaths." + ".".join(["b"] * 5_000) + " = 1",
                   environment={"RUNNER_SOURCE__PATHS": ""})  # fmt: skip

    assert [
        "source.paths: is not a list of texts, at least one (from runner.toml)",
        "a: unknown setting (from runner.toml)",
    ] == found


def test_a_number_that_python_would_not_write_down_is_a_fault() -> None:
    """In hexadecimals TOML's own reader takes any length."""
    huge = "0x" + "f" * 5_000

    assert [
        "flush_seconds: a number beyond 64 bits is not a number from 0 to 86,400 (from runner.toml)",
        (
            "spool.max_bytes: a number beyond 64 bits is not a whole number from 1,000,000 to "
            "1,000,000,000,000,000 (from runner.toml)"
        ),
        "plugins.other.config.mode: is a number beyond 64 bits (from runner.toml)",
    ] == faults(
        f"flush_seconds = {huge}\n[spool]\nmax_bytes = {huge}\n"
        f'[[plugins]]\nname = "other"\n[plugins.config]\nmode = {huge}\n',
    )


# --- The schema -------------------------------------------------------------------------------------


def test_every_setting_has_a_description() -> None:
    """Editors and the docs show it."""
    assert [] == [dotted(path) for path, key in keys().items() if not key.description]


def test_the_schema_names_bounds_choices_and_secrets() -> None:
    """What an editor can tell without running anything."""
    tables = schema()["$defs"]

    assert {"minimum": 0.1, "maximum": 86400}.items() <= tables["HookSettings"]["properties"][
        "timeout_seconds"
    ].items()
    assert ["debug", "info", "warning", "error"] == tables["LogLevel"]["enum"]
    assert tables["PosthogSettings"]["properties"]["project_key"]["writeOnly"] is True
    assert tables["FileSource"]["additionalProperties"] is False
