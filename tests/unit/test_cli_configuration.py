"""Which value each parameter has, and where it came from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from variance_plugin.cli.configuration import Configuration, resolve
from variance_plugin.errors import SettingsError
from variance_plugin.manifest import nearest
from variance_plugin.secret import Secret
from variance_plugin.settings import manifest, read_mapping, read_settings
from variance_plugin.variables import variable

PARAMETERS = manifest().parameters


def resolved(
    *,
    flags: Mapping[str, str | None] | None = None,
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Configuration:
    """With nothing given but what is."""
    return resolve(
        PARAMETERS, flags=flags or {}, assignments=assignments, environment=environment or {}, file=file
    )


def faults(configuration: Configuration) -> list[str]:
    """What could not be read, in words."""
    return list(map(str, configuration.faults))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("webhookUrl", "VARIANCE_WEBHOOK_URL"),
        ("exportEventsBufferBytes", "VARIANCE_EXPORT_EVENTS_BUFFER_BYTES"),
        ("includePostHogProperties", "VARIANCE_INCLUDE_POST_HOG_PROPERTIES"),
        ("sendIp", "VARIANCE_SEND_IP"),
        ("compression", "VARIANCE_COMPRESSION"),
    ],
)
def test_a_variable_is_the_parameter_in_capitals(key: str, name: str) -> None:
    """With a low line where a capital began a word."""
    assert name == variable(key)


def test_no_two_parameters_share_a_variable() -> None:
    """Nor does one look like the other's file."""
    names = [variable(key) for key in PARAMETERS]

    assert len(names) == len({*names, *(f"{name}_FILE" for name in names)}) / 2


def test_every_parameter_can_be_given_in_every_place(tmp_path: Path) -> None:
    """By `--set`, in the environment, in a file that the environment names, in TOML and in JSON."""
    (tmp_path / "settings.toml").write_text("".join(f'{key} = "x"\n' for key in PARAMETERS), encoding="utf-8")
    (tmp_path / "settings.json").write_text(json.dumps(dict.fromkeys(PARAMETERS, "x")), encoding="utf-8")
    (tmp_path / "x").write_text("x\n", encoding="utf-8")

    configurations = [
        resolved(assignments=[f"{key}=x" for key in PARAMETERS]),
        resolved(environment={variable(key): "x" for key in PARAMETERS}),
        resolved(environment={f"{variable(key)}_FILE": str(tmp_path / "x") for key in PARAMETERS}),
        resolved(file=tmp_path / "settings.toml"),
        resolved(file=tmp_path / "settings.json"),
    ]

    for configuration in configurations:
        assert () == configuration.faults
        expected = {key: Secret("x") if known.secret else "x" for key, known in PARAMETERS.items()}
        assert expected == configuration.values


def test_the_first_place_that_has_a_value_wins(tmp_path: Path) -> None:
    """A flag, `--set`, the environment, the file; each value knows its place."""
    settings = tmp_path / "settings.toml"
    settings.write_text(
        'webhookUrl="d"\nsendIp="d"\naccountGroupType="d"\ncompression="d"\n', encoding="utf-8"
    )

    configuration = resolved(
        flags={"webhookUrl": "a", "authHeader": None},
        assignments=["sendIp=b"],
        environment={
            "VARIANCE_WEBHOOK_URL": "c",
            "VARIANCE_SEND_IP": "c",
            "VARIANCE_ACCOUNT_GROUP_TYPE": "c",
            "VARIANCE_COMPRESSION": "",
        },
        file=settings,
    )

    assert {
        "webhookUrl": "a",
        "sendIp": "b",
        "accountGroupType": "c",
        "compression": "d",
    } == configuration.values
    assert {
        "webhookUrl": "--webhook-url",
        "sendIp": "--set",
        "accountGroupType": "VARIANCE_ACCOUNT_GROUP_TYPE",
        "compression": str(settings),
    } == configuration.origins


def test_an_empty_assignment_stands_for_the_default() -> None:
    """So that one run can do without what the environment says."""
    configuration = resolved(
        assignments=["systemEvents="], environment={"VARIANCE_SYSTEM_EVENTS": "$autocapture"}
    )

    assert {} == configuration.values


def test_an_assignment_may_hold_equal_signs() -> None:
    """The first one counts."""
    assert {"webhookUrl": "https://h.example/?a=b"} == resolved(
        assignments=["webhookUrl=https://h.example/?a=b"]
    ).values


