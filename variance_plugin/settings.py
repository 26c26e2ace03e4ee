"""The plugin's parameters, checked all at once, as the settings of mapping and delivery."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .certificates import CERTIFICATE, authorities_fault, load_pair
from .delivery import Compression, DeliverySettings, PayloadFormat
from .delivery.addresses import AddressRefused, AddressRules, host_and_port
from .errors import SettingsError
from .manifest import Manifest, load_manifest
from .mapping import AccountMapping, AnonymousUsers, MappingSettings
from .parameters import Parameters
from .secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that `VariancePlugin` can be told."""

    mapping: MappingSettings
    delivery: DeliverySettings


def manifest() -> Manifest:
    """The plugin's own `plugin.json`: inside the wheel, or at the root of a checkout."""
    inside = files(__package__).joinpath("plugin.json")
    place = inside if inside.is_file() else Path(__file__).parent.parent / "plugin.json"
    return load_manifest(place.read_bytes(), where=str(place))


def read_mapping(config: Mapping[str, Any]) -> MappingSettings:
    """The settings of the mapping alone, for a look at what would be sent, without an address.

    Raises:
        SettingsError: with everything that is wrong, but for a missing address.
    """
    given = {key: value for key, value in config.items() if value not in (None, "")}
    parameters = Parameters(manifest().complete({"webhookUrl": "https://not-sent.invalid", **given}))
    settings = _mapping(parameters)
    parameters.check()
    return settings


def read_settings(config: Mapping[str, Any]) -> Settings:
    """All settings.

    Raises:
        SettingsError: with everything that is wrong, each with its key.
    """
    try:
        completed = manifest().complete(config)
    except SettingsError as error:
        # What else is wrong shall be said in the same breath: go on with what can be used.
        found = list(error.faults)
        wrong = {fault.key for fault in found}
        known = manifest().parameters
        stand_ins = {key: "?" for key in wrong & known.keys() if known[key].required}
        usable = {key: value for key, value in config.items() if key not in wrong}
        completed = manifest().complete(usable | stand_ins)
    else:
        found, wrong = [], set()
    parameters = Parameters(completed)
    settings = Settings(mapping=_mapping(parameters), delivery=_delivery(parameters))
    _buffer(parameters)
    try:
        parameters.check()
    except SettingsError as error:
        found += [fault for fault in error.faults if fault.key not in wrong]
    if found:
        raise SettingsError(found)
    return settings


def _mapping(parameters: Parameters) -> MappingSettings:
    if parameters.yes("historical") and parameters.text("payloadVersion") == "1":
        parameters.fault("historical", "is not known to payloadVersion 1; leave one of them out")
    settings = MappingSettings(
        events_to_export=parameters.names("eventsToExport"),
        export_events_to_ignore=parameters.names("exportEventsToIgnore"),
        system_events=parameters.names("systemEvents"),
        anonymous_users=AnonymousUsers(parameters.text("anonymousUsers")),
        identify_from_events=parameters.yes("identifyFromEvents"),
        group_from_events=parameters.yes("groupFromEvents"),
        send_person_traits=parameters.yes("sendPersonTraits"),
        historical=parameters.yes("historical"),
        account_mapping=AccountMapping(parameters.text("accountMapping")),
        account_group_type=parameters.text("accountGroupType"),
        account_id_trait=parameters.text("accountIdTrait"),
        account_name_trait=parameters.text("accountNameTrait"),
        include_posthog_properties=parameters.names("includePostHogProperties"),
        properties_to_exclude=parameters.names("propertiesToExclude"),
        properties_to_hash=parameters.names("propertiesToHash"),
        hash_salt=parameters.secret("hashSalt"),
        send_ip=parameters.yes("sendIp"),
        payload_version=int(parameters.text("payloadVersion")),
    )
    names_trait = settings.account_id_trait or settings.account_name_trait
    if settings.account_mapping is AccountMapping.TRAITS and not names_trait:
        parameters.fault(
            "accountMapping", "is traits, and no trait is named; set accountIdTrait or accountNameTrait"
        )
    return settings


