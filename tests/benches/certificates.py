"""Certificates, made by openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="makes its certificates with openssl"
)


@dataclass(frozen=True)
class Pair:
    """A certificate that vouches for itself, and its key."""

    certificate: Path
    key: Path


def openssl(*arguments: str) -> None:
    """Run it."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    assert 0 == done.returncode, done.stderr.decode()


def make_pair(folder: Path, name: str, host: str = "IP:127.0.0.1") -> Pair:
    """One for a host."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    new_key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(pair.key)]
    about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={host}", "-days", "2"]
    openssl("req", "-x509", *new_key, *about, "-out", str(pair.certificate))
    return pair
