"""The parameters of `plugin.json` as settings: all faults at once, in the user's words, without a secret."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benches.certificates import make_pair, needs_openssl
from variance_plugin.delivery import Compression, DeliverySettings, PayloadFormat
from variance_plugin.errors import SettingsError, UsageError
from variance_plugin.mapping import AccountMapping, AnonymousUsers, MappingSettings
from variance_plugin.parameters import Parameters
from variance_plugin.runtime import LaneSettings
from variance_plugin.secret import Secret
from variance_plugin.settings import manifest, read_mapping, read_settings

NEEDED = {"webhookUrl": "https://variance.example/hook", "authHeader": "Bearer demo-token"}


def faults(config: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a configuration, by key."""
    with pytest.raises(SettingsError) as caught:
        read_settings(config)
    return {fault.key: fault.problem for fault in caught.value.faults}


def test_two_values_are_enough() -> None:
    """Everything else has a default, and it is the one that `plugin.json` shows."""
    settings = read_settings(NEEDED)

    assert (
        DeliverySettings(webhook_url="https://variance.example/hook", auth_header=Secret("Bearer demo-token"))
        == settings.delivery
    )
    assert MappingSettings() == settings.mapping


def test_the_hosts_defaults_are_those_of_the_manifest() -> None:
    """Lane, lanes and the end of retries stand in `plugin.json` and in the code alike."""
    assert LaneSettings() == LaneSettings.read(Parameters(manifest().complete(NEEDED)))


OTHER_VALUES: dict[str, tuple[Any, Any]] = {
    "webhookUrl": (
        "http://hooks.example:8080/x?y",
        ("delivery", "webhook_url", "http://hooks.example:8080/x?y"),
    ),
    "authHeader": ("Basic Zm9v", ("delivery", "auth_header", Secret("Basic Zm9v"))),
    "sharedSecret": ("abc123", ("delivery", "shared_secret", Secret("abc123"))),
    "eventsToExport": ("a, b*", ("mapping", "events_to_export", ("a", "b*"))),
    "exportEventsToIgnore": (["a,b", " c "], ("mapping", "export_events_to_ignore", ("a,b", "c"))),
    "systemEvents": ("$autocapture", ("mapping", "system_events", ("$autocapture",))),
    "anonymousUsers": ("Skip", ("mapping", "anonymous_users", AnonymousUsers.SKIP)),
    "identifyFromEvents": ("off", ("mapping", "identify_from_events", False)),
    "groupFromEvents": (False, ("mapping", "group_from_events", False)),
    "sendPersonTraits": (True, ("mapping", "send_person_traits", True)),
    "historical": (True, ("mapping", "historical", True)),
    "accountMapping": ("TRAITS", ("mapping", "account_mapping", AccountMapping.TRAITS)),
    "accountGroupType": ("company", ("mapping", "account_group_type", "company")),
    "accountIdTrait": ("company.id", ("mapping", "account_id_trait", "company.id")),
    "accountNameTrait": (" company.name ", ("mapping", "account_name_trait", "company.name")),
    "includePostHogProperties": ("$browser", ("mapping", "include_posthog_properties", ("$browser",))),
    "propertiesToExclude": ("ssn,", ("mapping", "properties_to_exclude", ("ssn",))),
    "propertiesToHash": ("email", ("mapping", "properties_to_hash", ("email",))),
    "hashSalt": ("pepper\n", ("mapping", "hash_salt", Secret("pepper"))),
    "sendIp": ("NO", ("mapping", "send_ip", False)),
    "payloadVersion": (1, ("mapping", "payload_version", 1)),
    "payloadFormat": ("ndjson", ("delivery", "payload_format", PayloadFormat.NDJSON)),
    "compression": ("gzip", ("delivery", "compression", Compression.GZIP)),
    "maxBatchEvents": ("1_000", ("delivery", "max_batch_events", 1_000)),
    "maxBatchBytes": (4_000, ("delivery", "max_batch_bytes", 4_000)),
    "exportEventsBufferBytes": ("2048", ("buffer", "buffer_bytes", 2_048)),
    "exportEventsBufferSeconds": ("0.5", ("buffer", "buffer_seconds", 0.5)),
    "concurrency": ("8", ("buffer", "concurrency", 8)),
    "rateLimitPerSecond": ("0.5", ("delivery", "rate_limit_per_second", 0.5)),
    "connectTimeoutSeconds": ("1.5", ("delivery", "connect_timeout_seconds", 1.5)),
    "readTimeoutSeconds": (60, ("delivery", "read_timeout_seconds", 60)),
    "retrySeconds": ("0", ("delivery", "retry_seconds", 0)),
    "maxRetryHours": ("72", ("buffer", "max_retry_hours", 72)),
    "allowedHosts": ("localhost:80, [::1]", ("delivery", "allowed_hosts", ("localhost:80", "[::1]"))),
    "allowPrivateNetworks": ("yes", ("delivery", "allow_private_networks", True)),
    "proxyUrl": ("http://proxy.example:3128", ("delivery", "proxy_url", Secret("http://proxy.example:3128"))),
    "caCertificate": ("pair.pem", ("delivery", "ca_certificate", "pair.pem")),
    "clientCertificate": ("both.pem", ("delivery", "client_certificate", "both.pem")),
    "clientKey": ("pair.key", ("delivery", "client_key", "pair.key")),
    "dangerouslySkipTlsVerification": ("yes", ("delivery", "verify_tls", False)),
}

