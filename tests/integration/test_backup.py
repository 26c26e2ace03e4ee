"""The backup of `docs/deploying.md`, made beside a runner that has the state."""

import re
import stat
import subprocess
import sys
from pathlib import Path

from tests.benches.program import SECONDS
from variance_plugin.clock import SystemClock
from variance_plugin.state import StateFile, StoredStorage

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")


def test_a_backup_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    """What is still in the log beside the file is in it, and a runner can go on with it."""
    [line] = re.findall(r"^    (python3 -c .*VACUUM INTO.*)$", PAGE, re.MULTILINE)
    clock = SystemClock()
    running = StateFile.open(tmp_path / "variance.db", clock)
    StoredStorage(running, "orders").set("seen", 4711)
    log_bytes = (tmp_path / "variance.db-wal").stat().st_size

    done = subprocess.run(  # as a person types it
        ["sh", "-c", f"umask 077\n{line.replace('python3', sys.executable)}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    running.close()

    assert (0, "", True) == (done.returncode, done.stderr, log_bytes > 0)
    assert 0o600 == stat.S_IMODE((tmp_path / "backup.db").stat().st_mode)
    restored = StateFile.open(tmp_path / "backup.db", clock)
    assert 4711 == StoredStorage(restored, "orders").get("seen")
    restored.close()
