"""No secret is found in anything that this program leaves behind, whatever goes wrong.

Every setting that holds one has one that is searched for, and all that can fail is made to. What is said,
answered and kept meanwhile is gathered, and each secret is looked for in each piece of it.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from variance_plugin.clock import SystemClock
from variance_plugin.receiver import Answer, LocalVariance, Post, WireFault
from variance_plugin.settings import manifest

SECONDS = 30.0
ROOT = Path(__file__).parent.parent.parent

# By the setting that holds it. In none of them is a part of another.
SECRETS = {
    "webhookUrl": "q7-in-the-address-5b",
    "authHeader": "q7-authorization-5b",
    "sharedSecret": "q7-shared-secret-5b",
    "hashSalt": "q7-salt-5b",
    "proxyUrl": "q7-proxy-password-5b",
    "apiToken": "q7-token-of-a-plugin-5b",
    "posthog.project_key": "phc_q7-project-key-5b",
    "posthog.personal_api_key": "phx_q7-personal-key-5b",
    "kafka.sasl_password": "q7-sasl-password-5b",
    "kafka.tls_key_password": "q7-key-password-5b",
}
SETTINGS = """
flush_seconds = 5

[source]
paths = ["events.jsonl"]

[[plugins]]
name = "noisy"
from = "./noisy"
[plugins.config]
apiToken = "{apiToken}"

