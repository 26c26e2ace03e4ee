"""The local Variance begins and ends as it should, in a thread and as a process of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from socketserver import BaseServer

import pytest

from variance_plugin.clock import SystemClock
from variance_plugin.errors import UsageError
from variance_plugin.receiver import Limits, LocalVariance
from variance_plugin.receiver.connections import Connection, Connections
from variance_plugin.receiver.exchange import Exchange
from variance_plugin.receiver.intake import Intake
from variance_plugin.receiver.page import Site
from variance_plugin.receiver.server import Listener

SECONDS = 10.0  # nothing here takes that long; what does has failed

MESSAGES = [{"type": "page", "messageId": "m-1"}, {"type": "page", "messageId": "m-2"}]


def test_an_address_in_use_is_the_users_mistake(tmp_path: Path) -> None:
    """The message says which, and what to do."""
    with LocalVariance() as variance:
        port = int(variance.origin.rpartition(":")[2])

        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*; choose another"):
            LocalVariance(port=port, keep=tmp_path / "kept.jsonl")


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_the_users_mistake(port: int) -> None:
    """Python itself calls that an overflow."""
    with pytest.raises(UsageError, match="choose another"):
        LocalVariance(port=port)


def test_a_file_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    """Found at the start, not at the first post."""
    with pytest.raises(UsageError, match="name a file that can be written"):
        LocalVariance(keep=tmp_path)


def test_closing_twice_does_nothing_more() -> None:
    """Nor does closing what was never started."""
    variance = LocalVariance()
    variance.close()
    variance.close()


PROGRAM = """
import signal, sys
from variance_plugin.receiver import LocalVariance

variance = LocalVariance(keep=sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: variance.stop())
print(variance.origin, flush=True)
variance.serve_forever()
print(variance.summary().received)
"""


@pytest.mark.parametrize(("ending", "expected"), [(signal.SIGTERM, "2\n"), (signal.SIGKILL, "")])
def test_a_process_keeps_what_it_answered(ending: signal.Signals, expected: str, tmp_path: Path) -> None:
    """Stopped or killed: what was answered 200 is in the file."""
    keep = tmp_path / "kept.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, os.fspath(keep)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        host = process.stdout.readline().strip().removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=SECONDS)) as connection:
            connection.request("POST", "/", json.dumps(MESSAGES))
            assert connection.getresponse().status == 200
        process.send_signal(ending)
        said, _ = process.communicate(timeout=SECONDS)

    assert expected == said
    assert MESSAGES == [json.loads(line) for line in keep.read_bytes().splitlines()]


def test_the_summary_is_kept_from_other_machines() -> None:
    """It holds personal data; whether the receiver is well, everybody may know."""

    def as_from_afar(
        connection: socket.socket, address: object, server: BaseServer, *, connection_id: int
    ) -> None:
        del address
        connections = Connections([Connection()])
        intake = Intake(
            answers=None,
            limits=Limits(),
            keep=None,
            keep_posts=True,
            connections=connections.all,
            store=None,
            clock=SystemClock(),
        )
        Exchange(
            connection,
            ("192.0.2.1", 4711),
            server,
            connection_id=connection_id,
            intake=intake,
            connections=connections,
            site=Site(intake=intake, connections=connections, clock=SystemClock(), event_of=None),
            limits=Limits(),
            clock=SystemClock(),
        )

    listener = Listener("127.0.0.1", 0, serve=as_from_afar)
    serving = threading.Thread(target=listener.serve_forever)
    serving.start()
    with closing(http.client.HTTPConnection("127.0.0.1", listener.server_address[1])) as connection:
        statuses = []
        for path in ("/summary", "/health"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    listener.stop()
    serving.join()
    listener.server_close()

    assert statuses == [403, 200]
