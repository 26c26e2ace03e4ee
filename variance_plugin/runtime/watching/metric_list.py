"""Every metric there is: its name, what it tells, its labels. The one list; docs/runner.md is held to it.

Those without a prefix are PostHog's own, which its exporting plugins counted by these names. A counter's name
gets `_total` on the wire, as Prometheus wants it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric's value behaves."""

    COUNTER = "counter"
    """Only grows, from the start of the process on."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Without `_total`.
        help: What it tells.
        kind: How it behaves.
        labels: What tells its series apart.
    """

    name: str
    help: str
    kind: Kind
    labels: tuple[str, ...] = ()


def _counter(name: str, help: str, *labels: str) -> Metric:  # noqa: A002 -- Prometheus' own word
    return Metric(name, help, Kind.COUNTER, labels)


def _gauge(name: str, help: str, *labels: str) -> Metric:  # noqa: A002
    return Metric(name, help, Kind.GAUGE, labels)


def _histogram(name: str, help: str, *labels: str) -> Metric:  # noqa: A002
    return Metric(name, help, Kind.HISTOGRAM, labels)


# --- PostHog's own, by plugin -----------------------------------------------------------------------

EVENTS_SEEN = _counter("events_seen", "Events that were offered to the plugin for export", "plugin")
EVENTS_DELIVERED = _counter("events_delivered_successfully", "Events that were delivered", "plugin")
UNDELIVERED = _counter("undelivered_events", "Events that never will be: dead letters", "plugin")
RETRY_ERRORS = _counter("retry_errors", "Batches that were put off, to be tried again", "plugin")
OTHER_ERRORS = _counter("other_errors", "Hooks that failed in any other way", "plugin")

# --- Where events come from -------------------------------------------------------------------------

RECORDS_READ = _counter("runner_records_read", "Records that were read", "source")
RECORDS_UNREADABLE = _counter(
    "runner_records_unreadable", "Records that are no events: dead letters", "source"
)
LAG_SECONDS = _gauge("runner_lag_seconds", "How long the oldest event under way has waited", "source")
LAG_BYTES = _gauge("runner_lag_bytes", "What is there to be read, and has not been", "source")
LAG_RECORDS = _gauge(
    "runner_lag_records", "Records in the partitions of this process that are not done with", "source"
)
_OF_A_PARTITION = ("group", "topic", "partition")
KAFKA_LAG = _gauge(
    "runner_kafka_lag_records",
    "Records of a partition of this process that are not done with",
    *_OF_A_PARTITION,
)
KAFKA_COMMITTED = _gauge(
    "runner_kafka_committed_offset", "How far the group has committed it", *_OF_A_PARTITION
)
KAFKA_COMMIT_AGE = _gauge(
    "runner_kafka_commit_age_seconds",
    "How long ago this process committed for it; until then, since it has it",
    *_OF_A_PARTITION,
)
KAFKA_PARTITIONS = _gauge("runner_kafka_partitions", "Partitions that this process reads", "source")
KAFKA_PAUSED = _gauge(
    "runner_kafka_paused", "1 while they are left alone, since the destination takes nothing", "source"
)
KAFKA_WAITING = _gauge(
    "runner_kafka_waiting", "1 while the brokers do not do what they are asked for", "source"
)
KAFKA_REBALANCES = _counter("runner_kafka_rebalances", "Times that partitions came or went", "source")
SPOOL_BYTES = _gauge("runner_spool_bytes", "Taken in, and not yet done with", "source")
SPOOL_RECORDS = _gauge("runner_spool_records", "Taken in, and not yet done with", "source")

POSTHOG_WAITS = _counter(
    "runner_posthog_waits", "Times that PostHog's API was waited for, by whom and why", "by", "why"
)
BACKFILL_WINDOWS = _gauge("runner_backfill_windows", "The parts of a backfill's time, in all", "source")
BACKFILL_DONE = _gauge("runner_backfill_windows_done", "Those that are done with", "source")
BACKFILL_BEGAN = _gauge(
    "runner_backfill_window_timestamp_seconds", "When the one under way was begun, as Unix time", "source"
)
BACKFILL_FAILURES = _counter(
    "runner_backfill_failures", "Times that PostHog could not make a window, or had thrown it away", "source"
)

