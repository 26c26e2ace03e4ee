"""Events from PostHog's batch exports in a bucket."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from ...clock import Clock
from ...errors import UsageError
from .. import Broken, Position, Positions, Record
from ..codecs import EXTENSIONS, require
from ..file import MAX_LINE_BYTES, MAX_WHOLE_BYTES
from ..in_turn import InTurn
from . import parquet
from .choosing import Choice, Chooser, Narrowing, Start
from .done import Done
from .listing import Listing
from .names import Kind
from .objects import ObjectReading, Shared
from .patience import Patience
from .store import Object, Store, StoreFault, Trouble

_logger = logging.getLogger(__name__)

_MOST_MANIFEST_BYTES = 20 * 1024 * 1024
MANIFEST_WAIT_SECONDS = 3600.0


class Bucket:
    """A bucket that is read once, or again and again: `open` gives what is there and not done yet.

    Args:
        store: Where the objects are.
        positions: Where it is kept what is done with.
        clock: Ends all waiting.
        narrowing: Which of the objects are meant.
        manifest_wait_seconds: So long after its last file an export waits for what belongs to it.
        max_line_bytes: A longer record is `Broken`, and not held in memory.
        max_whole_bytes: So large a JSON array, or JSON over several lines, can be.

    Raises:
        UsageError: What `positions` holds is not of this program.
        StateError: The state file cannot be used now.
    """

    def __init__(  # noqa: PLR0913 -- each is a setting
        self,
        store: Store,
        *,
        positions: Positions,
        clock: Clock,
        narrowing: Narrowing | None = None,
        manifest_wait_seconds: float = MANIFEST_WAIT_SECONDS,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_whole_bytes: int = MAX_WHOLE_BYTES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._narrowing = narrowing or Narrowing()
        self._manifest_wait_seconds = manifest_wait_seconds
        self._listing = Listing(store, clock)
        self._shared = Shared(
            store=store,
            patience=Patience(clock, store.root),
            done=Done(store.root, positions),
            max_line_bytes=max_line_bytes,
            max_whole_bytes=max_whole_bytes,
        )
        self._manifests: dict[Object, Collection[str]] = {}
        self._told: set[str] = set()
        self._has_looked = False

    def open(self) -> "BucketSource":
        """A source of what is there now; while the bucket cannot be reached, of what will be.

        Raises:
            UsageError: The bucket refuses, or something has to be installed to read it.
        """
        try:
            starts = self._look()
        except StoreFault as fault:
            if fault.trouble is not Trouble.UNREACHABLE:
                raise UsageError(f"{self._store.root}: {fault}") from fault
            _logger.warning("%s cannot be reached: %s", self._store.root, fault)
            return BucketSource(self._starts_later(), self._shared)
        return BucketSource(starts, self._shared)

    def _starts_later(self) -> Iterator[Start]:
        yield from self._shared.patience.ask(self._look)

    def _look(self) -> list[Start]:
        """Raises: StoreFault, UsageError, Stopped."""
        manifests = _Manifests(self._store, self._manifests)
        chooser = Chooser(
            root=self._store.root,
            prefix=self._store.prefix,
            narrowing=self._narrowing,
            done=self._shared.done,
            manifest_of=manifests.names_in,
            manifest_wait_seconds=self._manifest_wait_seconds,
            set_aside=self._shared.set_aside,
        )
        choice = chooser.choose(self._listing.objects(), self._clock.now())
        self._manifests = manifests.needed
        _require_what_reads(choice)
        for notice in [*choice.notices, *(() if self._has_looked else choice.left_out)]:
            if notice not in self._told:
                self._told.add(notice)
                _logger.warning("%s", notice)
        self._has_looked = True
        return list(map(self._shared.sought, choice.starts))


class BucketSource:
    """Reads objects one after another; see `Source` for what its methods promise.

    An object that cannot be read, or not to its end, gives a `Broken` there, and the next one is read.

    Args:
        starts: What to read; when it is no list, nobody knows yet how much.
        shared: Of the bucket.
    """

    def __init__(self, starts: Iterable[Start], shared: Shared) -> None:
        self._shared = shared
        self._read_bytes = 0
        self._total_bytes: int | None = None
        if isinstance(starts, list):
            self._total_bytes = sum(start.found.size_bytes - start.seek_bytes for start in starts)
        self._in_turn = InTurn(starts, self._open, is_tracked=True)

    @property
    def total_bytes(self) -> int | None:
        """What was to be read when the bucket was looked at; None while it cannot be reached."""
        return self._total_bytes

    @property
    def read_bytes(self) -> int:
        """How much was read of the objects as they are stored."""
        return self._read_bytes

    def records(self) -> Iterator[Record | Broken]:
        """See `Source`.

        Raises:
            Stopped: When the clock is stopped while the bucket is waited for.
        """
        return self._in_turn.records()

    def acknowledge(self, position: Position) -> None:
        """See `Source`."""
        self._in_turn.acknowledge(position)

    def close(self) -> None:
        """See `Source`."""
        self._in_turn.close()

    def _open(self, start: Start, place: int) -> ObjectReading:
        return ObjectReading(start, place, self._shared, self._count)

    def _count(self, size_bytes: int) -> None:
        self._read_bytes += size_bytes


class _Manifest(msgspec.Struct):
    files: list[str]


class _Manifests:
    """Reads manifests, but for those that were read at the last look.

    Attributes:
        needed: What those list that were asked for.
    """

    def __init__(self, store: Store, known: Mapping[Object, Collection[str]]) -> None:
        self.needed: dict[Object, Collection[str]] = {}
        self._store = store
        self._known = known

    def names_in(self, manifest: Object) -> Collection[str]:
        """See `choosing.ManifestOf`."""
        names = self._known.get(manifest)
        if names is None:
            names = dict.fromkeys(file.rpartition("/")[2] for file in self._files_in(manifest))
        self.needed[manifest] = names
        return names

    def _files_in(self, manifest: Object) -> list[str]:
        try:
            text = self._store.read(manifest, 0, min(manifest.size_bytes, _MOST_MANIFEST_BYTES))
            return msgspec.json.decode(text, type=_Manifest).files
        except StoreFault as fault:
            if fault.is_of_the_object:
                return []
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return []


def _require_what_reads(choice: Choice) -> None:
    """Raises: UsageError, which names the command that installs what is missing."""
    kinds = {(start.name.kind, start.found.name.rpartition(".")[2]) for start in choice.starts}
    for kind, extension in kinds:
        if kind is Kind.PARQUET:
            parquet.require()
        elif f".{extension}" in EXTENSIONS:
            require(EXTENSIONS[f".{extension}"])
