"""PostHog's own SDKs, unmodified, pointed at `variance-plugin serve`: all they send arrives, killed or not.

The current posthog-python is installed with the other development tools. The others come from their package
registries, and the browser's needs Node and Chromium: they run where `SDK_TESTS` is set, as `.ci/run` does.
"""

import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benches.serving import TOKEN, Runner, wait_until
from variance_plugin.receiver import LocalVariance

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "recordings" / "scripts"
SESSIONS = {one.recording: one for one in runpy.run_path(str(SCRIPTS / "record_all.py"))["SESSIONS"]}
INSTALLED = "posthog-python"
SESSION_SECONDS = 120.0
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WHERE = "SDK_TESTS=1 has it installed from its package registry and driven, which takes a minute"

# By itself posthog-python gives up after three tries with random waits, which may be over within a second.
PATIENT = """
import functools, runpy, sys
import posthog
posthog.Posthog = functools.partial(posthog.Posthog, max_retries=10)
runpy.run_path(sys.argv[1], run_name="__main__")
"""

# What differs from one run of a session to the next, or says when and by what it was sent.
VARYING = ("messageId", "timestamp", "context")


def outside(*needed: str) -> pytest.MarkDecorator:
    """For SDKs that have to be installed."""
    missing = [program for program in needed if shutil.which(program) is None]
    return pytest.mark.skipif(
        not os.environ.get("SDK_TESTS") or bool(missing),
        reason=f"{', '.join(missing)} is missing" if missing else WHERE,
    )


def once(sdk: str) -> pytest.MarkDecorator:
    """One process has all tests of it, so it is installed once."""
    return pytest.mark.xdist_group(sdk)


SDKS = [
    pytest.param(INSTALLED, id=INSTALLED),
    *(
        pytest.param(sdk, id=sdk, marks=[outside(*needed), once(sdk)])
        for sdk, needed in {
            "posthog-python-5.4": [],
            "posthog-node": ["node", "npm"],
            "posthog-js": ["node", "npm", "chromium"],
        }.items()
    ),
]


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each SDK, in which it was installed when it was first asked for."""
    return {name: tmp_path_factory.mktemp(name.replace(".", "-")) / "app" for name in SESSIONS}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kill_at", ["", "before spool write", "after spool write"], ids=["quiet", "before", "after"]
)
@pytest.mark.parametrize("sdk", SDKS)
def test_every_event_of_an_sdk_arrives_in_its_right_shape(
    sdk: str, kill_at: str, apps: Mapping[str, Path], variance: LocalVariance, tmp_path: Path
) -> None:
    """The messages that its recorded session stands for; also where the runner was killed in between.

    Killed before the write, the SDK sends again what was lost; killed after it, what is there already.
    """
    runner = Runner(tmp_path, variance)
    # The browser's first request leaves with the page, as a beacon: that is not for any SDK to send again.
    times = 2 if sdk == "posthog-js" else 1
    session = SESSIONS[sdk]
    command = installed(session, apps[sdk])
    expected = Counter(map(shape, expected_messages(sdk)))
    with runner.start(kill_at=kill_at, times=times) as first, playing(command, apps[sdk], runner.url) as app:
        if kill_at:
            assert -signal.SIGKILL == first.wait(SESSION_SECONDS)
            with runner.start():
                finish(app, expected, variance)
        else:
            finish(app, expected, variance)

    assert expected == arrived(variance)


def finish(app: subprocess.Popen[str], expected: Counter[str], variance: LocalVariance) -> None:
    """Wait for the end of a session, and until as much has arrived."""
    _, complaints = app.communicate(timeout=SESSION_SECONDS)
    assert 0 == app.returncode, complaints
    wait_until(lambda: arrived(variance).total() >= expected.total())


def playing(command: list[str], app: Path, url: str) -> subprocess.Popen[str]:
    """Start an application that uses the SDK."""
    environment = {
        **os.environ,
        "POSTHOG_TOKEN": TOKEN,
        "POSTHOG_HOST": url,
        "PYTHONPATH": str(app / "sdk"),
        "CHROMIUM": shutil.which("chromium") or "",
    }
    return subprocess.Popen(
        command, cwd=app, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def installed(session: Any, app: Path) -> list[str]:
    """What runs a session; its SDK is installed beside it at the first time."""
    if not app.exists():
        app.mkdir(parents=True)
        shutil.copy(SCRIPTS / session.script, app)
        if session.recording != INSTALLED:
            install(session, app)
    return (
        [sys.executable, "-c", PATIENT, session.script]
        if session.script.endswith(".py")
        else ["node", session.script]
    )


def install(session: Any, app: Path) -> None:
    """Into the application's folder, and nowhere else."""
    if session.script.endswith(".py"):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(app / "sdk")]
    else:
        command = [
            "npm",
            "install",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
            str(app),
        ]
    subprocess.run([*command, *session.packages], check=True, timeout=SESSION_SECONDS)


def expected_messages(sdk: str) -> list[dict[str, Any]]:
    """Those that stand beside the recording of the same session."""
    lines = (ROOT / "tests" / "recordings" / f"{sdk}.expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [message for line in lines for message in json.loads(line)]


def arrived(variance: LocalVariance) -> Counter[str]:
    """The shapes of the messages that came, each message as it came first: a repeat has no news to tell."""
    messages: dict[str, dict[str, Any]] = {}
    for post in variance.posts:
        for raw in post.raw_messages:
            message = json.loads(bytes(raw))
            messages.setdefault(message["messageId"], message)
    return Counter(map(shape, messages.values()))


def shape(message: Mapping[str, Any]) -> str:
    """A message without what differs from one session to the next."""
    kept = {name: value for name, value in message.items() if name not in VARYING}
    return UUID.sub("<id>", json.dumps(kept, sort_keys=True, ensure_ascii=False))
