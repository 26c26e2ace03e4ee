"""Zip files that are damaged, hold no plugin, or were made to do harm."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from variance_plugin.errors import UsageError
from variance_plugin.runtime.loading import archive as module
from variance_plugin.runtime.loading.archive import open_archive

MANIFEST = json.dumps({"name": "Demo"})


def written(path: Path, write: Callable[[zipfile.ZipFile], object]) -> Path:
    """A zip file with a plugin at its top, and with more."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plugin.json", MANIFEST)
        write(archive)
    return path


def link(archive: zipfile.ZipFile) -> None:
    """A symbolic link to a file of the system."""
    entry = zipfile.ZipInfo("passwords")
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "/etc/passwd")


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda archive: archive.writestr("../main.py", ""), r"'\.\./main\.py' leads out of it"),
        (lambda archive: archive.writestr("a/../../main.py", ""), "leads out of it"),
        (lambda archive: archive.writestr("/etc/main.py", ""), "'/etc/main.py' leads out of it"),
        (lambda archive: archive.writestr("..\\main.py", ""), "leads out of it"),
        (lambda archive: archive.writestr("C:\\main.py", ""), "leads out of it"),
        (lambda archive: archive.writestr("C:main.py", ""), "leads out of it"),
        (link, "'passwords' is a link"),
        (
            lambda archive: archive.writestr("main.py", "", zipfile.ZIP_BZIP2),
            "'main.py' is compressed in a way that Python cannot import",
        ),
        (
            lambda archive: archive.writestr("zeros", bytes(60_000_000)),
            "unpacked it would be 60,000,016 bytes, and 50,000,000 is the most",
        ),
    ],
    ids=["up", "up later", "absolute", "backslash", "drive", "drive alone", "link", "bzip2", "bomb"],
)
def test_what_was_made_to_do_harm_is_refused(
    tmp_path: Path, write: Callable[[zipfile.ZipFile], object], problem: str
) -> None:
    """Names that lead elsewhere, links, and bombs."""
    with pytest.raises(UsageError, match=problem):
        open_archive(written(tmp_path / "demo.zip", write))


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """The sizes in the directory are what it says; what is behind them is looked at, too."""
    path = written(tmp_path / "demo.zip", lambda archive: archive.writestr("zeros", bytes(100_000)))
    text = path.read_bytes()
    honest, lie = struct.pack("<I", 100_000), struct.pack("<I", 10)
    assert 2 == text.count(honest)
    path.write_bytes(text.replace(honest, lie))

    with pytest.raises(UsageError, match=r"demo\.zip is (damaged|not a zip file)"):
        open_archive(path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin has so many."""
    monkeypatch.setattr(module, "_MOST_FILES", 1)

    with pytest.raises(UsageError, match="it has 2 files, and 1 is the most"):
        open_archive(written(tmp_path / "demo.zip", lambda archive: archive.writestr("a", "")))


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    """Python could not import it."""
    path = written(tmp_path / "demo.zip", lambda archive: archive.writestr("main.py", "pass"))
    text = bytearray(path.read_bytes())
    text[text.rindex(b"PK\x01\x02") + 8] |= 1  # the flags of the last entry in the directory
    path.write_bytes(text)

    with pytest.raises(UsageError, match=r"'main\.py' is encrypted"):
        open_archive(path)


@pytest.mark.parametrize(
    "spoil",
    [lambda _: b"", lambda _: b"no zip", lambda text: text[:60], lambda text: text.replace(b"Demo", b"Dome")],
    ids=["empty", "no zip", "cut", "changed"],
)
def test_a_damaged_file_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """And never half used."""
    path = tmp_path / "demo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("plugin.json", MANIFEST)
    path.write_bytes(spoil(path.read_bytes()))

    with pytest.raises(UsageError, match=r"demo\.zip is (not a zip file|damaged)"):
        open_archive(path)


def test_the_plugin_is_at_the_top_or_in_the_one_folder_there(tmp_path: Path) -> None:
    """As in the archives of GitHub; what macOS adds does no harm; two plugins are one too many."""
    path = tmp_path / "demo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo-1a2b3c/plugin.json", MANIFEST)
        archive.writestr("__MACOSX/demo-1a2b3c/._plugin.json", "")
        archive.writestr("demo-1a2b3c/examples/other/plugin.json", "{}")

    assert f"{path}/demo-1a2b3c" == open_archive(path).root

    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/plugin.json", MANIFEST)
    with pytest.raises(UsageError, match="has several plugins: demo-1a2b3c, other"):
        open_archive(path)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/b/plugin.json", MANIFEST)
    with pytest.raises(UsageError, match=r"has no plugin\.json, neither at its top nor in a folder there"):
        open_archive(path)
