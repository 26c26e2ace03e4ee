"""`python -m proofs`: put each promise to its proof, say what was found; status 1 when one does not hold."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from benchmarks import report
from variance_plugin.clock import SystemClock

from .conservation import FEEDS, conserve
from .order import keep_order
from .outage import endure
from .power_cut import cut_power

_LEAST_EVENTS = 5_000


class Found(Protocol):
    """What a proof found; as text, its figures."""

    @property
    def holds(self) -> bool:
        """Whether the promise does."""
        ...


class Prove(Protocol):
    """Puts one promise to the proof."""

    def __call__(self, *, folder: Path) -> Found:
        """Do so, with what it needs on disk in that folder."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proofs that are named, or all, and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    add = parser.add_argument
    add("proofs", nargs="*", metavar="PROOF", help=f"which: {', '.join(PROOFS)} (all)")
    add("--events", type=int, default=50_000, help="events of a proof of conservation (50,000)")
    add(
        "--backlog", type=int, default=1_000_000, help="events that wait for the end of an outage (1,000,000)"
    )
    add("--seed", type=int, default=1, help="which events, faults and kills (1)")
    add("--source", choices=[*FEEDS], action="append", help="by which source; may be repeated (all)")
    options = parser.parse_args(arguments)
    if unknown := set(options.proofs) - set(PROOFS):
        parser.error(f"there is no proof {', '.join(sorted(unknown))}; there are {', '.join(PROOFS)}")
    if options.events < _LEAST_EVENTS:
        parser.error(f"--events: at least {_LEAST_EVENTS:,}, so that each kill finds something to do")
    clock = SystemClock()
    print(report.machine(), flush=True)
    all_hold = True
    for name in options.proofs or PROOFS:
        for prove in PROOFS[name](options):
            began = clock.monotonic()
            with TemporaryDirectory(prefix="proofs-") as folder:
                found = prove(folder=Path(folder))
            print(f"\n{found}\n  took      {clock.monotonic() - began:,.0f} s", flush=True)
            all_hold &= found.holds
    print(f"\n{'Every promise holds.' if all_hold else 'A PROMISE IS BROKEN.'}", flush=True)
    return 0 if all_hold else 1


def _conservation(options: argparse.Namespace) -> Iterator[Prove]:
    for source in options.source or FEEDS:
        points = [*FEEDS[source].points] * 4
        yield partial(
            conserve, FEEDS[source], events=options.events, seed=options.seed, points=points, random_kills=30
        )


def _order(options: argparse.Namespace) -> Iterator[Prove]:
    yield partial(keep_order, seed=options.seed)


def _outage(options: argparse.Namespace) -> Iterator[Prove]:
    # A million requests would take longer than the hour; behind the door it is the same spool as stdin's.
    for source in options.source or ("file", "stdin"):
        yield partial(endure, source, events=options.backlog, fast=60, spool_max_bytes=100_000_000)


def _power_cut(options: argparse.Namespace) -> Iterator[Prove]:
    yield partial(cut_power, seeds=range(options.seed, options.seed + 20), every=3)
    for synchronous in ("NORMAL", "OFF"):
        yield partial(cut_power, seeds=[options.seed], every=3, synchronous=synchronous)


PROOFS = {"conservation": _conservation, "order": _order, "outage": _outage, "power-cut": _power_cut}

if __name__ == "__main__":
    sys.exit(main())
