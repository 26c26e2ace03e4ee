"""Opens the source that `[source]` of `runner.toml` names: one function for each type of source."""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain, repeat

from .clock import Clock
from .clusters import access_to, keep_in, open_topic, open_writer
from .cohorts import Change, CohortSync, Listing, Outcome, SyncSchedule
from .errors import UsageError
from .events import Event
from .masking import Mask
from .posthog_api import ApiClient, Patience, Why, api_host
from .runtime.settings import RunnerSettings
from .runtime.settings.sources import BackfillSource as BackfillSettings
from .runtime.settings.sources import BucketSource as BucketSettings
from .runtime.settings.sources import FileSource as FileSettings
from .runtime.settings.sources import HttpSource as HttpSettings
from .runtime.settings.sources import KafkaSource as KafkaSettings
from .runtime.settings.sources import NoSource
from .runtime.watching import metric_list as known
from .runtime.watching.metrics import Metrics
from .runtime.watching.requests import RequestFigures
from .runtime.watching.troubles import Trouble, Troubles
from .sources import Source
from .sources.backfill import BackfillSource, Wanted, Window
from .sources.bucket import Access, Bucket, Narrowing, open_store
from .sources.file import FileSource
from .sources.following import Following
from .sources.http.certificate import Certificate
from .sources.http.exchange import Limits
from .sources.http.forwarding import Fate, Forwarding
from .sources.http.intake import HttpAccess, HttpIntake
from .sources.http.keeping import Keep
from .sources.http.upstream import Upstream
from .sources.intake import StreamIntake
from .sources.kafka.subscription import Subscription, Writing
from .sources.nothing import Nothing
from .sources.paths import STDIN, Tolerance
from .sources.positions import StoredPositions
from .sources.reading import Readable
from .sources.spool import SpoolSource
from .state import DeadLetterStore, Positions, Spool, StateFile

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a source is given by the runner. All of it belongs to the runner, and outlives the source.

    Attributes:
        settings: Of the whole run; `settings.source` says which source it is.
        state: Where spools are.
        positions: Where it is kept how far each source is done.
        metrics: Where a source registers what it has to show.
        troubles: Where it registers what may be amiss with it, to be told in the log.
        faults: Where it adds what only a person may be able to put right, to be told by `/readyz`.
        clock: Ends all waiting when it is stopped.
        stdin: What the path `-` reads; None is the process's own.
    """

    settings: RunnerSettings
    state: StateFile
    positions: Positions
    metrics: Metrics
    troubles: Troubles
    faults: list[Trouble]
    clock: Clock
    stdin: Readable | None = None


def open_source(around: Surroundings, *, once: bool) -> Source:
    """Open it where the run before left off.

    Args:
        around: What the source may use.
        once: Whether it ends when there is no more for now; else it goes on with what is still to come.

    Raises:
        UsageError: When what the settings name cannot be used.
    """
    match around.settings.source:
        case FileSettings() as settings:
            return _files(settings, around, once=once)
        case BucketSettings() as settings:
            return _bucket(settings, around, once=once)
        case BackfillSettings() as settings:
            return _backfill(settings, around)
        case NoSource():
            return Nothing() if once else Following(Nothing, clock=around.clock, look_again_seconds=3600)
        case HttpSettings() as settings:
            return _http(settings, around, once=once)
        case KafkaSettings() as settings:
            return _kafka(settings, around, once=once)


def _files(settings: FileSettings, around: Surroundings, *, once: bool) -> Source:
    if STDIN in settings.paths:
        if len(settings.paths) > 1:
            raise UsageError(
                "source.paths: `-` is standard input, and stands alone: it never comes to an end"
            )
        return _stdin(around)
    open_files = partial(_open_files, settings, around, told=set())
    if once:
        return open_files(Tolerance.NONE)
    # What the settings name has to be there at the start; later on nothing stops what can be read.
    tolerances = chain((Tolerance.FOUND,), repeat(Tolerance.ALL))
    return Following(
        lambda: open_files(next(tolerances)),
        clock=around.clock,
        look_again_seconds=settings.look_again_seconds,
    )


def _open_files(
    settings: FileSettings, around: Surroundings, tolerance: Tolerance, *, told: set[str]
) -> FileSource:
    """Open the files that there are now; what is not read is told, each once."""
    source = FileSource(
        settings.paths,
        positions=StoredPositions(around.positions, settings.type),
        tolerance=tolerance,
    )
    for skipped in {str(one) for one in (*source.skipped, *source.resumed.anew)} - told:
        told.add(skipped)
        _logger.warning("%s", skipped)
    return source


def _bucket(settings: BucketSettings, around: Surroundings, *, once: bool) -> Source:
    access = Access(endpoint=settings.endpoint, region=settings.region, profile=settings.profile)
    bucket = Bucket(
        open_store(settings.url, access),
        positions=StoredPositions(around.positions, settings.type),
        clock=around.clock,
        narrowing=Narrowing(match=settings.match, start=settings.from_, end=settings.to),
        manifest_wait_seconds=settings.manifest_wait_seconds,
    )
    if once:
        return bucket.open()
    return Following(bucket.open, clock=around.clock, look_again_seconds=settings.look_again_seconds)


def _backfill(settings: BackfillSettings, around: Surroundings) -> Source:
    now = around.clock.now().replace(microsecond=0)
    start, end = settings.from_ or now, min(settings.to or now, now)
    if start >= end:
        raise UsageError("source.from: is no time of the past")
    posthog = around.settings.posthog
    wanted = Wanted(
        project=str(posthog.project_id),
        span=Window(start, end),
        include=settings.include,
        exclude=settings.exclude,
        longest=timedelta(hours=settings.window_hours),
    )
    client = _client(around)
    positions = StoredPositions(around.positions, f"{wanted.name} of {client.host}")
    source = BackfillSource(wanted, client=client, clock=around.clock, positions=positions)
    read = partial(around.metrics.read, source=settings.type)
    read(known.BACKFILL_WINDOWS, lambda: source.figures.windows)
    read(known.BACKFILL_DONE, lambda: source.figures.done)
    read(known.BACKFILL_BEGAN, lambda: source.figures.began)
    read(known.BACKFILL_FAILURES, lambda: source.figures.failures)
    _show_waits(source.patience, around.metrics, by=settings.type)
    return source


def open_cohorts(around: Surroundings, deliver: Callable[[Sequence[Event]], None]) -> SyncSchedule | None:
    """What tells of cohorts beside the source; None when there are none to tell of.

    Args:
        around: What it may use.
        deliver: Brings events to their end.
    """
    settings, posthog = around.settings.cohorts, around.settings.posthog
    if not settings.sync:
        return None
    patience = Patience(around.clock, _logger)
    sync = CohortSync(
        settings.sync,
        listing=Listing(_client(around), patience=patience, project=str(posthog.project_id)),
        memory=around.positions,
        deliver=deliver,
        clock=around.clock,
    )
    schedule = SyncSchedule(
        sync, memory=around.positions, every=timedelta(hours=settings.every_hours), clock=around.clock
    )
    for outcome in Outcome:
        read = partial(schedule.outcomes.__getitem__, outcome)
        around.metrics.read(known.COHORT_SYNCS, read, outcome=outcome)
    for name in settings.sync:
        read_synced = partial(sync.figures.synced.__getitem__, name)
        around.metrics.read(known.COHORT_SYNCED, read_synced, cohort=name)
        for change in Change:
            read = partial(sync.figures.members.__getitem__, (name, change))
            around.metrics.read(known.COHORT_MEMBERS, read, cohort=name, change=change)
    _show_waits(patience, around.metrics, by="cohorts")
    return schedule


def _show_waits(patience: Patience, metrics: Metrics, *, by: str) -> None:
    for why in Why:
        metrics.read(known.POSTHOG_WAITS, partial(patience.waits.__getitem__, why), by=by, why=why)


def _client(around: Surroundings) -> ApiClient:
    """Of PostHog's API; whoever opens it closes it."""
    posthog = around.settings.posthog
    return ApiClient(
        api_host(posthog.host),
        key=posthog.personal_api_key,
        clock=around.clock,
        mask=Mask(around.settings.secrets),
    )


