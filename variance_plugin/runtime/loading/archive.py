"""A plugin in a zip file, such as GitHub gives of a repository. It is read where it is: nothing is unpacked.

Python imports out of the archive itself, so it needs no temporary folder that somebody has to remove, and
works where nothing can be written. A plugin's own code runs with all the rights of the runner, and no check
here changes that; what is refused is an archive that is damaged, or was made to do harm when it is unpacked.
"""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ...errors import UsageError

MANIFEST = "plugin.json"

# A hundred times the largest plugin of PostHog's own.
_MOST_BYTES = 50_000_000
_MOST_FILES = 10_000
_ENCRYPTED = 0x1
# What Python's import reads.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A zip file that was looked through."""

    root: str
    """Where Python finds its modules: the file, and the folder within that holds the manifest."""
    manifest: bytes
    """The text of its plugin.json."""


def open_archive(path: Path) -> Archive:
    """Look through a zip file; the plugin is at its top, or in the one folder there, as in GitHub's archives.

    Raises:
        UsageError: When it cannot be read, holds no plugin, or should not be touched.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            faults = list(_faults(archive))
            if faults:
                told = "; ".join(faults[:_FAULTS_SHOWN]) + ("; …" if len(faults) > _FAULTS_SHOWN else "")
                raise UsageError(f"{path} is not a plugin's zip file: {told}")
            damaged = archive.testzip()
            if damaged is not None:
                raise UsageError(f"{path} is damaged at {damaged}")
            folder = _folder(archive, path)
            root = path.resolve() / folder if folder else path.resolve()
            return Archive(root=str(root), manifest=archive.read(f"{folder}/{MANIFEST}".lstrip("/")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise UsageError(f"{path} is not a zip file: {error}") from error


def _folder(archive: zipfile.ZipFile, path: Path) -> str:
    """The one that holds the plugin; empty for the top."""
    names = archive.namelist()
    if MANIFEST in names:
        return ""
    found = sorted({name.partition("/")[0] for name in names if name.partition("/")[2] == MANIFEST})
    if not found:
        raise UsageError(f"{path} has no {MANIFEST}, neither at its top nor in a folder there")
    if len(found) > 1:
        raise UsageError(f"{path} has several plugins: {', '.join(found)}; make a zip file of each")
    return found[0]


def _faults(archive: zipfile.ZipFile) -> Iterator[str]:
    entries = archive.infolist()
    if len(entries) > _MOST_FILES:
        yield f"it has {len(entries):,} files, and {_MOST_FILES:,} is the most"
        return
    size_bytes = sum(entry.file_size for entry in entries)
    if size_bytes > _MOST_BYTES:
        yield f"unpacked it would be {size_bytes:,} bytes, and {_MOST_BYTES:,} is the most"
    for entry in entries:
        name = entry.orig_filename
        windows = PureWindowsPath(name)
        if PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
            yield f"{name!r} leads out of it"
        elif stat.S_ISLNK(entry.external_attr >> 16):
            yield f"{name!r} is a link"
        elif entry.flag_bits & _ENCRYPTED:
            yield f"{name!r} is encrypted"
        elif entry.compress_type not in _COMPRESSIONS:
            yield f"{name!r} is compressed in a way that Python cannot import; take ordinary deflate"
