"""How results come back from workers: what is tried again, and what is said about lost workers."""

import nbformat
import pytest
from distributed import Client
from nbformat import v4

from course.run import plan, work
from course.run.plan import Address, Settings


@pytest.fixture
def job(tmp_path):
    """A notebook without code, which passes."""
    nbformat.write(v4.new_notebook(), tmp_path / "a.ipynb")
    (made,) = plan.jobs(plan.found(["a.ipynb"], tmp_path), [], [Address(None)], Settings())
    return made


@pytest.mark.filterwarnings("ignore:Couldn't detect a suitable IP address:RuntimeWarning")  # if offline
def test_a_notebook_that_passed_with_other_outputs_is_tried_again(job, tmp_path):
    """On a worker in this process, which has a folder of its own, and pauses for no other test's memory."""
    said, own = [], {"local_directory": str(tmp_path / "dask"), "memory_limit": 0}
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None, **own) as client:
        made = list(work.results(client, [job], 1, lambda *_: False, said.append))
    assert [(one, result.outcome.status, result.outcome.tries) for one, result in made] == [
        (job, "passed", 2)
    ]
    assert len(said) == 1, said
    assert "outputs" in said[0]


class Submits:
    """As much of a client as a job needs to be submitted."""

    def submit(self, *_, key, **__):
        return key


def test_a_lost_worker_is_reported_once(job):
    """It is begun, lost and begun again; then it fails, and is tried again without another loss."""
    said = []
    run = work._Run(Submits(), said.append)
    run.submit(job, 1)
    run.began((0.0, job.id))
    run.began((1.0, job.id))
    assert (len(said), run.lost) == (1, {job.id: 1})
    run.submit(job, 2)
    run.began((2.0, job.id))
    assert (len(said), run.lost) == (1, {job.id: 1}), said
