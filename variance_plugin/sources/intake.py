"""From a stream that can be read only once into a spool, by two threads: one reads while the other writes."""

import threading
from collections.abc import Sequence

from ..errors import SpoolFull, StateError
from .file import MAX_LINE_BYTES, FileSource
from .paths import STDIN
from .reading import Readable
from .spool import Spool, Wake, entry

# A commit costs about as much as writing so much; more only costs memory.
_BATCH_BYTES = 1024 * 1024
# So long after a refusal it is tried again: by a full spool, which costs nothing, and by a disk.
_FULL_SECONDS = 0.05
_RETRY_SECONDS = 1.0
# A stream that ends by itself when the program is asked to, as its standard input does, has so long for it.
_GRACE_SECONDS = 0.5


class StreamIntake:
    """An `Intake` that reads JSON lines, or whatever else `FileSource` reads, from a stream.

    While the spool takes nothing the stream is not read, and whoever writes to it has to wait. In memory
    are at most two batches, and what one chunk of the stream unpacks to.

    What was read from a stream is gone from it. So an end that nobody announced loses what was read and is
    not in the spool yet, a fraction of a second's worth; `stop` loses nothing.

    Args:
        stream: Read until its end; left open.
        spool: Where the records go.
        max_line_bytes: A longer line is `Broken`.

    Attributes:
        waiting_for: Why nothing is taken in right now, in words, or None.
        failure: See `Intake`.
    """

    def __init__(self, stream: Readable, spool: Spool, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.waiting_for: str | None = None
        self.failure: Exception | None = None
        self._spool = spool
        self._handover = _Handover(stream)
        self._source = FileSource([STDIN], stdin=self._handover, max_line_bytes=max_line_bytes)
        self._has_ended = False
        self._appended: Wake | None = None
        self._news = threading.Event()
        self._reader = threading.Thread(target=self._read, name="intake-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="intake-writer", daemon=True)

    @property
    def has_ended(self) -> bool:
        """See `Intake`."""
        return self._has_ended

    def start(self, appended: Wake) -> None:
        """See `Intake`."""
        self._appended = appended
        self._reader.start()
        self._writer.start()

    def has_room(self) -> None:
        """See `Intake`."""
        self._news.set()

    def give_way(self) -> None:
        """See `Intake`. Nobody waits for an answer here."""

    def stop(self) -> None:
        """See `Intake`. Stopping what never started, or twice, is no mistake."""
        self._handover.stop(_GRACE_SECONDS if self._reader.is_alive() else 0)
        self._news.set()
        if self._writer.is_alive():
            self._writer.join()

    def _read(self) -> None:
        try:
            for found in self._source.records():
                self._handover.add(entry(found))
        except Exception as error:  # noqa: BLE001 -- told in the thread of the pipeline, which it ends
            self.failure = error
        finally:
            self._handover.end()

    def _write(self) -> None:
        try:
            while entries := self._handover.take():
                self._append(entries)
        except Exception as error:  # noqa: BLE001 -- likewise
            self.failure = self.failure or error
            self._handover.stop(0)
        finally:
            self._has_ended = True
            self._tell()

    def _append(self, entries: Sequence[bytes]) -> None:
        """Append them, as soon as there is room.

        Raises:
            StateError: They cannot be written, and the program is about to end.
        """
        while True:
            self._news.clear()
            stopping = self._handover.stopping
            # What is too large for an empty spool would wait for ever. Nobody else appends to this one.
            alone = len(entries) == 1 and self._spool.size_bytes == 0
            try:
                self._spool.append(entries, beyond_limit=stopping or alone)
            except SpoolFull as error:
                if len(entries) > 1:  # fewer may fit
                    half = len(entries) // 2
                    self._append(entries[:half])
                    self._append(entries[half:])
                    return
                self.waiting_for = str(error)
                self._news.wait(_FULL_SECONDS)
            except StateError as error:
                if stopping:
                    raise
                self.waiting_for = str(error)
                self._news.wait(_RETRY_SECONDS)
            else:
                self.waiting_for = None
                self._tell()
                return

    def _tell(self) -> None:
        if self._appended is not None:
            self._appended()


class _Handover:
    """Between the reading and the writing thread; also the stream, as the reading thread sees it.

    It comes by here before each chunk: that is when what the one before held can be handed over at once.
    """

    def __init__(self, stream: Readable) -> None:
        self.stopping = False
        self._read = getattr(stream, "read1", stream.read)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        # What follows belongs to both threads, and to the one that stops them.
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._in_read = False
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """The next chunk of the stream; none once it is stopped."""
        self._hand_over()
        with self._changed:
            if self.stopping:
                return b""
            self._in_read = True
        chunk: bytes = self._read(size)
        with self._changed:
            self._in_read = False
            self._changed.notify_all()
        return chunk

    def add(self, one: bytes) -> None:
        """Gather an entry; waits when many are gathered and the writing thread is behind."""
        self._gathered.append(one)
        self._gathered_bytes += len(one)
        if self._gathered_bytes >= _BATCH_BYTES:
            self._hand_over()

    def take(self) -> list[bytes]:
        """What has been handed over; waits for it. Nothing: no more comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            taken, self._waiting = self._waiting, []
            self._changed.notify_all()
            return taken

    def end(self) -> None:
        """The stream has no more."""
        self._hand_over()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self, grace_seconds: float) -> None:
        """Read no more; what has been read is handed over when it returns."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()
            if grace_seconds:
                self._changed.wait_for(lambda: self._ended, grace_seconds)
                # Silent streams cannot be woken; whoever reads from one has nothing in hand but half a line.
                self._changed.wait_for(lambda: self._ended or self._in_read)
            self._ended = True
            self._changed.notify_all()

    def _hand_over(self) -> None:
        if not self._gathered:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self.stopping)
            self._waiting += self._gathered
            self._gathered = []
            self._gathered_bytes = 0
            self._changed.notify_all()
