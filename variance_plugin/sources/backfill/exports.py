"""PostHog's file downloads: ask for one, wait until it is made, find its files.

    POST …/file_download_batch_exports                 202 {"id": run}
    GET  …/file_download_batch_exports/RUN             {"status": …, "files": [id, …], "error": …}
    GET  …/file_download_batch_exports/RUN/download/ID 302 to a signed address

As in posthog.com's docs ("File download exports") and PostHog's `products/batch_exports`.
"""

import logging
from collections.abc import Callable, Generator, Sequence
from typing import Any

from ...clock import Clock
from ...delivery.outcome import printable
from ...errors import ApiRefusal, RetryError, UsageError
from ...posthog_api import ApiClient, Download, Patience
from ...retry import waits
from .figures import Figures
from .wanted import Wanted
from .windows import Window, utc

_logger = logging.getLogger(__name__)

SCOPES = ("batch_export:read", "batch_export:write")
# PostHog calls what was once a project an environment; either name may be gone in some version.
_BASES = ("/api/environments", "/api/projects")
_NOT_THERE = 404
_GONE = (400, _NOT_THERE)

# So that what has to be downloaded again after a restart stays small.
_FILE_MEGABYTES = 256
_TRIES = 3
_FIRST_LOOK_SECONDS = 1.0
_LOOKS_GROW = 1.5
_SLOWEST_LOOK_SECONDS = 30.0

_UNDER_WAY = ("Starting", "Running")
_COMPLETED = "Completed"
_BILLING = "FailedBilling"


class NoExports(ApiRefusal):
    """This PostHog makes no file downloads, or has no such project."""


class FilesGone(ApiRefusal):
    """The files of a run are not there any more."""


class Exports:
    """The file downloads of one project.

    Args:
        client: Asks PostHog.
        patience: Waits where waiting helps.
        clock: Waits for runs.
        wanted: Which events.
        figures: Told of what PostHog could not do.
    """

    def __init__(
        self, client: ApiClient, *, patience: Patience, clock: Clock, wanted: Wanted, figures: Figures
    ) -> None:
        self._client = client
        self._patience = patience
        self._clock = clock
        self._wanted = wanted
        self._figures = figures
        self._bases: Sequence[str] = [
            f"{base}/{wanted.project}/file_download_batch_exports" for base in _BASES
        ]

    def begin_ahead(self, window: Window) -> str | None:
        """Have PostHog begin with a window that is wanted next, if it can do so now; returns the run."""
        try:
            return self._ask_once(window)
        except (RetryError, ApiRefusal) as error:
            _logger.debug("window %s is not asked for ahead: %s", window, error)
            return None

    def obtain(
        self, window: Window, run: str | None, *, begun: Callable[[str], None]
    ) -> tuple[str, Sequence[str]]:
        """The run of a window and its files, once they are made.

        Args:
            window: What is in the files.
            run: One that was begun earlier; it is gone on with if PostHog still has it.
            begun: Told of each run that is begun.

        Raises:
            NoExports: This PostHog makes none.
            UsageError: PostHog refuses, or fails again and again.
            Stopped: The program ends first.
        """
        schedule = waits()
        tries = 0
        while True:
            is_new = run is None
            if run is None:
                run = self._ask(window)
                begun(run)
            state = self._awaited(run)
            if state.get("status") == _COMPLETED:
                return run, [str(file) for file in state.get("files") or ()]
            run = None
            tries += 1
            self._figures.fail()
            problem = f"PostHog could not export {window}: {_words(state)}"
            # What was so at an earlier start may have been put right since.
            if tries == _TRIES or (is_new and state.get("status") == _BILLING):
                times = "once" if tries == 1 else f"{tries} times"
                raise UsageError(
                    f"{problem} (asked {times}). What lies before is done; start again, and it goes on here"
                )
            if state:
                _logger.warning("%s; it is asked again", problem)
                self._clock.wait(next(schedule))

    def download(self, run: str, file: str, *, count: Callable[[int], None]) -> Generator[bytes]:
        """The bytes of one file.

        Raises:
            FilesGone: PostHog has thrown it away.
            UsageError: There is no way to it.
            Stopped: The program ends first.
        """

        def find() -> str:
            try:
                address: str = self._each(
                    lambda base: self._client.address(f"{base}/{run}/download/{file}", scopes=SCOPES)
                )
            except ApiRefusal as error:
                if error.status in _GONE:
                    raise FilesGone(str(error), status=error.status) from error
                raise
            return address

        return Download(find, patience=self._patience, clock=self._clock, count=count).chunks()

    def _ask(self, window: Window) -> str:
        try:
            return self._patience.get(lambda: self._ask_once(window))
        except ApiRefusal as error:
            if error.status == _NOT_THERE:
                raise NoExports(str(error), status=error.status) from error
            raise

    def _ask_once(self, window: Window) -> str:
        body: dict[str, Any] = {
            "model": "events",
            "file": {"format": "JSONLines", "compression": "gzip", "max_size_mb": _FILE_MEGABYTES},
            "data_interval_start": utc(window.start),
            "data_interval_end": utc(window.end),
        }
        # Where no names are given the lists are left out, which is how PostHog's docs ask for all events.
        body |= {"include": list(self._wanted.include)} if self._wanted.include else {}
        body |= {"exclude": list(self._wanted.exclude)} if self._wanted.exclude else {}
        answer = self._each(lambda base: self._client.ask("POST", base, body=body, scopes=SCOPES))
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
            raise ApiRefusal(f"{self._client.host} began an export and did not say which", status=None)
        run: str = answer["id"]
        return run

    def _awaited(self, run: str) -> dict[str, Any]:
        """How a run ended; nothing when PostHog does not know it."""
        seconds = _FIRST_LOOK_SECONDS
        while True:
            try:
                state = self._patience.get(
                    lambda: self._each(lambda base: self._client.ask("GET", f"{base}/{run}", scopes=SCOPES))
                )
            except ApiRefusal as error:
                if error.status == _NOT_THERE:
                    return {}
                raise
            if not isinstance(state, dict) or not isinstance(state.get("status"), str):
                raise ApiRefusal(f"{self._client.host} did not say how an export stands", status=None)
            if state["status"] not in _UNDER_WAY:
                return state
            self._clock.wait(seconds)
            seconds = min(seconds * _LOOKS_GROW, _SLOWEST_LOOK_SECONDS)

    def _each(self, ask: Callable[[str], Any]) -> Any:
        """Below the first of the names that is there; from then on below that."""
        for base in self._bases:
            try:
                answer = ask(base)
            except ApiRefusal as error:
                if error.status != _NOT_THERE or base == self._bases[-1]:
                    raise
            else:
                self._bases = [base]
                return answer
        raise AssertionError("there is no base")  # never: the last one has returned or raised


def _words(state: dict[str, Any]) -> str:
    error = state.get("error")
    status = printable(state.get("status", "it does not know it any more"))
    return f"{status}: {printable(error)[:300]}" if isinstance(error, str) and error else status