def test_two_flags_for_one_parameter_are_a_fault() -> None:
    """Nobody can know which one was meant."""
    configuration = resolved(flags={"authHeader": "one"}, assignments=["authHeader=two"])

    assert ["authHeader: is given twice, by --auth-header and by --set; leave one out"] == faults(
        configuration
    )


def test_a_variable_and_its_file_are_a_fault(tmp_path: Path) -> None:
    """Nobody can know which one was meant; a file that is not there is told as well."""
    configuration = resolved(
        environment={
            "VARIANCE_AUTH_HEADER": "one",
            "VARIANCE_AUTH_HEADER_FILE": "two",
            "VARIANCE_HASH_SALT_FILE": str(tmp_path / "no-file"),
        }
    )

    both, missing = faults(configuration)
    assert (
        "authHeader: both VARIANCE_AUTH_HEADER and VARIANCE_AUTH_HEADER_FILE are set; keep one of them"
        == both
    )
    reason = f"cannot read {tmp_path / 'no-file'}: No such file or directory (from VARIANCE_HASH_SALT_FILE)"
    assert f"hashSalt: {reason}" == missing


def test_the_line_end_of_a_file_is_not_part_of_its_value(tmp_path: Path) -> None:
    """Editors put it there; other white space is the user's."""
    (tmp_path / "secret").write_bytes(b"Bearer  demo \r\n")

    configuration = resolved(environment={"VARIANCE_AUTH_HEADER_FILE": str(tmp_path / "secret")})

    assert Secret("Bearer  demo ") == configuration.values["authHeader"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VARIANCE_WEBHOK_URL", "VARIANCE_WEBHOOK_URL"),
        ("VARIANCE_WEBHOOKURL", "VARIANCE_WEBHOOK_URL"),
        ("VARIANCE_AUTH_HEADR_FILE", "VARIANCE_AUTH_HEADER_FILE"),
        ("VARIANCE_INCLUDE_POSTHOG_PROPERTIES", "VARIANCE_INCLUDE_POST_HOG_PROPERTIES"),
    ],
)
def test_a_mistyped_variable_is_a_fault_with_the_one_that_is_meant(name: str, meant: str) -> None:
    """Else it would count for nothing, in silence."""
    configuration = resolved(environment={name: "x"})

    assert [f"{name}: no setting has this variable; did you mean {meant}?"] == faults(configuration)


@pytest.mark.parametrize(
    "name",
    [
        "VARIANCE_SERVICE_HOST",
        "VARIANCE_SERVICE_PORT_HTTP",
        "VARIANCE_PORT_80_TCP_ADDR",
        "VARIANCE_HOME",
        "VARIANCE_ENV",
        "VARIANCE_DEBUG",
        "VARIANCE_LOG_LEVEL",
    ],
)
def test_variables_of_others_are_none_of_our_business(name: str) -> None:
    """Kubernetes makes some for a service of that name."""
    assert () == resolved(environment={name: "x"}).faults


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("s.toml", "webhookurl = 1", "unknown setting; did you mean webhookUrl?", id="unknown"),
        pytest.param("s.toml", "[variance]\nsendIp = 'no'", "variance: unknown setting", id="section"),
        pytest.param("s.toml", "sendIp = {a = 1}", "sendIp: is neither a text, a number", id="table"),
        pytest.param("s.toml", "sendIp = 2026-01-01", "sendIp: is neither a text, a number", id="date"),
        pytest.param("s.toml", "sendIp = [1]", "nor a list of texts", id="list of numbers"),
        pytest.param("s.toml", "sendIp", "is no table of settings in TOML: ", id="broken TOML"),
        pytest.param("s.json", "{sendIp}", "is no table of settings in JSON: ", id="broken JSON"),
        pytest.param("s.json", "[1]", "is no table of settings in JSON: ", id="no object"),
        pytest.param("s.json", "[" * 9000, "is no table of settings in JSON: ", id="nested too deep"),
    ],
)
def test_what_is_wrong_with_a_settings_file_is_told_with_its_name(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    """Whatever it holds."""
    (tmp_path / name).write_text(text, encoding="utf-8")

    (fault,) = faults(resolved(file=tmp_path / name))

    assert told in fault
    assert str(tmp_path / name) in fault


@pytest.mark.parametrize(
    "content", [pytest.param(None, id="missing"), pytest.param(b"\xff\xfe", id="no UTF-8")]
)
def test_a_settings_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    """Not a reason to go on without it."""
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content)

    (fault,) = faults(resolved(file=file))

    assert fault.startswith("--settings: ")
    assert str(file) in fault


