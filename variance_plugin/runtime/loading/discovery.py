"""Where plugins are, and what their manifests say. Nothing of a plugin is imported here."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from ...errors import UsageError
from ...manifest import Manifest, load_manifest, nearest
from .archive import MANIFEST, open_archive

GROUP = "posthog.plugins"
"""Of the entry points by which installed packages offer plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlugin:
    """A plugin that could be run."""

    name: str
    """Of its entry point, its folder or its zip file."""
    manifest: Manifest
    origin: str
    """Where it is, in words."""
    main: str
    """What holds its hooks: `package.module:Class`, `package.module`, or a file among its own."""
    root: str | None = None
    """Its folder, or the place within its zip file; None for an installed package."""
    version: str = ""
    """Of the installed package; others have none."""


def is_path(origin: str) -> bool:
    """Whether it means a folder or a zip file, and not an entry point."""
    return "/" in origin or "\\" in origin or origin.startswith(".") or origin.endswith(".zip")


def installed() -> dict[str, list[EntryPoint]]:
    """The entry points by name; one that several packages have stands with each of them."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        same = found.setdefault(entry.name, [])
        # A package may be found twice, in a checkout and where it was installed from it.
        if (entry.value, _package(entry)) not in [(other.value, _package(other)) for other in same]:
            same.append(entry)
    return found


def find_plugin(origin: str | Path) -> FoundPlugin:
    """A plugin by the name of its entry point, by its folder (or the plugin.json in it), or its zip file.

    Raises:
        UsageError: When there is none, or its manifest cannot be used.
    """
    if isinstance(origin, str) and not is_path(origin):
        return _installed_plugin(origin)
    path = Path(origin)
    if path.name == MANIFEST:
        path = path.parent
    if path.is_dir():
        return _plugin_in_folder(path)
    if not path.exists():
        raise UsageError(f"there is no folder or zip file {path}")
    archive = open_archive(path)
    manifest = load_manifest(archive.manifest, where=f"{MANIFEST} in {path}")
    return FoundPlugin(
        name=path.stem, manifest=manifest, origin=str(path), main=manifest.main, root=archive.root
    )


def _plugin_in_folder(folder: Path) -> FoundPlugin:
    path = folder / MANIFEST
    if not path.exists():
        raise UsageError(f"the folder {folder} has no {MANIFEST}, and so it is no plugin")
    manifest = _manifest_at(path)
    absolute = folder.resolve()
    return FoundPlugin(
        name=absolute.name, manifest=manifest, origin=str(folder), main=manifest.main, root=str(absolute)
    )


def _installed_plugin(name: str) -> FoundPlugin:
    known = installed()
    entries = known.get(name, [])
    if not entries:
        there = ", ".join(known) or "none"
        meant = (
            f"; for the folder of that name write ./{name}" if Path(name).exists() else nearest(name, known)
        )
        raise UsageError(f"no installed package has a plugin {name!r}; there are: {there}{meant}")
    if len(entries) > 1:
        packages = " and ".join(map(_package, entries))
        raise UsageError(f"{packages} both have a plugin {name!r}; uninstall one of them")
    [entry] = entries
    path = next((path for path in _manifests(entry) if path.is_file()), None)
    if path is None:
        raise UsageError(
            f"the package {_package(entry)} has the plugin {name!r}, but no {MANIFEST} beside its code; "
            "its author has to put it into the package"
        )
    return FoundPlugin(
        name=name,
        manifest=_manifest_at(path),
        origin=_package(entry),
        main=entry.value,
        version=entry.dist.version if entry.dist is not None else "",
    )


def _manifests(entry: EntryPoint) -> Iterator[Path]:
    """Where an installed plugin's manifest may be: beside its module, further up, atop a checkout."""
    steps = entry.module.split(".")
    try:
        # Of a package at the top this only asks where it is.
        spec = find_spec(steps[0])
    except (ImportError, ValueError):
        return
    folders = [Path(place) for place in (spec.submodule_search_locations if spec else None) or ()]
    for depth in range(len(steps), 0, -1):
        for folder in folders:
            yield folder.joinpath(*steps[1:depth], MANIFEST)
    place_of_packages = Path(str(entry.dist.locate_file(""))) if entry.dist is not None else None
    for folder in folders:
        if folder.parent != place_of_packages:
            yield folder.parent / MANIFEST


def _manifest_at(path: Path) -> Manifest:
    try:
        return load_manifest(path.read_bytes(), where=str(path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
