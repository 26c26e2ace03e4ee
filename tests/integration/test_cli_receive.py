"""`variance-plugin receive` and `demo --open`: what the options do, in real processes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import requests

from variance_plugin.cli.receive import FaultName, WayName
from variance_plugin.cli.receive_run import connections
from variance_plugin.errors import UsageError
from variance_plugin.receiver import Way, WireFault

SECONDS = 20.0  # nothing here takes that long; what does has failed
MESSAGE = {"type": "identify", "messageId": "m-1", "userId": "u-1", "traits": {"email": "ada@acme.example"}}


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs until it is asked to end."""
    with subprocess.Popen(
        [sys.executable, "-m", "variance_plugin", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "BROWSER": "/bin/true"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    """The webhook that it tells."""
    assert process.stdout is not None
    return process.stdout.readline().split()[-1]


def ended(process: subprocess.Popen[str]) -> str:
    """What it says after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    told, complained = process.communicate(timeout=SECONDS)
    assert (0, "") == (process.returncode, complained)
    return " ".join(told.split())


def post(url: str) -> int:
    """Post the message; the status of the answer."""
    return requests.post(url, json=MESSAGE, timeout=SECONDS).status_code


def test_the_first_posts_go_wrong_and_the_rest_do_not(tmp_path: Path) -> None:
    """`--answer` with `--times`; the page's address is told, and opened if wanted."""
    with started(tmp_path, "receive", "--port", "0", "--answer", "503", "--times", "2", "--open") as process:
        url = address(process)
        assert process.stdout is not None
        assert (
            f"See what comes of the messages at {url.removesuffix('webhook')} " in process.stdout.readline()
        )
        assert [503, 503, 200] == [post(url) for _ in range(3)]

        told = ended(process)
    assert "1 message in 3 requests" in told
    assert "2 requests refused: answered 503" in told


def test_a_fault_on_the_wire(tmp_path: Path) -> None:
    """`--fault` for every post, and it can be taken back while it runs."""
    with started(tmp_path, "receive", "--port", "0", "--fault", "reset") as process:
        url = address(process)
        with pytest.raises(requests.ConnectionError):
            post(url)
        faults = url.replace("/webhook", "/faults")
        assert ["reset"] == [due["fault"] for due in requests.get(faults, timeout=SECONDS).json()]
        requests.delete(faults, timeout=SECONDS)
        assert post(url) == 200


def test_the_command_knows_every_fault_and_every_way() -> None:
    """They are written down once more there, so that `--help` need not wait."""
    assert sorted(WireFault) == sorted(get_args(FaultName))
    assert sorted(Way) == sorted(get_args(WayName))


def test_accounts_are_found_as_told_and_kept(tmp_path: Path) -> None:
    """`--accounts` and `--state`: the next process goes on with what is in the file."""
    options = ["receive", "--port", "0", "--accounts", "email", "--state", "state.db"]
    with started(tmp_path, *options) as process:
        assert post(address(process)) == 200
        ended(process)
    with started(tmp_path, *options) as process:
        assert post(address(process)) == 200
        told = ended(process)

    assert "1 message came twice and counted once" in told
    assert "acme.example 1 contact found by email domain" in told


def test_connections_come_from_a_file(tmp_path: Path) -> None:
    """Each is told with its address, and has its own credentials and way to accounts."""
    (tmp_path / "connections.toml").write_text(
        '[website]\nauthorization = "Bearer website"\naccounts = "email"\n'
        '["back end"]\nsecret = "demo"\nenforce = false\nupdates_last_seen = false\n'
        'accounts = "traits"\naccount_id_trait = "org.id"\naccount_name_trait = "org.name"\n'
    )
    with started(tmp_path, "receive", "--port", "0", "--connections", "connections.toml") as process:
        website, backend = address(process), address(process)
        assert ["/webhook/website", "/webhook/back%20end"] == [
            url[url.index("/webhook") :] for url in (website, backend)
        ]
        assert [401, 200] == [post(website), post(backend)]
        shown = requests.get(f"{website.partition('/webhook')[0]}/api/connections", timeout=SECONDS).json()
        told = ended(process)

    assert [("email", True, True), ("traits", False, False)] == [
        (one["accounts_by"], one["enforced"], one["updates_last_seen"]) for one in shown
    ]
    assert {"wrong or missing X-Signature": 1} == shown[1]["let_in"]
    assert "1 contact" in told
    assert "0 accounts" in told


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        pytest.param(None, {}, "cannot read .*: No such file", id="missing"),
        pytest.param("", {}, "connections.toml has no connections; write, for example", id="empty"),
        pytest.param("[a]\nsecrett = 'x'", {}, "unknown field `secrett`", id="a slip of the pen"),
        pytest.param("[a]\naccounts = 'x'", {}, "Invalid enum value 'x'", id="no such way"),
        pytest.param("[a", {}, "connections.toml: ", id="no TOML"),
        pytest.param("[a]\nsecret = '\udcff'", {}, "connections.toml: ", id="no UTF-8"),
        pytest.param("[a]", {"auth_header": "x"}, "leave out --auth-header", id="two places"),
        pytest.param("[a]", {"traits": "company"}, "give two paths, such as", id="one path"),
    ],
)
def test_what_cannot_be_used_is_told(
    tmp_path: Path, text: str | None, options: dict[str, str], expected: str
) -> None:
    """In the user's words, before anything listens."""
    path = tmp_path / "connections.toml"
    if text is not None:
        path.write_text(text, errors="surrogateescape")
    usual: dict[str, Any] = {"shared_secret": None, "accounts": "any", "traits": "company.id,company.name"}

    with pytest.raises(UsageError, match=expected):
        connections(path, **{"auth_header": None, **usual, **options})


def test_the_demo_stays_open_until_it_is_ended(tmp_path: Path) -> None:
    """`--open`: the page is there from the start, messages come one after the other, and Ctrl-C ends it."""
    with started(tmp_path, "demo", "--open") as process:
        assert process.stdout is not None
        page = process.stdout.readline().split()[4]
        assert "Local Variance" in requests.get(page, timeout=SECONDS).text
        with requests.get(f"{page}api/stream", stream=True, timeout=SECONDS) as answer:
            pieces = (
                json.loads(line.removeprefix(b"data: "))
                for line in answer.iter_lines(chunk_size=1)
                if line.startswith(b"data: ")
            )
            seen = [piece["counts"]["messages"] for piece, _ in zip(pieces, range(4), strict=False)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)

    assert sorted(set(seen)) == seen
    assert seen[-1] < 60