def _kafka(settings: KafkaSettings, around: Surroundings, *, once: bool) -> Source:
    subscription = Subscription(
        access=access_to(around.settings.kafka),
        topic=settings.topic,
        group=settings.group,
        read_from=settings.read_from,
        once=once,
    )
    return _topic(subscription, around)


def _stdin(around: Surroundings) -> Source:
    spool = _spool(around, "stdin")
    return SpoolSource(spool, StreamIntake(around.stdin or sys.stdin.buffer, spool))


def _http(settings: HttpSettings, around: Surroundings, *, once: bool) -> Source:
    if settings.topic:
        return _http_by_way_of_a_topic(settings, around, once=once)
    spool = _spool(around, settings.type)
    if once:
        return SpoolSource(spool, name=settings.type)  # what an earlier run has taken in
    return SpoolSource(spool, _intake(settings, around, spool), name=settings.type)


def _http_by_way_of_a_topic(settings: HttpSettings, around: Surroundings, *, once: bool) -> Source:
    """The topic takes the place of the spool: what one process takes in any of the group delivers."""
    subscription = Subscription(
        access=access_to(around.settings.kafka), topic=settings.topic, group=settings.group, once=once
    )
    writing = None
    if not once:
        writer = open_writer(around.settings.kafka, settings.topic, by="source.topic")
        keep = keep_in(writer, DeadLetterStore(around.state, around.clock, ""))
        writing = Writing(_intake(settings, around, keep), lambda: writer.failure, writer.close)
    return _topic(subscription, around, writing)


