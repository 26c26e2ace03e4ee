"""The HTTP source's receiving end: a server whose doors lead into a spool."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ...clock import Clock
from ...secret import Secret
from ..spool import Wake
from .app import App, Exchange
from .capture_doors import CaptureDoor, CaptureV1Door, Capturing, ProjectKeys, Unpacking
from .certificate import Certificate
from .exchange import Door, Limits
from .forwarding import Forwarding
from .keeping import Keep, Keeper
from .passing_door import PassingDoor, is_passed_on
from .precedence import Precedence
from .routes import SettledDoor, is_settled, takes_events, takes_v1_events
from .server import HttpServer
from .webhook_door import WebhookDoor, is_webhook

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAccess:
    """What may be sent, and how.

    Attributes:
        address: Host and port to listen on; port 0 takes a free one.
        tokens: Keys of the projects whose SDKs may send; `*` is any, none keeps SDKs out.
        webhook_token: What the webhook destination has to show; empty keeps it out.
        trusted_proxies: So many of them stand in front.
        limits: What requests may cost.
        certificate: What is shown over TLS; None: there is none.
    """

    address: tuple[str, int]
    tokens: Sequence[str] = ()
    webhook_token: Secret = field(default_factory=lambda: Secret(""))
    trusted_proxies: int = 0
    limits: Limits = field(default_factory=Limits)
    certificate: Certificate | None = None


class HttpIntake:
    """An `Intake` that takes events by HTTP; what was answered 200 is kept.

    It ends when the clock is stopped, or `stop` is called: what is under way then is answered first.

    Args:
        keep: Where they are kept.
        access: What may be sent, and how.
        clock: Says when requests came.
        forwarding: Brings copies of what SDKs send to PostHog, and knows where that is; None: there is none.
        told: Is told of every request, in the thread of the server.

    Raises:
        UsageError: It cannot listen there, or the packages for it are missing.
    """

    def __init__(
        self,
        keep: Keep,
        access: HttpAccess,
        *,
        clock: Clock,
        forwarding: Forwarding | None = None,
        told: Callable[[Exchange], object] = lambda _exchange: None,
    ) -> None:
        self._forwarding = forwarding
        self._passing = None if forwarding is None else PassingDoor(forwarding.upstream)
        self._has_ended = False
        self._appended: Wake | None = None
        app = App(
            self._door,
            clock=clock,
            limits=access.limits,
            trusted_proxies=access.trusted_proxies,
            told=told,
        )
        self._server = HttpServer(
            app,
            access.address,
            limits=access.limits,
            setting="source.listen",
            stops=lambda: clock.stopped,
            certificate=access.certificate,
        )
        self._unpacking = Unpacking()
        self._precedence = Precedence(clock)
        self._keeper = Keeper(keep, self._wake, self._precedence)
        self._doors = [*self._doors_for(access)]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    @property
    def has_ended(self) -> bool:
        """See `Intake`."""
        return self._has_ended

    @property
    def failure(self) -> Exception | None:
        """See `Intake`."""
        return self._server.failure

    def start(self, appended: Wake) -> None:
        """See `Intake`."""
        self._appended = appended
        if self._forwarding is not None:
            self._forwarding.start()
        self._server.start(self._end)
        _logger.info("listening for events at %s", self.url)

    def has_room(self) -> None:
        """See `Intake`. Whoever was refused comes again by himself."""

    def give_way(self) -> None:
        """See `Intake`."""
        self._precedence.give_way()

    def stop(self) -> None:
        """See `Intake`."""
        self._server.stop()
        self._keeper.close()
        self._unpacking.close()
        if self._forwarding is not None:
            self._forwarding.stop()
        if self._passing is not None:
            self._passing.close()

    def _doors_for(self, access: HttpAccess) -> Iterator[tuple[Callable[[str], bool], Door]]:
        """The doors, each with what tells whether a path leads to it; the first that says so counts."""
        if access.webhook_token:
            yield is_webhook, WebhookDoor(self._keeper, access.webhook_token, self._unpacking)
        if access.tokens:
            capturing = Capturing(
                keeper=self._keeper,
                keys=ProjectKeys(access.tokens),
                unpacking=self._unpacking,
                copies=self._forwarding,
            )
            yield takes_events, CaptureDoor(capturing)
            yield takes_v1_events, CaptureV1Door(capturing)
            if self._passing is None:
                yield is_settled, SettledDoor()
            else:
                yield is_passed_on, self._passing

    def _door(self, path: str) -> Door | None:
        return next((door for leads, door in self._doors if leads(path)), None)

    def _wake(self) -> None:
        if self._appended is not None:
            self._appended()

    def _end(self) -> None:
        self._keeper.close()
        self._has_ended = True
        self._wake()