# Without these the value above is a fault.
NEEDED_WITH = {
    "accountMapping": {"accountIdTrait": "company.id"},
    "clientKey": {"clientCertificate": "pair.pem"},
}
WITH_CERTIFICATES = ("caCertificate", "clientCertificate", "clientKey")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate, its key, and both in one file."""
    folder = tmp_path_factory.mktemp("certificates")
    pair = make_pair(folder, "pair")
    (folder / "both.pem").write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    return folder


def test_the_table_of_other_values_names_every_parameter() -> None:
    """A parameter that is added to `plugin.json` has to be read by something, and shown here."""
    assert [*manifest().parameters] == [*OTHER_VALUES]


@pytest.mark.parametrize(
    "key",
    [pytest.param(key, marks=needs_openssl if key in WITH_CERTIFICATES else ()) for key in OTHER_VALUES],
)
def test_every_parameter_is_read(
    key: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its value arrives in the one setting that it is for."""
    if key in WITH_CERTIFICATES:
        monkeypatch.chdir(request.getfixturevalue("certificates"))
    value, (part, attribute, expected) = OTHER_VALUES[key]
    config = {**NEEDED, key: value, **NEEDED_WITH.get(key, {})}

    settings = read_settings(config)

    buffer = LaneSettings.read(Parameters(manifest().complete(config)))
    parts = {"mapping": settings.mapping, "delivery": settings.delivery, "buffer": buffer}
    assert expected == getattr(parts[part], attribute)


