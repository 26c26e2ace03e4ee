"""What one way of going through the events gives, as its process prints it."""

import resource
import sys
from pathlib import Path

import msgspec


class Result(msgspec.Struct, kw_only=True):
    """One measurement."""

    events: int
    """Lines read, whether they are exported or not."""
    messages: int
    seconds: float
    cpu_seconds: float = 0.0
    """Of the process and all its threads, for the same stretch."""
    peak_rss_bytes: int = 0
    """Of the process, from its start."""

    @property
    def events_per_second(self) -> float:
        """The figure by which the ways are compared."""
        return self.events / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """For one event."""
        return self.cpu_seconds / self.events * 1e6


def emit(result: Result) -> None:
    """Print it for the process that asked for the measurement; the last thing that a way does."""
    result.peak_rss_bytes = peak_rss_bytes()
    print(msgspec.json.encode(result).decode())


def peak_rss_bytes(pid: int | None = None) -> int:
    """The most memory that a process has held so far; of this one unless another is named."""
    # Linux hands `ru_maxrss` down from the process that started this one; `VmHWM` is this one's own.
    status = Path(f"/proc/{pid or 'self'}/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
