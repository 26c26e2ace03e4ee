"""A local Variance from its first word to its summary."""

import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..receiver import Answer, Connection, Credentials, LocalVariance, Matching, Way, WireFault
from ..receiver.connections_file import read_connections
from .receipt import receipt
from .stopping import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the first posts get in place of the usual answer."""

    status: int | None
    fault: str | None
    """One of `WireFault`."""
    delay_seconds: float
    times: int | None
    """None: all of them."""

    def enact(self, variance: LocalVariance) -> None:
        """Ask for it."""
        if self.status is not None or self.fault is not None or self.delay_seconds:
            fault = None if self.fault is None else WireFault(self.fault)
            answer = Answer(status=self.status or 200, fault=fault, delay_seconds=self.delay_seconds)
            variance.disturb(answer, self.times)


def connections(
    path: Path | None, *, auth_header: str | None, shared_secret: str | None, accounts: str, traits: str
) -> list[Connection]:
    """Those of the file, or the one that the options describe.

    Args:
        path: The file.
        auth_header: What `Authorization` has to be.
        shared_secret: The secret of `X-Signature`.
        accounts: How accounts are found: one of `Way`.
        traits: The paths of an account's id and name, with a comma between them.

    Raises:
        UsageError: both, or what cannot be.
    """
    id_trait, comma, name_trait = (part.strip() for part in traits.partition(","))
    if not (id_trait and comma and name_trait):
        raise UsageError(f"--account-traits {traits}: give two paths, such as company.id,company.name")
    if path is None:
        return [
            Connection(
                credentials=Credentials(authorization=auth_header, secret=shared_secret),
                matching=Matching(way=Way(accounts), id_trait=id_trait, name_trait=name_trait),
            )
        ]
    if auth_header is not None or shared_secret is not None:
        raise UsageError("--connections has its own credentials; leave out --auth-header and --shared-secret")
    return read_connections(path)


def receive(  # noqa: PLR0913 -- one for each matter
    *,
    host: str,
    port: int,
    connections: list[Connection],
    state: Path | None,
    keep: Path | None,
    fault: Fault,
    show: bool,
) -> None:
    """Listen until SIGINT or SIGTERM, then say what came.

    Raises:
        UsageError: The address cannot be listened on, or a file not be used.
    """
    variance = LocalVariance(
        host=host, port=port, connections=connections, state=state, keep=keep, keep_posts=False
    )
    fault.enact(variance)
    with Signals() as signals, variance:
        for connection in connections:
            print(f"A local Variance listens on {variance.url_of(connection.name)}", flush=True)  # noqa: T201
        if host in {"", "0.0.0.0", "::"}:  # noqa: S104 -- only compared
            print("So does every address of this machine; the page is for this machine alone.")  # noqa: T201
        print(f"See what comes of the messages at {variance.origin}/ and end with Ctrl-C.", flush=True)  # noqa: T201
        if show:
            webbrowser.open(variance.origin)
        signals.wait()
        summary = variance.summary()
    sys.stdout.write("\n")
    for line in receipt(summary):
        sys.stdout.write(f"{line}\n")