def _topic(subscription: Subscription, around: Surroundings, writing: Writing | None = None) -> Source:
    return open_topic(
        subscription,
        metrics=around.metrics,
        faults=around.faults,
        clock=around.clock,
        name=around.settings.source.type,
        writing=writing,
    )


def _intake(settings: HttpSettings, around: Surroundings, keep: Keep) -> HttpIntake:
    access = HttpAccess(
        address=settings.address,
        tokens=settings.tokens,
        webhook_token=settings.webhook_token,
        trusted_proxies=settings.trusted_proxies,
        limits=Limits(max_connections=settings.max_connections),
        certificate=_certificate(settings),
    )
    return HttpIntake(
        keep,
        access,
        clock=around.clock,
        forwarding=_forwarding(settings.forward_to, around) if settings.forward_to else None,
        told=RequestFigures(around.metrics, around.clock),
    )


def _certificate(settings: HttpSettings) -> Certificate | None:
    if settings.tls_certificate is not None:
        return Certificate(settings.tls_certificate, settings.tls_key, setting="source.tls")
    if settings.tls_key is not None:
        raise UsageError("source.tls_key: there is no source.tls_certificate that it belongs to")
    return None


def _forwarding(url: str, around: Surroundings) -> Forwarding:
    forwarding = Forwarding(_spool(around, "forward"), Upstream(url), around.clock)
    for fate in Fate:
        around.metrics.read(known.FORWARDED, partial(forwarding.counts.__getitem__, fate), outcome=fate)
    return forwarding


def _spool(around: Surroundings, name: str) -> Spool:
    """The spool of that name, with its size in the metrics."""
    spool = Spool(around.state, name, around.settings.spool.max_bytes)
    around.metrics.read(known.SPOOL_BYTES, lambda: spool.size_bytes, source=name)
    around.metrics.read(known.SPOOL_RECORDS, lambda: len(spool), source=name)
    around.troubles.watch(lambda: spool.trouble)
    return spool
