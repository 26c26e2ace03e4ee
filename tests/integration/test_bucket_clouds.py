"""Buckets of the other clouds by their own protocols, and how one gets at a bucket at all."""

import base64
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.sources import Record
from variance_plugin.sources.bucket import Access, Bucket, open_store
from variance_plugin.testing import FakeClock, InMemoryPositions

if TYPE_CHECKING:
    from tests.conftest import S3Bucket

LINES = [b'{"event":"order paid","total":%d}' % number for number in range(20)]
BODY = b"\n".join(LINES)
KEY = "posthog/2026-11-21T10:00:00+00:00-2026-11-21T11:00:00+00:00.jsonl"
GOOGLE = f"""<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents>
<Key>{KEY}</Key><LastModified>2026-11-21T11:01:00.000Z</LastModified><ETag>"g"</ETag><Size>{len(BODY)}</Size>
</Contents></ListBucketResult>"""
AZURE = f"""<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>{KEY}</Name><Properties>
<Last-Modified>Sat, 21 Nov 2026 11:01:00 GMT</Last-Modified><Etag>0x8CBFF45D8A29A19</Etag>
<Content-Length>{len(BODY)}</Content-Length><Content-Type>text/plain</Content-Type></Properties></Blob></Blobs>
<NextMarker/></EnumerationResults>"""


class Cloud(BaseHTTPRequestHandler):
    """A store that holds one object: as each cloud's documentation has its answers."""

    asked: list[str]
    matched: list[str | None]
    listing: str

    def do_GET(self) -> None:
        """List, or give what is asked for."""
        address = urlsplit(self.path)
        self.asked.append(unquote(address.path))
        if "list" in address.query:
            self._give(200, self.listing.encode())
        else:
            self.matched.append(self.headers.get("If-Match"))
            wanted = self.headers.get("Range") or self.headers.get("x-ms-range") or ""
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            self._give(206, BODY[first : last + 1], f"bytes {first}-{first + last}/{len(BODY)}")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _give(self, status: int, body: bytes, part: str = "") -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 11:01:00 GMT")
        if part:
            self.send_header("Content-Range", part)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


Serve = Callable[[str], tuple[str, list[str], list[str | None]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a store with that listing; gives its address, and what it is asked for in which version."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(listing: str) -> tuple[str, list[str], list[str | None]]:
        asked: list[str] = []
        matched: list[str | None] = []
        handler = type("Handler", (Cloud,), {"asked": asked, "matched": matched, "listing": listing})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", asked, matched

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def bodies(url: str, access: Access) -> list[bytes]:
    """Of all that is there."""
    source = Bucket(open_store(url, access), positions=InMemoryPositions(), clock=FakeClock()).open()
    return [record.body for record in source.records() if isinstance(record, Record)]


def test_google_cloud_storage_is_read_by_its_own_protocol(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here without credentials; else they come from where Google's tools take them."""
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    endpoint, asked, matched = serve(GOOGLE)

    assert LINES == bodies("gs://exports/posthog", Access(endpoint=endpoint))
    assert (["/exports", f"/exports/{KEY}"], ['"g"']) == (asked, matched)


def test_azure_blob_storage_is_read_by_its_own_protocol(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With account and key from the environment."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "demo")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"demo-key").decode())
    endpoint, asked, matched = serve(AZURE)

    assert LINES == bodies("az://exports/posthog", Access(endpoint=endpoint))
    assert (["/exports", f"/exports/{KEY}"], ['"0x8CBFF45D8A29A19"']) == (asked, matched)


def test_azure_without_an_account_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has none by default."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UsageError) as raised:
        open_store("az://exports", Access())

    assert str(raised.value) == (
        "az://exports/: the credentials cannot be used: set AZURE_STORAGE_ACCOUNT_NAME with "
        "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, or give this machine an identity"
    )


def test_a_profile_of_aws_tools_opens_a_bucket(
    s3: "S3Bucket", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As AWS' own package reads it, by the setting or by AWS_PROFILE."""
    s3.put("a.jsonl", BODY)
    (tmp_path / "credentials").write_text(
        "[exports]\naws_access_key_id = demo-key-id\naws_secret_access_key = demo\nregion = us-east-1\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    assert LINES == bodies(s3.url, Access(endpoint=s3.endpoint, profile="exports"))
    monkeypatch.setenv("AWS_PROFILE", "exports")
    assert LINES == bodies(s3.url, Access(endpoint=s3.endpoint))


def test_a_profile_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything is asked."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    with pytest.raises(UsageError, match=r"the profile other of AWS cannot be used: .*\(other\)"):
        open_store("s3://exports", Access(profile="other"))


@pytest.mark.parametrize(
    ("module", "url", "words"),
    [
        ("obstore", "s3://exports", "s3:// needs packages that are not installed: pip install "),
        ("pyarrow.parquet", "", "Parquet needs packages that are not installed: pip install "),
    ],
    ids=["obstore", "pyarrow"],
)
def test_a_package_that_is_missing_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, url: str, words: str
) -> None:
    """When it is needed, and not before: a folder of JSON lines needs none."""
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.jsonl").write_bytes(BODY)
    assert LINES == bodies(str(tmp_path), Access())
    (tmp_path / "b.parquet").write_bytes(b"PAR1")

    with pytest.raises(UsageError) as raised:
        bodies(url or str(tmp_path), Access())

    assert f"{words}'posthog-variance-plugin[bucket]'" == str(raised.value)
