"""The `[source]` table: one form for each `type`.

Another source is another dataclass with a `type` of its own, and its place in `Source`.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ...secret import Secret
from .kafka import TopicName
from .kinds import (
    NUMBER,
    GivenName,
    OptionalEndpoint,
    OptionalHttpAddress,
    OptionalMoment,
    OptionalPath,
    PathText,
    ReadFrom,
    RequiredListenAddress,
    SecretText,
    host_and_port,
)
from .strictness import STRICT

DEFAULT_SOURCE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Files of PostHog events."""

    __pydantic_config__ = STRICT

    type: Literal["file"] = "file"
    """Which kind of source this is."""
    paths: Annotated[tuple[PathText, ...], Field(min_length=1)]
    """Files with PostHog events (JSON lines, also compressed), folders of them, patterns such as
    `exports/*.jsonl.gz`, or `-` for standard input."""
    look_again_seconds: Annotated[float, Field(ge=0.1, le=86_400), NUMBER] = 5.0
    """How long after the end of all files it is looked for more of them, and for what was added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSource:
    """PostHog's batch exports in a bucket, or in a folder in place of one."""

    __pydantic_config__ = STRICT

    type: Literal["bucket"]
    """Which kind of source this is."""
    url: Annotated[str, Field(min_length=1)]
    """Where PostHog puts its batch exports: `s3://bucket/prefix`, one of `gs://` or `az://`, or a folder."""
    match: str = ""
    """Only objects whose names behind the prefix are like this: `*` stands for any text. Empty: all."""
    from_: Annotated[OptionalMoment, Field(alias="from")] = None
    """Only exports with something from then on: a day or a time, in UTC. Empty: from the first one on."""
    to: OptionalMoment = None
    """Only exports with something from before then. Empty: with no end."""
    endpoint: OptionalEndpoint = ""
    """The address of a store of one's own that speaks the protocol of `url`. Empty: the cloud's."""
    region: str = ""
    """The region of an S3 bucket. Empty: as AWS_REGION says, or us-east-1."""
    profile: str = ""
    """A profile in the files of AWS' tools. Empty: as AWS_PROFILE says, or none."""
    manifest_wait_seconds: Annotated[float, Field(ge=0, le=864_000), NUMBER] = 3600.0
    """So long after its last file an export in several files waits for its manifest and what that names."""
    look_again_seconds: Annotated[float, Field(ge=0.1, le=86_400), NUMBER] = 60.0
    """How long after the last object it is looked for more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillSource:
    """What PostHog has kept, asked for by its API. Ends with the last event."""

    __pydantic_config__ = STRICT

    type: Literal["backfill"]
    """Which kind of source this is."""
    from_: Annotated[OptionalMoment, Field(alias="from")] = None
    """From when on: a day or a time, in UTC. Needed."""
    to: OptionalMoment = None
    """Until when, itself not included. Empty: now."""
    include: tuple[GivenName, ...] = ()
    """The names of the events that PostHog is asked for. Empty: all."""
    exclude: tuple[GivenName, ...] = ()
    """The names of events that PostHog leaves out."""
    window_hours: Annotated[int, Field(ge=1, le=168), NUMBER] = 168
    """So much of the time is asked for at once; PostHog's most is a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSource:
    """A topic of the cluster in `[kafka]`, shared by the members of a consumer group."""

    __pydantic_config__ = STRICT

    type: Literal["kafka"] = "kafka"
    """Which kind of source this is."""
    topic: Annotated[TopicName, Field(min_length=1)] = "clickhouse_events_json"
    """What is read. PostHog's own may have a prefix (its KAFKA_PREFIX)."""
    group: Annotated[str, Field(min_length=1)] = "variance-plugin"
    """The consumer group, which keeps how far each partition is. Its members share the topic."""
    read_from: ReadFrom = "earliest"
    """Where a group begins that is new: `earliest`, `latest` (what comes from now on), or a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource:
    """Events that PostHog's webhook destination and its SDKs post."""

    __pydantic_config__ = STRICT

    type: Literal["http"]
    """Which kind of source this is."""
    listen: RequiredListenAddress = "127.0.0.1:8902"
    """Address and port where events are posted to; port 0 takes a free one. Only this machine can reach it
    unless told otherwise."""
    webhook_token: SecretText = field(default_factory=lambda: Secret(""))
    """What PostHog's webhook destination has to show, as `Authorization: Bearer …`. Empty: webhooks are not
    taken."""
    tokens: tuple[str, ...] = ()
    """Keys (phc_…) of the projects whose SDKs may send events; `*` is any project. Empty: SDKs may not."""
    forward_to: OptionalHttpAddress = ""
    """Where a copy of what SDKs send goes: your PostHog, such as https://eu.i.posthog.com. Empty: nowhere."""
    tls_certificate: OptionalPath = None
    """A certificate for TLS, in PEM with those that lead to its authority; read again when it changes. Empty:
    it speaks plain HTTP."""
    tls_key: OptionalPath = None
    """Its key, in PEM and without a password. Empty: it is in the same file."""
    trusted_proxies: Annotated[int, Field(ge=0, le=100), NUMBER] = 0
    """How many proxies of yours a request passes; a client's address is what the outermost of them put into
    X-Forwarded-For. 0: the address that connects."""
    topic: TopicName = ""
    """A topic of the cluster in `[kafka]` in which events are kept in place of the spool, keyed by person."""
    group: Annotated[str, Field(min_length=1)] = "variance-plugin"
    """The consumer group that reads it."""
    max_connections: Annotated[int, Field(ge=1, le=1_000_000), NUMBER] = 1000
    """So many clients may be connected; others are asked to come again later."""

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen."""
        return host_and_port(self.listen) or ("", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSource:
    """No events, for a runner that has other things to do: cohorts."""

    __pydantic_config__ = STRICT

    type: Literal["none"]
    """Which kind of source this is."""


Source: TypeAlias = Annotated[
    FileSource | BucketSource | BackfillSource | KafkaSource | HttpSource | NoSource,
    Field(discriminator="type"),
]
