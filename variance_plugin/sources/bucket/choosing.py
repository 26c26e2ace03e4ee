"""Which objects are to be read, in which order, and what is to be said of the others."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypeAlias

from ...plurals import many
from .done import At, Done, Standing
from .names import Kind, Name, Window, in_order, read_name
from .store import Object

_NAMES_IN_A_NOTICE = 3

Export: TypeAlias = tuple[str, Window | None]
"""What the files of one split export have in common: their folder and their window."""
ManifestOf: TypeAlias = Callable[[Object], Collection[str]]
"""The names of the files that a manifest lists, without their folders; none, when it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """Which of the objects are meant.

    Attributes:
        match: A pattern that the key has to match; `*` stands for any text, `/` in it too. Empty: any key.
        start: Windows that end by then are left out.
        end: Windows that start then or later are.
    """

    match: str = ""
    start: datetime | None = None
    end: datetime | None = None

    def matches(self, key: str) -> bool:
        """Whether the pattern takes it."""
        return not self.match or fnmatchcase(key, self.match)

    def is_within(self, window: Window | None) -> bool:
        """Whether the range of time takes it."""
        if self.start is None and self.end is None:
            return True
        if window is None:
            return False
        return (self.start is None or window.end > self.start) and (
            self.end is None or window.start < self.end
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One object to read.

    Attributes:
        found: Which.
        name: What its name says.
        at: Where to go on with it; None is its beginning.
        seek_bytes: So much of it need not be fetched for that.
        missing: Why there is no such object, although there should be one.
    """

    found: Object
    name: Name
    at: At | None = None
    seek_bytes: int = 0
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a look at a bucket came to.

    Attributes:
        starts: What is to be read, in order.
        notices: What a person should know of the others, each in a sentence.
        left_out: What is never read, likewise; it need not be said at every look.
    """

    starts: list[Start] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Chooses among what was listed.

    Attributes:
        root: See `Store`.
        prefix: See `Store`; the pattern is for what stands behind it.
        narrowing: Which objects are meant.
        done: Those that are done with.
        manifest_of: Reads a manifest.
        manifest_wait_seconds: So long after its last file an export waits for what belongs to it.
        set_aside: Objects that could not be read, with their versions, and are not tried again for now.
    """

    root: str
    prefix: str
    narrowing: Narrowing
    done: Done
    manifest_of: ManifestOf
    manifest_wait_seconds: float
    set_aside: Collection[tuple[str, str]] = ()

    def choose(self, listed: Iterable[Object], now: datetime) -> Choice:
        """What of it is to be read at this time."""
        choice = Choice()
        exports: defaultdict[Export, _Export] = defaultdict(_Export)
        left_out: defaultdict[str, list[str]] = defaultdict(list)
        is_empty = True
        for found in listed:
            is_empty = False
            name = read_name(found.name)
            if name is None:
                left_out["no name of a file of events"].append(found.key)
                continue
            split = exports[found.folder, name.window] if _is_of_several(name) else None
            if split is not None:
                split.add(found, name)
            if self._is_meant(found, name, left_out):
                start = self._start(found, name, choice)
                if start is not None:
                    (choice.starts if split is None else split.starts).append(start)
        for (folder, _), export in exports.items():
            if export.starts:
                choice.starts.extend(self._whole(folder, export, now, choice))
        choice.starts.sort(key=lambda start: (start.at is None, in_order(start.found.key, start.name)))
        if is_empty:
            choice.notices.append(f"{self.root}{self.prefix}: there is nothing here yet")
        choice.left_out.extend(self._told(keys, reason) for reason, keys in left_out.items())
        return choice

    def _is_meant(self, found: Object, name: Name, left_out: Mapping[str, list[str]]) -> bool:
        if name.kind is Kind.MANIFEST or not self.narrowing.matches(found.key[len(self.prefix) :]):
            return False
        is_within = self.narrowing.is_within(name.window)
        if not is_within and name.window is None:
            left_out["no telling of which time it is"].append(found.key)
        return is_within

    def _start(self, found: Object, name: Name, choice: Choice) -> Start | None:
        standing = self.done.standing(found.key, name, found.version)
        if standing is Standing.DONE or (found.key, found.version) in self.set_aside:
            return None
        at = self.done.at if self.done.at and self.done.at.name == self.root + found.key else None
        is_changed = standing is Standing.CHANGED
        if at is not None and at.version != found.version:
            at, is_changed = None, True
        if is_changed:
            choice.notices.append(
                f"{self.root}{found.key}: it was written anew since it was read, at "
                f"{found.modified:%Y-%m-%d %H:%M:%S} UTC; read from its beginning"
            )
        return Start(found=found, name=name, at=at)

    def _whole(self, folder: str, export: "_Export", now: datetime, choice: Choice) -> Iterator[Start]:
        """The files of a split export once it is whole, or nothing comes of waiting for that any more."""
        kind = export.starts[0].name
        of = f"{self.root}{folder}: the export {export.starts[0].found.name}"
        is_late = now - export.modified >= timedelta(seconds=self.manifest_wait_seconds)
        if export.manifest is None:
            if is_late:
                choice.notices.append(f"{of} and on: no manifest came; its files are read as they are")
                yield from export.starts
            else:
                choice.notices.append(f"{of} and on: its manifest is not there yet; it is waited for")
            return
        named = self.manifest_of(export.manifest)
        missing = [
            name
            for name in named
            if name not in export.files
            and self.narrowing.matches((folder + name)[len(self.prefix) :])
            and self.done.standing(folder + name, read_name(name) or kind, "") is Standing.NEW
        ]
        if (missing or not named) and not is_late:
            are_not = f"{len(missing)} of {many(len(named), 'file')} not there yet"
            lacking = are_not if named else "cannot be read"
            choice.notices.append(f"{of} and on: by its manifest, {lacking}; they are waited for")
            return
        for start in export.starts:
            if start.found.name in named or not named:
                yield start
            else:
                choice.notices.append(
                    f"{self.root}{start.found.key}: left out, since it is not in the manifest of its export: "
                    "an attempt of PostHog's left it that failed"
                )
        for name in missing:
            lost = Object(folder + name, 0, export.manifest.modified, "missing")
            reason = "the manifest of its export names it, and it is not there"
            yield Start(found=lost, name=read_name(name) or kind, missing=reason)

    def _told(self, keys: Sequence[str], reason: str) -> str:
        more = len(keys) - _NAMES_IN_A_NOTICE
        names = ", ".join(keys[:_NAMES_IN_A_NOTICE]) + (f" and {more:,} more" if more > 0 else "")
        return f"{self.root}: left out, {reason}: {names}"


def _is_of_several(name: Name) -> bool:
    """Whether it is a file of a split export, or the manifest of one."""
    return name.part is not None or name.kind is Kind.MANIFEST


@dataclass(slots=True)
class _Export:
    """A split export as far as it was seen."""

    manifest: Object | None = None
    files: dict[str, datetime] = field(default_factory=dict)
    """All of its files, read or not: when each was written, by name."""
    starts: list[Start] = field(default_factory=list)

    def add(self, found: Object, name: Name) -> None:
        """One more object of it was seen."""
        if name.kind is Kind.MANIFEST:
            self.manifest = found
        else:
            self.files[found.name] = found.modified

    @property
    def modified(self) -> datetime:
        """When the last of it was written."""
        of_manifest = [] if self.manifest is None else [self.manifest.modified]
        return max([*self.files.values(), *of_manifest])
