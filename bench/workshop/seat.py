"""One learner: an account, a running server, a kernel in which the lesson's cells before the agent have run.

Whatever goes wrong becomes part of the `Learner` that `run` returns; nothing is raised.

    seat = Seat("ada", hub.learner); seat.prepare(Deadline(60))
    seat.run(steps=2, rounds=1, deadline=Deadline(100)).ended      # "done"
"""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from bench.workshop import kernel, lesson
from bench.workshop.figures import Learner, Step
from bench.workshop.kernel import Deadline
from course.errors import CourseError
from workshop.hub.desk import Account
from workshop.hub.lessons import COPY

QUICK = 60.0
"""Seconds for code that asks no model: on a machine that 30 kernels share."""
SETTLE = 1.0
"""Seconds until an interrupted kernel is asked again: for a while, it drops requests."""
TRIES = 20
"""Times that a learner whose request failed repeats it."""


class Seat:
    """Where one learner sits."""

    def __init__(self, name: str, account: Callable[[str], Account]) -> None:
        """`account` makes the learner's account and starts the server, such as `hub.learner`."""
        self.name = name
        self.ready = False
        self.why = "not prepared yet"
        self._open = account
        self._account: Account | None = None
        self._kernel = ""
        self._cells = lesson.Cells([], [])

    @property
    def account(self) -> Account:
        """Made at the first use. CourseError if the hub refuses, or the server does not start."""
        if self._account is None:
            self._account = self._open(self.name)
        return self._account

    def prepare(self, deadline: Deadline) -> None:
        """Open the lesson with a fresh kernel, and run what comes before the agent. If that fails, `why` says how."""
        try:
            self._prepare(deadline)
        except CourseError as error:
            self.why = str(error)

    def _prepare(self, deadline: Deadline) -> None:
        at = f"{COPY}/{lesson.NOTEBOOK}"
        try:
            with self.account.client(QUICK) as client:
                if self._kernel:
                    client.delete(f"api/kernels/{self._kernel}")
                opened = {"path": at, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
                self._kernel = _json(client.post("api/sessions", json=opened))["kernel"]["id"]
                self._cells = lesson.split(_json(client.get(f"api/contents/{at}"))["content"])
        except (httpx.HTTPError, LookupError, ValueError) as error:
            raise self._broken(f"the lesson does not open ({type(error).__name__}: {error})") from error
        for source in self._cells.before:
            said = self._execute(source, deadline)
            if said.ended != "ok":
                raise self._broken(
                    f"a cell before the agent ended as {said.ended} {said.why}: {source[:60]!r}"
                )
        self.ready = True

    def run(
        self, steps: int, rounds: int, deadline: Deadline, alive: Callable[[], bool] | None = None
    ) -> Learner:
        """Run the agent `rounds` times, each until it has made so many steps.

        A learner whose cell fails has failed. With `alive`, the cell is run again as soon as `alive()` says that the
        model's server is up: what one would do after an outage.
        """
        if not self.ready:
            return Learner(self.name, [], "failed", self.why)
        made: list[Step] = []
        again = 0
        for _ in range(rounds):
            if (said := self._execute(lesson.APART, Deadline(QUICK))).ended != "ok":
                return self._ended(made, "failed", said.why or said.ended, again)
            count = 0
            for source in self._cells.asks:
                said = self._execute(source, deadline)
                while said.ended == "error" and alive and again < TRIES and _up(alive, deadline):
                    again += 1
                    said = self._execute(source, deadline)
                if said.ended == "silent":
                    self._interrupt()
                    found = self.steps()
                    if found and not found[-1].good:  # the interrupted one
                        found.pop()
                    return self._ended([*made, *found], "out of time", "", again)
                found = self.steps()
                count = len([step for step in found if step.good])
                if said.ended != "ok":
                    return self._ended([*made, *found], "failed", said.why, again)
                if count >= steps:
                    break
            made += found
        return self._ended(made, "done", "", again)

    def steps(self) -> list[Step]:
        """What the tapes of the current round say."""
        return [Step(**row) for row in self._rows(bodies=False)]

    def bodies(self) -> list[Any]:
        """The requests of the last round, as they were sent."""
        return [row["body"] for row in self._rows(bodies=True) if row["status"] == 200]

    def _rows(self, bodies: bool) -> list[dict[str, Any]]:
        deadline = Deadline(QUICK)
        said = self._execute(lesson.PROBE.replace("BODIES", str(bodies)), deadline)
        while (
            said.ended not in ("ok", "died") and deadline.left
        ):  # still busy with an interrupt, it drops requests
            time.sleep(SETTLE)
            said = self._execute(lesson.PROBE.replace("BODIES", str(bodies)), deadline)
        try:
            rows: list[dict[str, Any]] = json.loads(said.text)
        except ValueError:
            return []
        return rows

    def _ended(self, steps: list[Step], how: str, why: str, again: int) -> Learner:
        self.ready = self.ready and how == "done"
        return Learner(self.name, steps, how, why, again)

    def _execute(self, source: str, deadline: Deadline) -> kernel.Said:
        at = self.account.url.replace("http", "ws", 1) + f"api/kernels/{self._kernel}/channels"
        return kernel.execute(at, self.account.token, source, deadline)

    def _interrupt(self) -> None:
        try:
            with self.account.client(QUICK) as client:
                client.post(f"api/kernels/{self._kernel}/interrupt")
        except httpx.HTTPError:
            return  # then the probe finds nothing, and the kernel is replaced

    def _broken(self, why: str) -> CourseError:
        return CourseError(
            f"{self.name}: {why}.\nTry it with fewer learners:  python -m bench.workshop --learners 1"
        )


def _up(alive: Callable[[], bool], deadline: Deadline) -> bool:
    """Wait until `alive()`; False if the deadline comes first."""
    while deadline.left:
        if alive():
            return True
        time.sleep(0.5)
    return False


def _json(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
