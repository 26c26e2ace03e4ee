"""The file of kept messages holds whole messages only."""

import resource
from pathlib import Path

import msgspec
import pytest

from variance_plugin.receiver.keep import Keep
from variance_plugin.receiver.refusal import Refusal, Refused


def test_what_fits_in_part_only_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the space ends in the middle of a post, the post is refused and the file is as before."""
    path = tmp_path / "kept.jsonl"
    keep = Keep(path)
    keep.append([msgspec.Raw(b'{"n":1}')])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, limits[1]))
    try:
        with pytest.raises(Refused) as caught:
            keep.append([msgspec.Raw(b'{"n":2}')])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    keep.append([msgspec.Raw(b'{"n":3}')])
    keep.close()

    assert caught.value.refusal is Refusal.KEEPING
    assert path.read_bytes() == b'{"n":1}\n{"n":3}\n'


def test_a_file_that_is_there_is_continued(tmp_path: Path) -> None:
    """A restart forgets no message of the run before."""
    path = tmp_path / "kept.jsonl"
    for line in (b"1", b"2"):
        keep = Keep(path)
        keep.append([msgspec.Raw(line)])
        keep.close()

    assert path.read_bytes() == b"1\n2\n"
