"""A server that speaks S3's protocol, in a process of its own until its standard input ends."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import requests
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

_ROOT = Path(__file__).parents[2]
_SECONDS = 60
_BUCKET = "exports"


@contextlib.contextmanager
def bucket() -> Iterator[tuple[Any, list[str]]]:
    """An empty one, to write to, and the settings that read it; its credentials go into the environment."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "NO_PROXY": "127.0.0.1"}
    with Popen(
        [sys.executable, "-m", "benchmarks.sources.s3_server"], stdin=PIPE, stdout=PIPE, text=True, cwd=_ROOT
    ) as process:
        try:
            endpoint = next(iter(process.stdout or ())).strip()
            requests.put(f"{endpoint}/{_BUCKET}", timeout=_SECONDS).raise_for_status()
            store = S3Store(_BUCKET, endpoint=endpoint, client_options={"allow_http": True})
            yield store, ["type=bucket", f"url=s3://{_BUCKET}", f"endpoint={endpoint}"]
        finally:
            process.kill()


def main() -> None:
    """Say the address, and serve."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
