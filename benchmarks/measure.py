"""Runs the ways one after the other, each in a fresh process, and takes down what they say."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, run

import msgspec

from .receiver import Received, receiving
from .result import Result
from .stages import STEPS

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The three ways, measured within seconds of each other: what slows the machine slows all of them."""

    decode_encode: Result
    decode_encode_json: Result
    """With the standard library's `json`."""
    plain_port: Result
    plain_port_received: Received
    whole_way: Result
    whole_way_received: Received

    @property
    def times_decode_encode(self) -> float:
        """How fast ours is, as a part of (a)."""
        return self.whole_way.events_per_second / self.decode_encode.events_per_second

    @property
    def times_decode_encode_json(self) -> float:
        """Likewise."""
        return self.whole_way.events_per_second / self.decode_encode_json.events_per_second

    @property
    def times_plain_port(self) -> float:
        """How many times as fast as (b) ours is."""
        return self.whole_way.events_per_second / self.plain_port.events_per_second


def measure_round(path: Path, *, plain_events: int, keep: Path | None = None) -> Round:
    """Measure each way once.

    Args:
        path: The events.
        plain_events: With how many of them (b) is measured.
        keep: A folder for what the ways send: `decode_encode.jsonl` holds messages, `plain_port.jsonl` and
            `whole_way.jsonl` hold bodies.
    """
    decode_encode = run_way(
        "decode_encode", path, "msgspec", *([keep / "decode_encode.jsonl"] if keep else [])
    )
    decode_encode_json = run_way("decode_encode", path, "json")
    with receiving(keep and keep / "plain_port.jsonl") as receiver:
        plain_port = run_way("plain_port", path, receiver.url, plain_events)
        plain_port_received = receiver.stop()
    whole_way, whole_way_received = measure_whole_way(path, keep=keep and keep / "whole_way.jsonl")
    return Round(
        decode_encode=decode_encode,
        decode_encode_json=decode_encode_json,
        plain_port=plain_port,
        plain_port_received=plain_port_received,
        whole_way=whole_way,
        whole_way_received=whole_way_received,
    )


def measure_whole_way(path: Path, *, keep: Path | None = None) -> tuple[Result, Received]:
    """Measure ours alone."""
    with receiving(keep) as receiver:
        return run_way("whole_way", path, receiver.url), receiver.stop()


def measure_stages(path: Path) -> dict[str, Result]:
    """Measure ours as far as each of its steps, once."""
    found = {}
    for step in STEPS:
        with receiving() as receiver:
            found[step] = run_way("stages", path, receiver.url, step)
    return found


def run_way(way: str, *arguments: object) -> Result:
    """One way, in a fresh process: the module of that name below `benchmarks`."""
    return msgspec.json.decode(_output(way, *arguments), type=Result)


def _output(module: str, *arguments: object) -> bytes:
    # A proxy of the environment must not come between the ways and this machine.
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return run(command, stdout=PIPE, check=True, cwd=_ROOT, env=environment).stdout
