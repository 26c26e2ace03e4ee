"""The benchmark, small: it runs, and what its three ways send is the same. No timing is looked at."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.generate import MIX, Traffic
from tests.benches.program import unmeasured
from variance_plugin.events import Event
from variance_plugin.exact_json import encode
from variance_plugin.formats import events
from variance_plugin.mapping import Mapper, Memory
from variance_plugin.settings import read_mapping

ROOT = Path(__file__).parent.parent.parent
# Enough for the steps to fill more than two batches.
EVENTS = 1_200


# One process has them all, so there is one run.
pytestmark = pytest.mark.xdist_group("benchmark")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """One run of the benchmark with everything in it, and what it left in its folder."""
    folder = tmp_path_factory.mktemp("benchmark")
    options = f"--events {EVENTS} --plain-events {EVENTS} --stages 1 --rounds 1 --memory-events 1500"
    command = [sys.executable, "-m", "benchmarks", *options.split(), "--keep", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, check=True, text=True, timeout=50
    )
    return Run(folder, done.stdout)


class Run:
    """What a run left behind."""

    def __init__(self, folder: Path, output: str) -> None:
        self.output = output
        self.read = list(islice(_lines(folder / "events.jsonl"), EVENTS))
        self.prepared = [msgspec.json.decode(line) for line in _lines(folder / "decode_encode.jsonl")]
        self.ported = [msgspec.json.decode(line) for line in _lines(folder / "plain_port.jsonl")]
        bodies = [msgspec.json.decode(line) for line in _lines(folder / "whole_way.jsonl")]
        self.delivered = [message for body in bodies for message in body["batch"]]


def test_the_benchmark_prints_every_figure_that_the_documentation_explains(run: Run) -> None:
    """The output has the three ways, both ratios, the receiver, the steps and the memory."""
    beginnings = "Machine Events Round (a) (b) (c) Receiver Where Memory".split()

    assert [] == [word for word in beginnings if f"\n{word} " not in f"\n{run.output}"]


def test_the_whole_way_delivers_the_messages_that_are_encoded_beside_it(run: Run) -> None:
    """What arrives from the whole way is, message by message, what the bare encoding made of these lines."""
    assert _by_id(run.prepared) == _by_id(run.delivered)


def test_the_plain_port_delivers_the_same_events_as_the_whole_way(run: Run) -> None:
    """Both send the same events, each once; the whole way adds messages derived from some of them."""
    whole = [message["messageId"] for message in run.delivered if ":" not in message["messageId"]]

    assert sorted(whole) == sorted(message["messageId"] for message in run.ported)


def test_the_plain_port_sends_what_payload_version_1_sends(run: Run) -> None:
    """The port is faithful: its messages are those of the product's own `payloadVersion = 1`."""
    mapper, memory = Mapper(read_mapping({"payloadVersion": "1"})), Memory()
    mapped = [mapper.map(event, memory).messages for line in run.read for event in _events(line)]
    expected = [msgspec.json.decode(encode(message)) for messages in mapped for message in messages]

    assert _by_id(expected) == _by_id(run.ported)


def test_the_generated_events_have_the_mix_and_the_size_of_real_traffic(run: Run) -> None:
    """In every hundred the mix is exact; lines are 3 to 4 KB on average, and never far from it."""
    names = [msgspec.json.decode(line)["event"] for line in run.read[:100]]
    sizes = [len(line) for line in run.read]

    assert MIX == Counter(name if name.startswith("$") else "custom" for name in names)
    assert 3_000 <= sum(sizes) / len(sizes) <= 4_000
    assert (2_500, 5_000) == (min(2_500, *sizes), max(5_000, *sizes))


def test_the_same_seed_makes_the_same_events() -> None:
    """Two runs measure the same work."""
    first, second = Traffic(7), Traffic(7)

    assert list(first.events(150)) == list(second.events(150))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _events(line: bytes) -> Iterator[Event]:
    for event in events(line):
        assert isinstance(event, Event)
        yield event


def _by_id(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The messages by id, where each id stands once."""
    found = {message["messageId"]: message for message in messages}
    assert len(messages) == len(found)
    return found


def test_the_load_on_the_http_source_is_answered_and_told() -> None:
    """Where the spool is small some requests are taken, and the others are 503."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        *"full --rate 500 --seconds 1 --connections 4".split(),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, check=True, text=True, timeout=55
    )

    [row] = [line for line in done.stdout.splitlines() if line.startswith("500 a second, spool of 1 MB")]
    assert " times 200, " in row
    assert row.endswith(" times 503")
