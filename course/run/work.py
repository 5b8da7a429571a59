"""Hand jobs to the workers of a Dask cluster, and yield each result as soon as it is there.

Dask runs a job again elsewhere if its worker is lost. A notebook that fails is tried again `retries` times. If the
scheduler goes away, what has not finished is submitted again to one that comes back at its address; otherwise `Gone` is
raised. It writes no files and knows nothing about notebooks.

    with cluster(workers=2) as client:
        for job, result in results(client, jobs, retries=1):
            …
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from course.errors import CourseError
from course.run.outcome import Outcome, Result
from course.run.plan import Job

if TYPE_CHECKING:
    from distributed import Client, Future

LOST_WORKERS = 3
"""How many workers a job may lose, beside the first, before it is given up. Dask's own default."""
CONNECT_SECONDS = 20
WORKER_SECONDS = 60
"""How long a cluster may be without a single worker."""
ASK_SECONDS = 5
"""How often to ask whether there are workers."""
BACK_SECONDS = 25
"""How long to wait for a scheduler to come back."""
STARTED = "course-run-started"
Report = Callable[[str], object]
Settled = Callable[[Job, Result], bool]


class Gone(CourseError):
    """The cluster went away before all jobs had finished."""


def task(job: Job) -> Result:
    """What a worker does."""
    from distributed import get_worker

    from course.run import child

    with suppress(ValueError):  # outside of a worker, there is nobody to tell
        get_worker().log_event(STARTED, job.id)
    return child.run(job)


@contextmanager
def cluster(workers: int | None = None, scheduler: str | None = None) -> Iterator["Client"]:
    """A client of the scheduler at that address, or of a cluster on this computer: one process for each worker.

    The local cluster listens on loopback only, with certificates that are made for it, so that no other user of the
    computer can give it work. It ends with the block.
    """
    from distributed import Client, LocalCluster

    for name in (
        "distributed",
        "distributed.nanny",
        "distributed.worker",
        "distributed.scheduler",
        "tornado",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost worker is reported by us, once
    with ExitStack() as stack:
        if scheduler:
            try:
                client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                raise CourseError(
                    f"no Dask scheduler answers at {scheduler} ({error or type(error).__name__}).\n"
                    "Start one, and a worker:  dask scheduler --port 8786  and  dask worker tcp://HOST:8786 --nthreads 1"
                ) from error
        else:
            local = LocalCluster(
                n_workers=workers or default_workers(),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=0,
                security=True,
                silence_logs=logging.CRITICAL,
            )
            stack.callback(local.close, timeout=10)
            client = Client(local, timeout=CONNECT_SECONDS, set_as_default=False)
        stack.callback(_close, client)
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise CourseError(_idle(scheduler or "the local cluster")) from error
        yield client


def default_workers(with_server: bool = False) -> int:
    """One for each processor; one for every two if a model's server on this computer needs processors, too."""
    from course.model.profiles import cores

    return max(1, cores() // (2 if with_server else 1))


def results(
    client: "Client",
    jobs: Sequence[Job],
    retries: int = 0,
    settled: Settled = lambda _, result: result.outcome.status == "passed",
    report: Report = lambda _: None,
) -> Iterator[tuple[Job, Result]]:
    """Each job with its result, in the order in which they finish. Gone if the cluster goes away first.

    `settled` says whether a result is final; otherwise its job is tried again, up to `retries` times. `report` is told
    about jobs that lost their worker and about jobs that are tried again.
    """
    from distributed import as_completed

    run = _Run(client, report)
    for job in jobs:
        run.submit(job, 1)
    queue = as_completed(list(run.open), raise_errors=False, loop=client.loop)
    client.subscribe_topic(STARTED, run.began)
    seen = asked = time.monotonic()
    while run.open:
        batch = list(queue.next_batch(block=False))
        if not batch:
            time.sleep(0.05)
        again: list[Future[Any]] = []
        for future in batch:
            job, tries = run.open.pop(future)
            if future.status == "cancelled":  # the scheduler went away
                run.back()
                again.append(run.submit(job, tries))
                continue
            made = run.result(future, job)
            future.release()
            made = made.with_outcome(tries=tries, lost=run.lost.get(job.id, 0))
            if not settled(job, made) and tries <= retries:
                why = (made.outcome.said or "its outputs are not the stored ones").splitlines()[0]
                report(f"{job.title}: {why}. Trying it again ({tries} of {retries})")
                again.append(run.submit(job, tries + 1))
                continue
            yield job, made
        queue.update(again)
        now = time.monotonic()
        if batch:
            seen = now
        elif now - asked > ASK_SECONDS:
            asked = now
            seen = now if run.workers() else seen
            if now - seen > WORKER_SECONDS:
                raise Gone(_idle("the scheduler"))


class _Run:
    """What is under way: futures, and how often each job was begun and lost its worker."""

    def __init__(self, client: "Client", report: Report) -> None:
        self.client, self.report = client, report
        self.open: dict[Future[Any], tuple[Job, int]] = {}
        self.begun: dict[str, int] = {}
        self.tries: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.titles: dict[str, str] = {}

    def submit(self, job: Job, tries: int) -> "Future[Any]":
        key = f"course-run-{job.id}-{os.urandom(4).hex()}"
        future: Future[Any] = self.client.submit(task, job, key=key, pure=False)
        self.open[future] = (job, tries)
        self.tries[job.id] = self.tries.get(job.id, 0) + 1
        self.titles[job.id] = job.title
        return future

    def began(self, event: tuple[float, str]) -> None:
        """A worker has begun a job. If it was begun more often than submitted, its worker before was lost."""
        _, id = event
        if id not in self.titles:
            return
        self.begun[id] = self.begun.get(id, 0) + 1
        lost = self.begun[id] - self.tries[id]
        if lost > self.lost.get(id, 0):
            self.lost[id] = lost
            self.report(f"{self.titles[id]}: its worker was lost. It runs again on another one")

    def result(self, future: "Future[Any]", job: Job) -> Result:
        if future.status == "finished":
            made: Result = future.result()
            return made
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, KilledWorker):
            return Result(Outcome("error", f"{LOST_WORKERS + 1} workers were lost while they ran it"))
        return Result(Outcome("error", f"the worker could not run it ({type(error).__name__}: {error})"))

    def back(self) -> None:
        """Wait for the scheduler. Gone if it does not come back."""
        deadline = time.monotonic() + BACK_SECONDS
        if self.client.status == "running":  # another job has waited already
            return
        self.report("the Dask scheduler went away. Waiting for it to come back")
        while self.client.status != "running":
            if time.monotonic() > deadline or self.client.status == "closed":
                raise Gone("the Dask scheduler went away.")
            time.sleep(0.1)
        self.client.subscribe_topic(STARTED, self.began)

    def workers(self) -> int:
        """How many there are; some number if the scheduler does not say."""
        with suppress(OSError, TimeoutError):
            if self.client.status == "running":
                return len(self.client.scheduler_info().get("workers", {}))
        return 1


def _idle(where: str) -> str:
    return (
        f"{where} has had no worker for {WORKER_SECONDS} seconds.\n"
        "Start one, in an environment with this package:  dask worker tcp://HOST:8786 --nthreads 1"
    )


def _close(client: "Client") -> None:
    with suppress(OSError, TimeoutError):
        client.close(timeout=5)