def _delivery(parameters: Parameters) -> DeliverySettings:
    rules = _address_rules(parameters)
    settings = DeliverySettings(
        webhook_url=_webhook_url(parameters, rules),
        auth_header=parameters.secret("authHeader"),
        shared_secret=parameters.secret("sharedSecret"),
        payload_format=PayloadFormat(parameters.text("payloadFormat")),
        compression=Compression(parameters.text("compression")),
        max_batch_events=parameters.whole("maxBatchEvents", low=1, high=10_000, default=500),
        max_batch_bytes=parameters.whole("maxBatchBytes", low=1_000, high=100_000_000, default=500_000),
        rate_limit_per_second=parameters.seconds("rateLimitPerSecond", low=0, high=100_000, default=0),
        connect_timeout_seconds=parameters.seconds("connectTimeoutSeconds", low=0.1, high=300, default=5),
        read_timeout_seconds=parameters.seconds("readTimeoutSeconds", low=0.1, high=3_600, default=30),
        retry_seconds=parameters.seconds("retrySeconds", low=0, high=300, default=10),
        allowed_hosts=rules.allowed_hosts,
        allow_private_networks=rules.allow_private_networks,
        proxy_url=_proxy_url(parameters),
        ca_certificate=_authorities(parameters, "caCertificate"),
        client_certificate=_file(parameters, "clientCertificate"),
        client_key=_file(parameters, "clientKey"),
        verify_tls=not parameters.yes("dangerouslySkipTlsVerification"),
    )
    for key, secret in (("authHeader", settings.auth_header), ("sharedSecret", settings.shared_secret)):
        if _PLACEHOLDER in secret.reveal():
            parameters.fault(key, "is not whole: the … of an example is still in it")
    wrong = parameters.has_fault("authHeader") or parameters.has_fault("sharedSecret")
    if not wrong and not settings.auth_header and not settings.shared_secret:
        parameters.fault("authHeader", "neither it nor sharedSecret is set; one of them is needed")
    if settings.client_key and not settings.client_certificate:
        parameters.fault("clientKey", "is set without clientCertificate")
    elif settings.client_certificate:
        _check_pair(parameters, settings)
    return settings


def _buffer(parameters: Parameters) -> None:
    """The host's own parameters, checked here too so that every fault is named at once."""
    parameters.whole("exportEventsBufferBytes", low=1, high=100_000_000, default=1_048_576)
    parameters.seconds("exportEventsBufferSeconds", low=0.01, high=3_600, default=10)
    parameters.whole("concurrency", low=1, high=64, default=4)
    parameters.seconds("maxRetryHours", low=0, high=87_600, default=0)


def _address_rules(parameters: Parameters) -> AddressRules:
    usable = []
    for entry in parameters.names("allowedHosts"):
        try:
            host_and_port(entry)
        except ValueError:
            problem = "is no host as it stands in webhookUrl, such as 127.0.0.1, localhost:8900 or [::1]:8900"
            parameters.fault("allowedHosts", f"{entry[:80]!r} {problem}")
        else:
            usable.append(entry)
    private = parameters.yes("allowPrivateNetworks")
    return AddressRules(allowed_hosts=tuple(usable), allow_private_networks=private)


def _webhook_url(parameters: Parameters, rules: AddressRules) -> str:
    url = parameters.text("webhookUrl")
    if not url:
        return ""  # the manifest says already that it is required
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid, parts = False, urlsplit("")
    if _PLACEHOLDER in url:
        parameters.fault("webhookUrl", "is not whole: the … of an example is still in it")
    elif not valid or any(character.isspace() or not character.isprintable() for character in url):
        parameters.fault("webhookUrl", "is not an address such as https://host/path")
    elif parts.scheme not in ("http", "https"):
        parameters.fault("webhookUrl", "begins with neither https:// nor http://")
    elif parts.username is not None or parts.password is not None:
        parameters.fault("webhookUrl", "holds a user name or password; put them into authHeader")
    else:
        try:
            rules.check_host(parts.hostname or "", parts.port or _PORTS[parts.scheme])
        except AddressRefused as error:
            parameters.fault("webhookUrl", str(error))
    return url


_PLACEHOLDER = "…"
_PORTS = {"http": 80, "https": 443}


def _proxy_url(parameters: Parameters) -> Secret:
    """It may hold a password, and no fault shows it."""
    secret = parameters.secret("proxyUrl")
    address = secret.reveal()
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        valid = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        valid = False
    if address and not valid:
        parameters.fault("proxyUrl", "is not an address such as http://host:3128")
    return secret


def _file(parameters: Parameters, key: str) -> str:
    path = parameters.text(key)
    if path and not _is_readable(path):
        parameters.fault(key, f"there is no readable file {path}")
    return path


def _authorities(parameters: Parameters, key: str) -> str:
    path = _file(parameters, key)
    # Not a folder, whose files are found by their names, nor a pipe, which can be read only once.
    if Path(path).is_file() and (problem := authorities_fault(Path(path))):
        parameters.fault(key, problem)
    return path


def _check_pair(parameters: Parameters, settings: DeliverySettings) -> None:
    if parameters.has_fault("clientCertificate") or parameters.has_fault("clientKey"):
        return
    key = Path(settings.client_key) if settings.client_key else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if fault := load_pair(context, Path(settings.client_certificate), key):
        parameters.fault("clientCertificate" if fault.key == CERTIFICATE else "clientKey", fault.problem)


def _is_readable(path: str) -> bool:
    try:
        return os.access(path, os.R_OK)
    except ValueError:  # a path cannot hold a zero byte
        return False
