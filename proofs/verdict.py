"""What a proof found: the figures, and whatever should not be."""

from collections import Counter
from dataclasses import dataclass, field
from textwrap import fill


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The figures of one proof; `wrong` holds what refutes it, `lost` the worst of it."""

    title: str
    events: int = 0
    """Lines that the source was given."""
    skipped: int = 0
    delivered: int = 0
    dead: int = 0
    repeats: int = 0
    """Messages that the destination took once more, each with its old id."""
    again: int = 0
    """Lines that had to be handed over once more, since no runner had acknowledged them."""
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the promise."""
        return not self.lost and not self.wrong

    def __str__(self) -> str:
        rows = [
            ("events", f"{self.events:,}"),
            ("delivered", f"{self.delivered:,}"),
            ("skipped", f"{self.skipped:,} by rule"),
            ("dead", f"{self.dead:,}"),
            ("repeats", f"{self.repeats:,} messages, with the same messageId"),
            ("again", f"{self.again:,} lines, not acknowledged when the runner was killed"),
            ("faults", _sums(self.faults)),
            ("kills", _sums(self.kills)),
            ("lost", f"{len(self.lost):,}"),
            ("wrong", f"{len(self.wrong):,}"),
        ]
        lines = [
            fill(value, _WIDTH, initial_indent=f"  {name:<10}", subsequent_indent=" " * 12)
            for name, value in rows
        ]
        found = [f"  ! {one}" for one in (*self.lost[:_SHOWN], *self.wrong[:_SHOWN])]
        return "\n".join([self.title, *lines, *found])


_SHOWN = 10
_WIDTH = 110


def _sums(counts: Counter[str]) -> str:
    if not counts:
        return "0"
    return f"{counts.total():,}: " + ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))
