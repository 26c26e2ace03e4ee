"""How and where messages are posted; the plugin's parameters of the same names, checked."""

from dataclasses import dataclass, field
from enum import StrEnum

from ..secret import Secret


class PayloadFormat(StrEnum):
    """The shape of a request's body."""

    BATCH = "batch"
    ARRAY = "array"
    NDJSON = "ndjson"
    SINGLE = "single"


class Compression(StrEnum):
    """Of a request's body."""

    NONE = "none"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """See `docs/configuration.md` for each."""

    webhook_url: str = field(repr=False)
    """Its query may hold a token."""
    auth_header: Secret = Secret("")
    shared_secret: Secret = Secret("")
    payload_format: PayloadFormat = PayloadFormat.BATCH
    compression: Compression = Compression.NONE
    max_batch_events: int = 500
    max_batch_bytes: int = 500_000
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 30.0
    rate_limit_per_second: float = 0.0
    """Messages; 0 is no limit."""
    retry_seconds: float = 10.0
    allowed_hosts: tuple[str, ...] = ()
    allow_private_networks: bool = False
    proxy_url: Secret = Secret("")
    ca_certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""
    verify_tls: bool = True