[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "Bearer {authHeader}"
sharedSecret = "{sharedSecret}"
hashSalt = "{hashSalt}"
propertiesToHash = "email"
allowedHosts = "127.0.0.1"
exportEventsBufferSeconds = 0.05
maxBatchEvents = 4
readTimeoutSeconds = 0.5
retrySeconds = 0

[hooks]
timeout_seconds = 86400
export_timeout_seconds = 86400

[posthog]
host = "http://127.0.0.1:9"
project_key = "{posthog.project_key}"
personal_api_key = "{posthog.personal_api_key}"
report_exceptions = true

[kafka]
sasl_password = "{kafka.sasl_password}"
tls_key_password = "{kafka.tls_key_password}"

[logs]
level = "debug"

[metrics]
listen = "127.0.0.1:0"
"""
MANIFEST = {
    "name": "Noisy",
    "main": "main.py",
    "config": [{"key": "apiToken", "name": "Token", "type": "string", "secret": True}],
}
PLUGIN = '''
"""Tells its token wherever it can, as a plugin of a stranger may."""


def setup_plugin(meta):
    meta.logger.info("%s", meta.config)
    meta.logger.warning("my token is %s", meta.config["apiToken"], extra={"token": meta.config["apiToken"]})
    meta.jobs.fail({}).run_now()


def process_event(event, meta):
    if event.event == "bad":
        raise ValueError(f"https://api.example/?token={meta.config['apiToken']} does not answer")
    return event


def fail(payload, meta):
    raise LookupError({"Authorization": f"Bearer {meta.config['apiToken']}"})


jobs = {"fail": fail}
'''
EVENTS = [
    *({"event": "paid", "distinct_id": f"u{number}", "uuid": f"{number}"} for number in range(12)),
    {"event": "refused", "distinct_id": "u1", "uuid": "refused"},
    {"event": "bad", "distinct_id": "u1", "uuid": "bad", "properties": {"email": "kim@acme.example"}},
]
BROKEN = '{"event": "cut sho'

SINCE = f"{SystemClock().now()}"  # the waits are of no interest here

Gathered: TypeAlias = dict[str, bytes]


def echo(post: Post) -> bytes:
    """What an endpoint may say that shows what it got."""
    return json.dumps({"error": dict(post.headers), "at": post.path}).encode()


def failures(post: Post) -> list[Answer]:
    """The ways in which an endpoint may fail at that request, with what it got in what it says."""
    said = echo(post)
    result = b'{"status":422,"error":%s}' % json.dumps(said.decode()).encode()
    location = f"http://x.example{post.path}#{post.headers['authorization']}"
    return [
        Answer(status=503, body=said, headers={"Retry-After": post.path}),
        Answer(status=401, body=said),
        Answer(status=302, headers={"Location": location}),
        Answer(fault=WireFault.GARBAGE),
        Answer(fault=WireFault.RESET),
        Answer(fault=WireFault.CUT_SHORT),
        Answer(fault=WireFault.HANG),
        Answer(status=413, body=said),
        Answer(body=b"[%s]" % b",".join([result] * len(post.raw_messages))),
    ]


class Spiteful:
    """An endpoint that fails in each way once, and afterwards takes all but one event."""

    def __init__(self) -> None:
        self._requests = count()
        self.is_through = False

    def __call__(self, post: Post) -> Answer:
        """The next answer."""
        ways, number = failures(post), next(self._requests)
        if number < len(ways):
            return ways[number]
        self.is_through = True
        is_refused = any(b'"refused"' in bytes(raw) for raw in post.raw_messages)
        return Answer(status=400, body=echo(post)) if is_refused else Answer()


class Scene:
    """A folder with settings, events and a plugin; what is run in it, and what that leaves."""

    def __init__(self, folder: Path, variance: LocalVariance) -> None:
        self.folder = folder
        self.gathered: Gathered = {}
        self.url = f"{variance.url}?token={SECRETS['webhookUrl']}"
        (folder / "noisy").mkdir()
        (folder / "noisy" / "plugin.json").write_text(json.dumps(MANIFEST))
        (folder / "noisy" / "main.py").write_text(PLUGIN)
        (folder / "events.jsonl").write_text("\n".join([*map(json.dumps, EVENTS), BROKEN, ""]))
        settings = SETTINGS.replace("{url}", self.url)
        for name, secret in SECRETS.items():
            settings = settings.replace(f"{{{name}}}", secret)
        (folder / "runner.toml").write_text(settings)
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VARIANCE_", "RUNNER_")) and "proxy" not in name.lower()
        } | {"PYTHONPATH": str(ROOT)}

    def start(
        self, *arguments: str, module: str = "variance_plugin", **environment: str
    ) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self._environment | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, **environment: str) -> int:
        """Run a command to its end; what it says is gathered."""
        with self.start(*arguments, **environment) as process:
            said, told = process.communicate(timeout=SECONDS)
        self.gathered[f"said by {' '.join(arguments)}"] = said.encode()
        self.gathered[f"told by {' '.join(arguments)}"] = told.encode()
        return process.returncode

    def gather_files(self) -> None:
        """All that lies in the folder but for what the user has put there."""
        given = {"runner.toml", "main.py", "plugin.json", "events.jsonl"}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name not in given and path.suffix != ".pyc":
                self.gathered[str(path.relative_to(self.folder))] = path.read_bytes()


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may look: as it is, in an address, in an Authorization of either kind."""
    yield secret.encode()
    yield quote(secret, "").encode()
    for user in ("", "user:"):
        for cut in range(3):  # what stands before it moves it within a group of four letters
            encoded = base64.b64encode(b"x" * cut + (user + secret).encode())
            yield encoded[4:-4] if cut else encoded[:-4]


def leaks(gathered: Gathered) -> list[str]:
    """Which secret stands where."""
    return [
        f"{name} in {place}"
        for place, content in gathered.items()
        for name, secret in SECRETS.items()
        if any(form in content for form in forms(secret))
    ]


@pytest.fixture
def spiteful() -> Iterator[tuple[LocalVariance, Spiteful]]:
    """A Variance that wants the secrets, and then fails."""
    endpoint = Spiteful()
    with LocalVariance(
        authorization=f"Bearer {SECRETS['authHeader']}", secret=SECRETS["sharedSecret"], answers=endpoint
    ) as variance:
        yield variance, endpoint


def test_no_secret_is_left_anywhere_by_a_run_in_which_everything_fails(
    tmp_path: Path, spiteful: tuple[LocalVariance, Spiteful]
) -> None:
    """Log, health, metrics, state with its write-ahead log after a kill, dead letters, and all commands."""
    variance, endpoint = spiteful
    scene = Scene(tmp_path, variance)
    with scene.start("--fast", "100", "--since", SINCE, module="proofs.subject") as process:
        assert process.stderr is not None
        told = []
        while not endpoint.is_through:
            told.append(process.stderr.readline())
        port = next(line for line in told if "listening" in line).partition(" on port ")[2][:5].strip('"},')
        for path in ("metrics", "healthz", "readyz"):
            with urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
                scene.gathered[f"/{path}"] = answer.read()
        process.kill()
        scene.gathered["log until the kill"] = "".join([*told, process.stderr.read()]).encode()
    scene.gather_files()
    assert scene.gathered["variance.db-wal"]
    assert 1 == scene.run("run", "--once")
    scene.gather_files()
    for command in ("config show", "plugins info ./noisy"):
        assert 0 == scene.run(*command.split())
    for command in ("list", "list --by reason", "show 1", "export letters.jsonl"):
        assert 0 == scene.run("dead-letters", *command.split())
    scene.gather_files()

    assert [] == leaks(scene.gathered)
    # It was sent, refused with an echo, and the echo is masked: there was something to be found.
    assert any(SECRETS["webhookUrl"] in post.path for post in variance.posts)
    assert b'"authorization": "***"' in scene.gathered["variance.db"] + scene.gathered["variance.db-wal"]
    assert b'"authorization": "***"' in scene.gathered["letters.jsonl"].replace(b"\\", b"")
    assert b"my token is ***" in scene.gathered["log until the kill"]


def test_no_secret_is_in_what_a_command_says_of_a_mistake_or_a_failure(
    tmp_path: Path, spiteful: tuple[LocalVariance, Spiteful]
) -> None:
    """Settings that cannot be used, addresses that lead nowhere, a proxy that refuses, an echo."""
    variance, _ = spiteful
    scene = Scene(tmp_path, variance)
    port = variance.origin.rpartition(":")[2]
    secret = {
        "VARIANCE_WEBHOOK_URL": scene.url,
        "VARIANCE_AUTH_HEADER": f"Bearer {SECRETS['authHeader']}",
        "VARIANCE_SHARED_SECRET": SECRETS["sharedSecret"],
        "VARIANCE_HASH_SALT": SECRETS["hashSalt"],
        "VARIANCE_ALLOWED_HOSTS": "127.0.0.1",
        "VARIANCE_RETRY_SECONDS": "0",
        "VARIANCE_READ_TIMEOUT_SECONDS": "0.5",
    }
    proxy = f"http://user:{SECRETS['proxyUrl']}@127.0.0.1:{port}"
    token = f"?token={SECRETS['webhookUrl']}"
    for fault in (
        {"VARIANCE_AUTH_HEADER": f"Bearer {SECRETS['authHeader']}\nX-Other: 1"},
        {"VARIANCE_WEBHOOK_URL": f"ftp://user:{SECRETS['webhookUrl']}@x.example/{token}"},
        {"VARIANCE_WEBHOOK_URL": f"https://[{SECRETS['webhookUrl']}/{token}"},
        {"VARIANCE_PROXY_URL": f"socks9://user:{SECRETS['proxyUrl']}@x.example"},
        {"VARIANCE_WEBHOOK_URL": f"https://127.0.0.1:{port}/{token}"},
        {"VARIANCE_WEBHOOK_URL": f"https://nowhere.invalid/{token}"},
        {"VARIANCE_WEBHOOK_URL": f"https://x.example/{token}", "VARIANCE_PROXY_URL": proxy},
    ):
        assert scene.run("check", "--send", **secret | fault) in (1, 2)
    for number in range(2):  # the first two ways to fail
        assert scene.run("check", "--send", **secret), number
    scene.run("export", "events.jsonl", "--verbose", "--give-up-after", "0", **secret)
    scene.run("export", "events.jsonl", "--set", f"authHeadr={SECRETS['authHeader']}", **secret)
    scene.run("run", "--set", f"posthog.project_keys={SECRETS['posthog.project_key']}")
    scene.run("preview", "events.jsonl", **secret)
    scene.gather_files()

    assert [] == leaks(scene.gathered)
    assert len(variance.posts) > 2


@pytest.mark.parametrize(
    "leak",
    [
        "the proxy said: {}",
        "GET /?a=b&token={}&c=d",
        f"Basic {{}} {base64.b64encode(b'user:' + SECRETS['proxyUrl'].encode()).decode()}",
    ],
    ids=["as it is", "in an address", "in a Basic authorization"],
)
def test_a_secret_that_is_left_is_found(leak: str) -> None:
    """A test of the test."""
    secret = "nothing" if leak.startswith("Basic") else SECRETS["proxyUrl"]

    assert ["proxyUrl in log"] == leaks({"log": leak.format(secret).encode(), "/metrics": b"events_seen 1"})


PLANTED = """
import logging
import subprocess
import sys

def test_output():
    print("Bearer demo-token")

def test_log():
    logging.getLogger().warning("demo-token")

def test_state(tmp_path):
    (tmp_path / "variance.db-wal").write_bytes(b"demo-token")

def test_process():
    subprocess.run([sys.executable, "-c", "print('demo' + '-token')"], capture_output=True)

def test_nothing(tmp_path):
    (tmp_path / "runner.toml").write_text("demo-token")
"""


def test_every_test_that_leaves_a_secret_fails(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The whole run of the tests is searched: what they say, their logs, their state files."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "left_behind.py").read_bytes())
    (folder / "test_planted.py").write_text(PLANTED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp=temporary"]
    # Into a file: what comes back from a process is searched here, too.
    with (folder / "said.txt").open("wb") as said:
        subprocess.run(command, cwd=folder, stdout=said, check=False, timeout=SECONDS)
    told = (folder / "said.txt").read_text()

    assert "4 failed, 1 passed" in told
    assert "'demo-token' was left in variance.db-wal" in told


def test_every_setting_that_holds_a_secret_is_among_those_that_are_searched_for() -> None:
    """A new one has to be put there; those of the sources are looked at below."""
    schema = json_schema()
    of_plugin = {parameter.key for parameter in manifest().parameters.values() if parameter.secret}
    of_runner = {
        f"{name}.{key}"
        for name, table in schema["properties"].items()
        for key, value in defined(schema, table).get("properties", {}).items()
        if value.get("writeOnly")
    }

    assert {"webhookUrl", "apiToken"} | of_plugin | of_runner == set(SECRETS)


def test_the_secrets_of_every_source_are_masked_where_settings_are_shown(tmp_path: Path) -> None:
    """Whichever there are."""
    schema = json_schema()
    for table in schema["$defs"].values():
        properties = table.get("properties", {})
        kind = properties.get("type", {}).get("const")
        secret = [key for key, value in properties.items() if value.get("writeOnly")]
        if kind is not None and secret:
            given = [f"source.{key}={SECRETS['apiToken']}" for key in secret]
            of_plugin = ["webhookUrl=https://hooks.example", "authHeader=Bearer demo-token"]
            given += [f"plugins.variance.config.{parameter}" for parameter in of_plugin]
            said = shown(tmp_path, f"source.type={kind}", *given)
            assert secret == [key for key in secret if key in said]
            assert [] == leaks({kind: said.encode()})


def shown(folder: Path, *assignments: str) -> str:
    """What `config show` says, with these settings."""
    options = [word for assignment in assignments for word in ("--set", assignment)]
    command = [sys.executable, "-m", "variance_plugin", "config", "show", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True, timeout=SECONDS)
    return done.stdout + done.stderr


def json_schema() -> dict[str, Any]:
    """Of `runner.toml`."""
    command = [sys.executable, "-m", "variance_plugin", "config", "schema"]
    schema: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return schema


def defined(schema: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    found: dict[str, Any] = schema["$defs"].get(table.get("$ref", "").rpartition("/")[2], table)
    return found
