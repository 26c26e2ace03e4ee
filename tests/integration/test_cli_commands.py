"""The other commands of `variance-plugin`, and what all of them have in common."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.benches.program import SECONDS, Program, Running
from variance_plugin import __version__
from variance_plugin.receiver import Answer, LocalVariance

MESSAGE = (
    b'{"type":"identify","messageId":"m-1","userId":"u-1","timestamp":"2026-01-02T03:04:05.000Z",'
    b'"traits":{"name":"Kim L\xc3\xb8v\xc3\xa5s","email":"kim@acme.example",'
    b'"company":{"name":"acme.example"}}}'
)


@pytest.fixture
def run(program: Program) -> Running:
    """Run a command to its end in an empty folder, without settings from outside."""
    return program.run


def to(url: str) -> list[str]:
    """Options for an address of this machine, which has to be allowed by name."""
    return ["--webhook-url", url, "--set", "allowedHosts=127.0.0.1"]


def post(url: str, body: bytes, **headers: str) -> int:
    """Post, and return the status of the answer."""
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 -- our own address
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 -- likewise
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


# --- check ----------------------------------------------------------------------------------------


def test_check_shows_each_setting_with_its_origin_and_no_secret(run: Running, tmp_path: Path) -> None:
    """A secret is masked, and so is the query of the address."""
    (tmp_path / "salt").write_text("pepper-0815\n", encoding="utf-8")
    (tmp_path / "settings.toml").write_text(
        'systemEvents = ["$autocapture", "$exception"]\n', encoding="utf-8"
    )
    environment = {"VARIANCE_HASH_SALT_FILE": "salt", "VARIANCE_SEND_IP": "False"}

    ended = run(
        "check",
        *("--webhook-url", "https://hooks.variance.example/c/1?token=hush-hush"),
        *("--auth-header", "Bearer hush-hush", "--settings", "settings.toml"),
        change=environment,
    )

    rows = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line}
    assert ["https://hooks.variance.example/c/1?***", "--webhook-url"] == rows["webhookUrl"]
    assert ["***", "--auth-header"] == rows["authHeader"]
    assert ["***", "VARIANCE_HASH_SALT_FILE"] == rows["hashSalt"]
    assert ["$autocapture,", "$exception", "settings.toml"] == rows["systemEvents"]
    assert ["no", "VARIANCE_SEND_IP"] == rows["sendIp"]
    assert ["batch", "default"] == rows["payloadFormat"]
    assert "hush" not in ended.stdout + ended.stderr
    assert "pepper" not in ended.stdout + ended.stderr
    assert 0 == ended.returncode


def test_check_sends_one_message_that_shows_what_it_is(run: Running, variance: LocalVariance) -> None:
    """A track by a visitor of its own: no contact comes of it."""
    ended = run("check", "--send", *to(variance.url), "--auth-header", "Bearer demo-token")

    assert "All is well: the message was taken (HTTP 200).\n" == ended.stdout.splitlines(keepends=True)[-1]
    assert 0 == ended.returncode
    summary = variance.summary()
    assert {"PostHog connection test": 1} == summary.events
    assert () == summary.contacts
    assert {} == summary.incomplete


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(404, "What to do: the host is right, the rest of webhookUrl is not", id="404"),
        pytest.param(503, "What to do: nothing here is wrong", id="503"),
    ],
)
def test_check_says_what_to_do_about_an_answer(
    run: Running, variance: LocalVariance, status: int, told: str
) -> None:
    """Once: a test message is not tried again."""
    variance.answer_with(lambda _post: Answer(status=status))

    ended = run("check", "--send", *to(variance.url), "--auth-header", "Bearer demo-token")

    assert told in ended.stdout
    assert f" answered HTTP {status}" in ended.stdout
    assert 1 == ended.returncode
    assert 1 == len(variance.posts)


def test_check_says_what_to_do_about_a_wrong_secret(run: Running, variance: LocalVariance) -> None:
    """Without saying what the secret is."""
    ended = run("check", "--send", *to(variance.url), "--auth-header", "Bearer hush-hush")

    assert "What to do: the receiver expects another secret; compare authHeader" in ended.stdout
    assert "hush" not in ended.stdout + ended.stderr
    assert 1 == ended.returncode


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        pytest.param("http", "There is no connection to 127.0.0.1:{port} (connection refused)", id="refused"),
        pytest.param("https", "There is no secure connection to 127.0.0.1:{port} (", id="no TLS"),
    ],
)
def test_check_says_when_there_is_no_connection(
    run: Running, variance: LocalVariance, scheme: str, told: str
) -> None:
    """A port where nobody listens; one where somebody speaks something else."""
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        unused = reserved.getsockname()[1]
    port = unused if scheme == "http" else int(variance.origin.rpartition(":")[2])

    ended = run("check", "--send", *to(f"{scheme}://127.0.0.1:{port}/"), "--auth-header", "x")

    assert told.format(port=port) in ended.stdout
    assert "What to do: " in ended.stdout
    assert 1 == ended.returncode


def test_an_address_of_this_machine_is_refused_with_the_way_to_allow_it(
    run: Running, variance: LocalVariance, tmp_path: Path
) -> None:
    """By `export` and by `check` alike, before anything is read or sent."""
    (tmp_path / "events.jsonl").write_bytes(b"")
    settings = ["--webhook-url", variance.url, "--auth-header", "Bearer demo-token"]

    for ended in (run("export", "events.jsonl", *settings), run("check", "--send", *settings)):
        assert 2 == ended.returncode
        assert "webhookUrl: 127.0.0.1 is a loopback address; " in ended.stderr
        assert "allow it by allowedHosts=127.0.0.1 (--set, or" in ended.stderr
    assert 0 == variance.summary().posts


def test_check_tells_all_that_is_missing(run: Running) -> None:
    """And how to give it."""
    ended = run("check")

    assert (
        """\