FAULTS = [
    pytest.param("webhookUrl", "", "is required and has no value", id="missing"),
    pytest.param(
        "webhookUrl", "variance.example", "is not an address such as https://host/path", id="no scheme"
    ),
    pytest.param("webhookUrl", "https://", "is not an address such as https://host/path", id="no host"),
    pytest.param(
        "webhookUrl", "https://h:99999/", "is not an address such as https://host/path", id="impossible port"
    ),
    pytest.param(
        "webhookUrl", "https://a b/", "is not an address such as https://host/path", id="blank within"
    ),
    pytest.param(
        "webhookUrl", "https://[::1/", "is not an address such as https://host/path", id="broken IPv6"
    ),
    pytest.param(
        "webhookUrl", "https://…", "is not whole: the … of an example is still in it", id="example's address"
    ),
    pytest.param(
        "authHeader", "Bearer …", "is not whole: the … of an example is still in it", id="example's secret"
    ),
    pytest.param("webhookUrl", "ftp://h/", "begins with neither https:// nor http://", id="other scheme"),
    pytest.param(
        "webhookUrl",
        "https://u:p@h/",
        "holds a user name or password; put them into authHeader",
        id="user in address",
    ),
    pytest.param(
        "webhookUrl",
        "https://0x7f.1:8443/",
        "0x7f.1 leads to 127.0.0.1, a loopback address; if events shall go there, allow it by "
        "allowedHosts=127.0.0.1 (--set, or in the settings)",
        id="this machine",
    ),
    pytest.param(
        "webhookUrl",
        "https://10.0.0.1/",
        "10.0.0.1 is a private address; if events shall go there, allow it by "
        "allowPrivateNetworks=yes (--set, or in the settings)",
        id="private network",
    ),
    pytest.param(
        "allowedHosts",
        "localhost, 10.0.0.0/8",
        "'10.0.0.0/8' is no host as it stands in webhookUrl, such as 127.0.0.1, localhost:8900 or [::1]:8900",
        id="a network",
    ),
    pytest.param("rateLimitPerSecond", "-1", "'-1' is not a number from 0 to 100000", id="negative rate"),
    pytest.param(
        "authHeader", "", "neither it nor sharedSecret is set; one of them is needed", id="no secret at all"
    ),
    pytest.param("authHeader", "   ", "is only blanks", id="blank secret"),
    pytest.param(
        "authHeader",
        "Bearer a\r\nX-Evil: 1",
        "holds a line break or another control character; a header cannot carry that",
        id="injected header",
    ),
    pytest.param("authHeader", "Bearer \udcff", "holds something that is not text", id="no text"),
    pytest.param("proxyUrl", "socks5://h:1080", "is not an address such as http://host:3128", id="socks"),
    pytest.param("proxyUrl", "http://h:port", "is not an address such as http://host:3128", id="proxy port"),
    pytest.param("sendIp", "maybe", "'maybe' is none of yes, no", id="no choice"),
    pytest.param("payloadFormat", "xml", "'xml' is none of batch, array, ndjson, single", id="no format"),
    pytest.param("maxBatchEvents", "many", "'many' is not a whole number from 1 to 10000", id="no number"),
    pytest.param("maxBatchEvents", "0", "'0' is not a whole number from 1 to 10000", id="too few"),
    pytest.param("concurrency", "1.5", "'1.5' is not a whole number from 1 to 64", id="fraction"),
    pytest.param("retrySeconds", "NaN", "'NaN' is not a number from 0 to 300", id="NaN"),
    pytest.param("readTimeoutSeconds", "inf", "'inf' is not a number from 0.1 to 3600", id="endless"),
    pytest.param("caCertificate", "/no/such.pem", "there is no readable file /no/such.pem", id="no file"),
    pytest.param("clientKey", __file__, "is set without clientCertificate", id="key alone"),
    pytest.param(
        "accountMapping",
        "traits",
        "is traits, and no trait is named; set accountIdTrait or accountNameTrait",
        id="no trait",
    ),
    pytest.param("webhokUrl", "x", "unknown setting; did you mean webhookUrl?", id="misspelt"),
    pytest.param("colour", "x", "unknown setting", id="unknown"),
]


@pytest.mark.parametrize(("key", "value", "problem"), FAULTS)
def test_a_fault_is_told_with_its_key_and_in_plain_words(key: str, value: str, problem: str) -> None:
    """And it is the only one, when everything else is right."""
    assert {key: problem} == faults({**NEEDED, key: value})


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://localhost:8900/webhook", "localhost"),
        ("http://localhost:8900/webhook", "localhost:8900"),
        ("http://localhost/webhook", "localhost:80"),
        ("https://[::1]/webhook", "[::1]:443"),
        ("http://169.254.169.254/", "169.254.169.254"),
    ],
)
def test_a_special_address_can_be_allowed_by_name(url: str, allowed: str) -> None:
    """With its port, which may be that of the scheme, or without."""
    assert url == read_settings({**NEEDED, "webhookUrl": url, "allowedHosts": allowed}).delivery.webhook_url


def test_the_switch_for_private_networks_opens_no_other() -> None:
    """This machine and the metadata of clouds stay closed, also where they lie within a private range."""
    config = {**NEEDED, "allowPrivateNetworks": "yes"}
    assert read_settings({**config, "webhookUrl": "http://192.168.1.1/"}).delivery.allow_private_networks
    for host in ("127.0.0.1", "100.100.100.200", "[fd00:ec2::254]"):
        assert {"webhookUrl"} == {*faults({**config, "webhookUrl": f"http://{host}/"})}