COHORT_SYNCS = _counter("runner_cohort_syncs", "Syncs of all cohorts, by how they ended", "outcome")
COHORT_SYNCED = _gauge(
    "runner_cohort_synced_timestamp_seconds",
    "When a cohort was last synced whole, as Unix time; 0 for never",
    "cohort",
)
COHORT_MEMBERS = _counter(
    "runner_cohort_members", "Members of whom was told that they came or left", "cohort", "change"
)

HTTP_REQUESTS = _counter(
    "runner_http_requests", "Requests with events, by where they led and what was answered", "door", "status"
)
HTTP_EVENTS = _counter("runner_http_events", "Events that were taken in with them", "door")
HTTP_SECONDS = _histogram("runner_http_answer_seconds", "From a request's head to its answer", "door")
FORWARDED = _counter(
    "runner_forwarded_requests", "Copies of requests for PostHog, by what came of them", "outcome"
)

# --- What plugins make of them ----------------------------------------------------------------------

EVENTS_DROPPED = _counter("runner_events_dropped", "Events that process_event dropped", "plugin")
EVENTS_SKIPPED = _counter("runner_events_skipped", "Events that the plugin left out", "plugin", "reason")
HOOK_SECONDS = _histogram(
    "runner_hook_seconds", "How long hooks and jobs took; of process_event each 32nd call", "plugin", "hook"
)
HOOK_FAILURES = _counter("runner_hook_failures", "Hooks that raised, or took too long", "plugin", "hook")
PLUGIN_DISABLED = _gauge(
    "runner_plugin_disabled", "1 when a plugin was switched off after failures", "plugin"
)
PLUGIN_SUMS = _counter("runner_plugin_counts", "What a plugin counts by names of its own", "plugin", "name")
JOBS_DUE = _gauge("runner_jobs_due", "Jobs whose time has come, and that have not run", "plugin")
JOBS_WAITING = _gauge("runner_jobs_waiting", "Jobs whose time is still to come", "plugin")

# --- On their way out -------------------------------------------------------------------------------

BUFFERED_EVENTS = _gauge("runner_buffered_events", "Events in a lane, with those in hand", "plugin", "lane")
BUFFERED_BYTES = _gauge(
    "runner_buffered_bytes", "Of the batch that comes together in a lane", "plugin", "lane"
)
IN_FLIGHT = _gauge("runner_batches_in_flight", "Batches that are with the plugin, one a lane", "plugin")
PAUSED = _gauge("runner_paused", "1 while the destination takes nothing", "plugin")
PAUSED_SECONDS = _gauge("runner_paused_seconds", "For how long it has taken nothing", "plugin")
ATTEMPTS = _counter("runner_attempts", "Requests, by what came of them", "plugin", "outcome")
ATTEMPT_SECONDS = _histogram("runner_attempt_seconds", "From a request to its answer", "plugin")
ATTEMPT_MESSAGES = _histogram("runner_attempt_messages", "Messages in a request", "plugin")
ATTEMPT_BYTES = _histogram("runner_attempt_bytes", "Bytes of a request's body, as sent", "plugin")
MESSAGES_DELIVERED = _counter("runner_messages_delivered", "Messages, by type", "plugin", "type")
DEAD_LETTERS = _gauge(
    "runner_dead_letters",
    "Dead letters that are kept, by the status of their last refusal",
    "plugin",
    "status",
)
REPLAYS_WAITING = _gauge(
    "runner_replays_waiting", "Dead letters that are to be sent again, and have not been", "plugin"
)
REPLAYED = _counter("runner_replayed", "Replays of dead letters, by what came of them", "plugin", "outcome")

# --- The runner itself ------------------------------------------------------------------------------

READY = _gauge("runner_ready", "1 while `/readyz` answers 200: nobody has to look")
INFO = _gauge("runner_info", "Always 1; the version is its label", "version")

METRICS = tuple(found for found in list(globals().values()) if isinstance(found, Metric))
"""All of them, in this order."""