Error: these settings cannot be used:
  webhookUrl: is required and has no value; give it by --webhook-url or VARIANCE_WEBHOOK_URL
  authHeader: neither it nor sharedSecret is set; one of them is needed; give it by --auth-header or \
VARIANCE_AUTH_HEADER
"""
        == ended.stderr
    )
    assert 2 == ended.returncode


# --- receive and record -----------------------------------------------------------------------------


def test_receive_shows_at_its_end_what_came(program: Program, tmp_path: Path) -> None:
    """Contacts with their accounts; what was refused; and the file keeps the messages."""
    options = ["--port", "0", "--auth-header", "Bearer right", "--keep", "kept.jsonl"]
    with program.start("receive", *options) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]

        assert 200 == post(url, MESSAGE, Authorization="Bearer right")
        assert 401 == post(url, MESSAGE, Authorization="Bearer wrong")
        process.send_signal(signal.SIGINT)
        told, complained = process.communicate(timeout=SECONDS)

    assert 0 == process.returncode, complained
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "1 message in 2 requests" in lines
    assert "Kim Løvås kim@acme.example 0 events at acme.example" in lines
    assert "acme.example 1 contact found by email domain" in lines
    assert "1 request refused: wrong or missing Authorization" in lines
    assert MESSAGE + b"\n" == (tmp_path / "kept.jsonl").read_bytes()


def test_receive_answers_as_told(program: Program) -> None:
    """To see how an export waits."""
    with program.start("receive", "--port", "0", "--answer", "503") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]

        assert [503, 503] == [post(url, MESSAGE), post(url, MESSAGE)]


@pytest.mark.parametrize("command", ["receive", "record"])
def test_a_port_in_use_is_told(run: Running, command: str) -> None:
    """With what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        ended = run(command, "--port", str(port))

    assert "cannot listen on 127.0.0.1" in ended.stderr
    assert str(port) in ended.stderr
    assert 2 == ended.returncode


@pytest.mark.parametrize("to_file", [True, False], ids=["into a file", "into a pipe"])
def test_record_writes_down_what_comes_and_says_how_to_point_an_sdk_at_it(
    program: Program, tmp_path: Path, *, to_file: bool
) -> None:
    """Standard output is for the events alone."""
    options = ["--output", "events.jsonl"] if to_file else []
    with program.start("record", "--port", "0", *options) as process:
        assert process.stderr is not None
        guidance = [process.stderr.readline() for _ in range(5)]
        url = guidance[0].split()[2]
        assert f'posthog.init("phc_…", {{ api_host: "{url}" }})' in guidance[2]

        assert 200 == post(f"{url}/capture/", b'{"event": "a", "distinct_id": "u"}')
        process.send_signal(signal.SIGTERM)
        piped, told = process.communicate(timeout=SECONDS)

    recorded = (tmp_path / "events.jsonl").read_text(encoding="utf-8") if to_file else piped
    assert '{"event":"a","distinct_id":"u"}\n' == recorded
    assert "1 request recorded.\n" == told
    assert 0 == process.returncode


