"""Lays out a new plugin from `template/`, whose files are named as in the plugin, and end in `.txt`."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from ..errors import UsageError

_SUFFIX = ".txt"
# A name that begins with a dot would be left out of too many things on its way here.
_RENAMED = {"gitignore": ".gitignore"}


def lay_out(folder: Path, name: str | None) -> None:
    """Write the files of a new plugin.

    Args:
        folder: Made if it is not there.
        name: Of the plugin; as the folder, if it is None.

    Raises:
        UsageError: When the folder has something in it, or cannot be written.
    """
    words = _words(name or folder.resolve().name)
    if not words:
        raise UsageError("a plugin's name needs a letter or a digit; give one by --name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"the folder {folder} is not empty; a new plugin needs one of its own")
        written = _write(folder, _substitutes(name or " ".join(words).capitalize(), words, folder))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    for path in written:
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(
        f"\nIts tests pass: pytest {folder}\nThen tell runner.toml of it: see README.md there.\n"
    )


def _write(folder: Path, substitutes: dict[str, str]) -> Iterator[Path]:
    for place, text in sorted(_templates(files(__package__) / "template", Path())):
        path = folder / place.with_name(_RENAMED.get(place.name, place.name))
        path.parent.mkdir(exist_ok=True)
        path.write_text(Template(text).substitute(substitutes), encoding="utf-8")
        yield path


def _templates(folder: Traversable, place: Path) -> Iterator[tuple[Path, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, place / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield place / entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")


def _substitutes(name: str, words: list[str], folder: Path) -> dict[str, str]:
    slug = "_".join(words).lower()
    package = slug if slug.endswith("plugin") else f"{slug}_plugin"
    package = package if package[0].isalpha() else f"plugin_{package}"
    class_name = "".join(word[0].upper() + word[1:] for word in words)
    plain = " ".join(name.split()).replace('"""', "'''").replace("\\", "/")
    return {
        "name": plain,
        "name_json": json.dumps(plain, ensure_ascii=False),
        "class_name": class_name if class_name[0].isalpha() else f"Plugin{class_name}",
        "entry": slug.replace("_", "-"),
        "package": package,
        "distribution": f"posthog-{package.replace('_', '-')}",
        "folder": folder.as_posix() if "/" in folder.as_posix() else f"./{folder.as_posix()}",
    }


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]+", name)