def test_values_of_toml_and_json_keep_their_meaning(tmp_path: Path) -> None:
    """Numbers, yes and no, and lists need no quotes."""
    file = tmp_path / "settings.toml"
    file.write_text(
        'webhookUrl = "https://h.example"\nauthHeader = "x"\nretrySeconds = 2.5\nmaxBatchEvents = 7\n'
        'sendIp = false\npayloadVersion = 1\nsystemEvents = ["$a, b", "c"]\n',
        encoding="utf-8",
    )

    settings = resolved(file=file).checked(read_settings)

    assert 2.5 == settings.delivery.retry_seconds
    assert 7 == settings.delivery.max_batch_events
    assert settings.mapping.send_ip is False
    assert 1 == settings.mapping.payload_version
    assert ("$a, b", "c") == settings.mapping.system_events


def test_what_could_not_be_read_and_what_cannot_be_used_is_told_together() -> None:
    """One start shows all; what follows from another fault alone is left out."""
    configuration = resolved(
        assignments=["compression=zip", "nonsense=1", "retrySecond=1", "nothing"],
        environment={"VARIANCE_AUTH_HEADER_FILE": "/no/such/file", "VARIANCE_CONCURRENCY": "0"},
    )

    with pytest.raises(SettingsError) as caught:
        configuration.checked(read_settings)

    assert [
        "authHeader: cannot read /no/such/file: No such file or directory (from VARIANCE_AUTH_HEADER_FILE)",
        "--set: what is given number 2 names no setting; `variance-plugin check` lists them",
        "retrySecond: unknown setting; did you mean retrySeconds? (from --set)",
        "--set: what is given number 4 is not KEY=VALUE",
        "webhookUrl: is required and has no value; give it by --webhook-url or VARIANCE_WEBHOOK_URL",
        "compression: 'zip' is none of none, gzip (from --set)",
        "concurrency: '0' is not a whole number from 1 to 64 (from VARIANCE_CONCURRENCY)",
    ] == str(caught.value).splitlines()


def test_a_fault_is_told_also_when_the_rest_can_be_used() -> None:
    """A setting that nobody reads is one that somebody misses."""
    with pytest.raises(SettingsError, match="did you mean sendIp"):
        resolved(assignments=["sendip=no"]).checked(read_mapping)


def is_like_a_name(text: str) -> bool:
    """What is almost a parameter is told, as a slip of the pen."""
    return bool(nearest(text.partition("=")[0].strip(), PARAMETERS))


# The snowman stands in no text of the program, so the secret is found nowhere by chance.
@given(secret=st.text(min_size=11).map("\N{SNOWMAN}{}".format).filter(lambda text: not is_like_a_name(text)))
@example("QWxhZGRpbjpvcGVuc2VzYW1l==")
def test_no_secret_is_ever_told(secret: str) -> None:
    """Neither in what is wrong nor in how the values look, whatever its characters and wherever it is put."""
    configurations = [
        resolved(flags={"authHeader": secret}),
        resolved(flags={"authHeader": secret}, assignments=[f"authHeader={secret}"]),
        resolved(environment={"VARIANCE_SHARED_SECRET": secret, "VARIANCE_PROXY_URL": secret}),
        resolved(assignments=[secret, f"hashSalt={secret}", f"{secret}="]),
    ]

    for configuration in configurations:
        with pytest.raises(SettingsError) as caught:
            configuration.checked(read_settings)

        assert secret not in str(caught.value)
        assert secret not in repr(configuration)


def test_bytes_that_are_no_utf_8_are_a_fault() -> None:
    """They could not be sent as they are."""
    configuration = resolved(
        flags={"authHeader": "Bearer \udcff"}, environment={"VARIANCE_HASH_SALT": "\udcff"}
    )

    assert [
        "hashSalt: is not UTF-8 (from VARIANCE_HASH_SALT)",
        "authHeader: is not UTF-8 (from --auth-header)",
    ] == faults(configuration)