# --- demo -------------------------------------------------------------------------------------------


def test_the_demo_shows_the_whole_way(run: Running) -> None:
    """From events to contacts and accounts, and where to look next; whatever settings are around."""
    environment = {"VARIANCE_WEBHOOK_URL": "nonsense", "http_proxy": "http://127.0.0.1:9"}

    ended = run("demo", change=environment)

    assert 0 == ended.returncode
    assert "" == ended.stderr
    assert "PostHog events on their way to a local Variance" in ended.stdout
    assert "Kim Løvås" in ended.stdout
    assert "anonymous visitors, who are no contacts" in ended.stdout
    assert "left out: system event not named in systemEvents" in ended.stdout
    assert "variance-plugin preview " in ended.stdout


# --- all of them -------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_package(run: Running) -> None:
    """With the name that pip knows."""
    assert f"posthog-variance-plugin {__version__}\n" == run("--version").stdout


@pytest.mark.parametrize("command", ["demo", "preview", "check", "export", "receive", "record"])
def test_every_command_explains_itself(run: Running, command: str) -> None:
    """In the list of all, and at length."""
    assert f" {command} " in run("--help").stdout
    assert f"Usage: variance-plugin {command} " in run(command, "--help").stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("exp", ["export"]), ("export --web", ["--webhook-url"]), ("dead-letters sh", ["show"])],
)
def test_a_shell_completes_commands_and_options(run: Running, typed: str, expected: list[str]) -> None:
    """As the script that `--show-completion` prints asks for it."""
    words = f"variance-plugin {typed}"
    asked = {
        "_VARIANCE_PLUGIN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }

    assert expected == run(change=asked).stdout.split()
    assert "complete -o default" in run("--show-completion", "bash").stdout


def test_a_preview_for_programs_carries_no_luggage() -> None:
    """Neither PostHog's client nor what draws on terminals is loaded."""
    program = (
        "import sys\nfrom variance_plugin.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'posthog', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "preview", "--json", "-"],
        check=True,
        capture_output=True,
        encoding="utf-8",
        input="",
        timeout=SECONDS,
    )

    assert "[]\n" == ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["exprot"], "No such command 'exprot'. Did you mean 'export'?", id="command"),
        pytest.param(["export", "--jsn", "-"], "No such option: --jsn", id="option"),
        pytest.param(["export"], "Missing argument", id="argument"),
        pytest.param(["receive", "--port", "many"], "Invalid value for '--port'", id="value"),
    ],
)
def test_wrong_usage_is_status_2(run: Running, arguments: list[str], told: str) -> None:
    """With what is wrong, in words."""
    ended = run(*arguments)

    assert told in ended.stderr
    assert 2 == ended.returncode


BUG = """
from variance_plugin import cli

@cli.app.command()
def stumble() -> None:
    raise ValueError("kim@acme.example")

cli.main()
"""


def test_a_fault_of_the_program_is_one_line_that_quotes_nothing() -> None:
    """Its text may hold what stood in an event."""
    ended = subprocess.run(
        [sys.executable, "-c", BUG, "stumble"], check=False, capture_output=True, timeout=SECONDS
    )

    assert (
        b"Error: a fault in the program itself (ValueError at <string>:6); "
        b"run it with --debug for the traceback\n"
    ) == ended.stderr
    assert 3 == ended.returncode


def test_debug_shows_the_traceback_wherever_it_stands() -> None:
    """Before or behind the command."""
    for arguments in (["--debug", "stumble"], ["stumble", "--debug"]):
        ended = subprocess.run(
            [sys.executable, "-c", BUG, *arguments], check=False, capture_output=True, timeout=SECONDS
        )

        assert b"Traceback (most recent call last):" in ended.stderr
        assert b"ValueError: kim@acme.example" in ended.stderr
        assert 3 == ended.returncode


def test_a_terminal_without_unicode_gets_question_marks(run: Running, tmp_path: Path) -> None:
    """And no traceback."""
    event = {"event": "größer 進行", "distinct_id": "u", "properties": {}}
    (tmp_path / "events.jsonl").write_text(json.dumps(event), encoding="utf-8")

    ended = run("preview", "events.jsonl", change={"PYTHONIOENCODING": "ascii"})

    assert "?gr??er ???" in ended.stdout
    assert 0 == ended.returncode