def test_all_faults_are_told_at_once() -> None:
    """Of the manifest, of the mapping, of the delivery and of the host, in one go and in one text."""
    config = {
        "authHeader": "a\tb",
        "sendIp": "maybe",
        "anonymousUsers": "SKIP",
        "maxBatchEvents": "-1",
        "exportEventsBufferSeconds": "soon",
        "clientKey": __file__,
        "colour": "red",
    }

    found = faults(config)

    assert {
        "webhookUrl",
        "authHeader",
        "sendIp",
        "maxBatchEvents",
        "exportEventsBufferSeconds",
        "clientKey",
        "colour",
    } == {*found}
    with pytest.raises(UsageError) as caught:
        read_settings(config)
    assert [f"{key}: {problem}" for key, problem in found.items()] == str(caught.value).splitlines()


@given(
    st.dictionaries(
        st.sampled_from([*manifest().parameters, "colour"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_no_configuration_does_worse_than_name_its_faults(config: dict[str, Any]) -> None:
    """Whatever the values are: settings, or a `SettingsError`."""
    found = None
    try:
        read_settings(config)
    except SettingsError as error:
        found = [fault.key for fault in error.faults]

    assert found is None or {*found} <= {*manifest().parameters, "colour"}
    assert found != []


SECRETS = [parameter.key for parameter in manifest().parameters.values() if parameter.secret]


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize(
    "spoil", ["{}\x07", "{}\r\nX: 1", "\udcff{}", "{}"], ids=["bell", "line break", "no text", "as it is"]
)
def test_no_fault_and_no_repr_shows_a_secret(key: str, spoil: str) -> None:
    """Whatever is wrong with it, or with anything else."""
    text = "phc_demo_5ecret"
    value = spoil.format(f"http://user:{text}@proxy.example" if key == "proxyUrl" else text)

    with pytest.raises(SettingsError) as caught:
        read_settings({**NEEDED, key: value, "colour": "red"})

    assert text not in str(caught.value)
    assert text not in repr(caught.value)


def test_settings_do_not_show_their_secrets() -> None:
    """Nor the query of the address, which may hold a token."""
    settings = read_settings(
        {
            "webhookUrl": "https://variance.example/hook?token=phc_demo_query",
            "authHeader": "Bearer phc_demo_header",
            "sharedSecret": "phc_demo_shared",
            "hashSalt": "phc_demo_salt",
            "proxyUrl": "http://user:phc_demo_proxy@proxy.example:3128",
        }
    )

    assert "phc_demo" not in f"{settings!r} {settings} {settings.delivery} {settings.mapping}"
    assert "Bearer phc_demo_header" == settings.delivery.auth_header.reveal()


def test_the_line_end_of_a_file_is_no_part_of_a_secret() -> None:
    """A secret mounted as a file mostly ends with one."""
    for text in ("Bearer demo", "Bearer demo\n", "Bearer demo\r\n"):
        assert Secret("Bearer demo") == read_settings({**NEEDED, "authHeader": text}).delivery.auth_header


def test_the_mapping_can_be_read_without_an_address() -> None:
    """To look at what would be sent; what is wrong with it is told all the same."""
    assert MappingSettings(send_ip=False) == read_mapping({"sendIp": "no"})
    with pytest.raises(SettingsError, match="'maybe' is none of yes, no"):
        read_mapping({"sendIp": "maybe"})


def test_the_manifest_is_the_one_at_the_root() -> None:
    """There is one `plugin.json`, where PostHog looks for it."""
    root = Path(__file__).parents[2] / "plugin.json"

    assert root.is_file()
    assert "Variance" == manifest().name
    assert "variance_plugin:VariancePlugin" == manifest().main


@pytest.mark.parametrize("key", ["accountIdTrait", "accountNameTrait"])
def test_one_trait_is_enough_to_find_accounts_by(key: str) -> None:
    """Its id or its name; with none nobody would have an account, which a look ahead tells as well."""
    assert AccountMapping.TRAITS is read_mapping({"accountMapping": "traits", key: "org"}).account_mapping
    with pytest.raises(SettingsError, match="accountMapping: is traits, and no trait is named"):
        read_mapping({"accountMapping": "traits", key: " "})


def test_the_past_is_not_known_to_version_1() -> None:
    """It has a message for each event and knows no other way."""
    with pytest.raises(SettingsError, match="historical: is not known to payloadVersion 1"):
        read_mapping({"historical": True, "payloadVersion": "1"})
