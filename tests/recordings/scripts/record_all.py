"""Record the SDKs anew: `python -m tests.recordings.scripts.record_all [name …]`.

Needs node, npm and Chromium (`CHROMIUM` names it when it is not on the path), and package registries.
Everything that is installed goes into a temporary folder; only the recordings are written.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from variance_plugin.sources.recorder import record

TOKEN = "phc_demoAcmeBoards00000000000000000000000000"
SCRIPTS = Path(__file__).resolve().parent
RECORDINGS = SCRIPTS.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One recording: what is installed and what is run."""

    recording: str
    script: str
    packages: tuple[str, ...]


# In this order, so that Kim is first seen as a visitor of the page.
SESSIONS = (
    Session(
        recording="posthog-js",
        script="acme_browser.mjs",
        packages=("posthog-js@1.449.2", "playwright-core@1.65.1"),
    ),
    Session(recording="posthog-python", script="acme_python.py", packages=("posthog==7.91.1",)),
    Session(recording="posthog-node", script="acme_node.mjs", packages=("posthog-node@5.70.0",)),
    Session(recording="posthog-python-5.4", script="acme_python_5.py", packages=("posthog==5.4.0",)),
)


def main() -> None:
    """Record every SDK, or those named on the command line."""
    wanted = set(sys.argv[1:]) or {session.recording for session in SESSIONS}
    for session in SESSIONS:
        if session.recording in wanted:
            lines = record_session(session)
            (RECORDINGS / f"{session.recording}.jsonl").write_bytes(lines)
            print(f"{session.recording}: {len(lines.splitlines())} requests")


def record_session(session: Session) -> bytes:
    """Install the SDK, run its script against a recorder, give back the scrubbed lines."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder).resolve() / "app"
        app.mkdir()
        shutil.copy(SCRIPTS / session.script, app)
        command = _install(session, app)
        lines = BytesIO()
        with record(lines, refused=_report_refusal) as recorder:
            environment = {
                **os.environ,
                "POSTHOG_TOKEN": TOKEN,
                "POSTHOG_HOST": recorder.url,
                "PYTHONPATH": str(app / "sdk"),
                "CHROMIUM": os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium",
            }
            subprocess.run([*command, session.script], cwd=app, env=environment, check=True)
        return scrub(lines.getvalue(), app)


def _install(session: Session, app: Path) -> list[str]:
    """Install the session's packages beside its script; gives back what runs the script."""
    if session.script.endswith(".py"):
        target = ["--target", str(app / "sdk")]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", *target, *session.packages], check=True
        )
        return [sys.executable]
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--silent", "--prefix", str(app)]
    subprocess.run(["npm", "install", *options, *session.packages], check=True)
    return ["node"]


def _report_refusal(reason: str) -> None:
    print(f"refused, and so missing from the recording: {reason}", file=sys.stderr)


def scrub(lines: bytes, app: Path) -> bytes:
    """The lines without what they say about the computer: folders."""
    neutral = {str(app): "/app", sysconfig.get_paths()["stdlib"]: "/usr/lib/python3"}
    for path, stand_in in neutral.items():
        lines = lines.replace(path.encode(), stand_in.encode())
    return lines


if __name__ == "__main__":
    main()
