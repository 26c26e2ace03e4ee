"""Values from the environment: the names of variables, the files they name, and slips of the pen."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from .errors import Fault

PREFIX = "VARIANCE_"
"""Of the variables of `VariancePlugin`'s parameters."""
FILE = "_FILE"
"""What a variable's name ends in when it names a file that holds the value."""
# High enough for what others put there, such as the VARIANCE_SERVICE_HOST of a Kubernetes service.
_LIKENESS = 0.7


class Variable(NamedTuple):
    """A value that the environment gives.

    Attributes:
        key: Of the setting.
        name: Of the variable.
        text: The value, or what the file holds.
    """

    key: str
    name: str
    text: str


def variable(key: str) -> str:
    """The environment's name for a parameter of `VariancePlugin`: `sendIp` is `VARIANCE_SEND_IP`."""
    return PREFIX + in_capitals(key)


def in_capitals(key: str) -> str:
    """`sendIp`, `send-ip` and `send_ip` as a part of a variable's name: `SEND_IP`."""
    return re.sub(r"[^A-Za-z0-9]", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)).upper()


def look_up(
    environment: Mapping[str, str],
    keys: Mapping[str, str],
    *,
    prefix: str,
    is_ours: Callable[[str], bool] = lambda _name: False,
) -> tuple[list[Variable], list[Fault]]:
    """What the environment gives, in the order of the variables' names, and what is wrong with it.

    Args:
        environment: Variables by name; an empty one counts as not set.
        keys: The setting for each variable that means one.
        prefix: Of all their names. Others may use it too; what is almost a setting is a fault.
        is_ours: Whether nobody else would use that name, so that it is a fault even if it is like none.
    """
    given = {name: value for name, value in environment.items() if name.startswith(prefix) and value}
    found, faults = [], []
    for name, value in sorted(given.items()):
        plain = name if name in keys else name.removesuffix(FILE)
        if plain not in keys:
            near = _nearest(name, keys, prefix)
            if near or is_ours(name):
                faults.append(Fault(key=name, problem=f"no setting has this variable{near}"))
        elif plain == name:
            found.append(Variable(keys[name], name, value))
        elif plain in given:
            problem = f"both {plain} and {name} are set; keep one of them"
            faults.append(Fault(key=keys[plain], problem=problem))
        else:
            try:
                found.append(Variable(keys[plain], name, content(Path(value))))
            except ValueError as error:
                faults.append(Fault(key=keys[plain], problem=f"{error} (from {name})"))
    return found, faults


def content(file: Path) -> str:
    """The text of a file that holds one value; the line end after it is not part of it.

    Raises:
        ValueError: When it cannot be read, in the user's words.
    """
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is not UTF-8") from error


def is_unicode(text: str) -> bool:
    """Bytes of a command line or environment that are no UTF-8 reach Python as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nearest(name: str, keys: Mapping[str, str], prefix: str) -> str:
    plain = name.removesuffix(FILE)
    file = "" if name == plain else FILE
    ends = [known.removeprefix(prefix) for known in keys]
    near = get_close_matches(plain.removeprefix(prefix).upper(), ends, n=1, cutoff=_LIKENESS)
    return f"; did you mean {prefix}{near[0]}{file}?" if near else ""
