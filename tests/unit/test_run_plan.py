"""Which jobs `course run` makes of notebooks, profiles and servers, and how shards divide them."""

import json
import subprocess
import sys
from itertools import product

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course.cli import app
from course.errors import CourseError
from course.run import plan
from course.run.plan import Address, Book, Job, Settings, WrongUse
from course.run.results import Results

BOOKS = [Book(f"b{n}.ipynb", f"/course/b{n}.ipynb", f"{n:064x}") for n in range(7)]
SERVERS = [Address("http://one:8080"), Address("http://ada:secret@two:8080/v1")]


@pytest.fixture
def tree(tmp_path):
    """A course with notebooks at several depths, and some that are nobody's lesson."""
    for name in (
        "a.ipynb", "labs/b.ipynb", "labs/deep/c d.ipynb", "labs/notes.md", "labs/.ipynb_checkpoints/b-checkpoint.ipynb",
        ".venv/lib/x.ipynb", "node_modules/y.ipynb", "venv/lib/site-packages/z.ipynb",
        "runs/1/jobs/b/executed.ipynb", "runs/1/jobs/b/result.json",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(tree, *patterns, without="runs"):
    return sorted(book.name for book in plan.found(patterns, tree, tree / without))


def test_every_combination_is_one_job():
    made = plan.jobs(BOOKS, ["embedded", "qwen3-4b"], SERVERS, Settings())
    found = {(job.book, job.profile, job.server) for job in made}
    assert found == set(product(BOOKS, ["embedded", "qwen3-4b"], SERVERS))
    assert len(made) == len({job.id for job in made}) == len({job.folder for job in made}) == 28


def test_without_profile_and_server_a_notebook_runs_once():
    assert [(j.profile, j.server.url, j.variant) for j in plan.jobs(BOOKS[:1], [], [], Settings())] == [
        (None, None, "")
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine may be busy
@given(st.integers(0, 40), st.integers(1, 9), st.randoms())
def test_shards_divide_the_jobs_whatever_order_the_notebooks_come_in(count, of, random):
    """Every job is in one shard, sizes differ by one at most, and all machines agree."""
    books = [Book(f"{n}.ipynb", "", "") for n in range(count)]
    shuffled = random.sample(books, count)
    whole = plan.jobs(books, [], [], Settings())
    shards = [plan.shard(plan.jobs(shuffled, [], [], Settings()), n, of) for n in range(1, of + 1)]
    assert sorted(j.id for shard in shards for j in shard) == sorted(j.id for j in whole)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/5", "6/5", "1/0", "2", "a/b", "1/2/3", "-1/2", "1.5/2", ""])
def test_a_shard_that_does_not_exist_is_wrong_use(text):
    with pytest.raises(WrongUse, match="--shard 2/5"):
        plan.parse_shard(text)


def test_a_shard_is_read():
    assert plan.parse_shard("2/5") == (2, 5)


def test_a_job_changes_its_id_with_whatever_changes_its_result():
    job = Job(BOOKS[0], "embedded", SERVERS[0], Settings())
    others = [
        Job(Book("b0.ipynb", "/course/b0.ipynb", "f" * 64), "embedded", SERVERS[0], Settings()),
        Job(BOOKS[0], "base", SERVERS[0], Settings()),
        Job(BOOKS[0], "embedded", SERVERS[1], Settings()),
        Job(BOOKS[0], "embedded", SERVERS[0], Settings(cell_seconds=1)),
        Job(BOOKS[0], "embedded", SERVERS[0], Settings(kernel="ir")),
    ]
    assert job.id not in {other.id for other in others}
    moved = Job(Book("b0.ipynb", "/elsewhere/b0.ipynb", BOOKS[0].digest), "embedded", SERVERS[0], Settings())
    assert moved.id == job.id, "the same notebook in another checkout is the same job"


def test_no_password_is_in_what_is_written_or_shown():
    job = Job(BOOKS[0], None, SERVERS[1], Settings())
    shown = json.dumps(job.record()) + job.title + job.folder + job.variant
    assert "secret" not in shown
    assert job.server.url == "http://ada:secret@two:8080/v1"


def test_a_folder_means_its_lessons_and_a_glob_what_it_matches(tree):
    assert names(tree, ".") == ["a.ipynb", "labs/b.ipynb", "labs/deep/c d.ipynb"]
    assert names(tree, "labs/*.ipynb", "labs") == ["labs/b.ipynb", "labs/deep/c d.ipynb"]
    assert names(tree, "**/*.ipynb") == names(tree, "*") == names(tree, ".")
    assert names(tree, "node_modules/*.ipynb") == ["node_modules/y.ipynb"], "its folder is named"
    assert names(tree, str(tree / "a.ipynb"), "labs/b.ipynb") == ["a.ipynb", "labs/b.ipynb"]


@pytest.mark.parametrize("pattern", [".", "**/*.ipynb", "*"])
def test_results_of_an_earlier_run_are_not_lessons(tree, pattern):
    """Only the two files together are a result: a lesson may have either name."""
    (tree / "labs" / "executed.ipynb").touch()
    assert names(tree, pattern, without="runs/2") == [
        "a.ipynb",
        "labs/b.ipynb",
        "labs/deep/c d.ipynb",
        "labs/executed.ipynb",
    ]


def test_a_glob_is_found_in_a_folder_whose_name_looks_like_one(tree):
    (tree / "course [2]").mkdir()
    (tree / "labs").rename(tree / "course [2]" / "labs")
    assert names(tree / "course [2]", "labs/**/*.ipynb") == ["labs/b.ipynb", "labs/deep/c d.ipynb"]


def test_names_are_the_same_wherever_the_course_is_called_from(tree):
    """From a folder that does not hold the notebooks, names begin at the deepest folder that does."""
    elsewhere = tree / "runs"
    found = plan.found([str(tree / "labs" / "b.ipynb"), str(tree / "labs" / "deep")], elsewhere)
    assert sorted(book.name for book in found) == ["b.ipynb", "deep/c d.ipynb"]


@pytest.mark.parametrize("pattern", ["nothing.ipynb", "nothing/*.ipynb", "runs", "labs/*.md"])
def test_what_names_no_notebook_is_wrong_use(tree, pattern):
    with pytest.raises(WrongUse, match="no notebook matches"):
        names(tree, "a.ipynb", pattern)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.ipynb"], "no notebook matches none.ipynb"),
        (["a.ipynb", "--shard", "7/5"], "--shard 7/5 is not understood"),
        (["a.ipynb", "--profile", "gpt-9"], "there is no profile 'gpt-9'"),
        (["a.ipynb", "--server", "ftp://x"], "ftp://x"),
        (["a.ipynb", "--kernel", "ir", "--env-python", sys.executable], "both choose the kernel"),
        (["a.ipynb", "--env-python", "/no/python"], "/no/python cannot be run"),
        (["a.ipynb", "--normalizers", "none.ini"], "cannot read the normalizers"),
        (["a.ipynb", "--profile", "embedded", "--scheduler", "tcp://h:1"], "needs --server"),
        (["a.ipynb", "--cell-timeout", "0"], "--cell-timeout"),
        ([], "NOTEBOOK"),
    ],
)
def test_wrong_use_is_status_2_before_anything_is_written(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    for name in ("SERVER", "PROFILE"):
        monkeypatch.delenv(name, raising=False)
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    done = CliRunner().invoke(app, ["run", *arguments])
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]


def test_without_the_extra_the_command_says_how_to_install_it(tmp_path):
    """As in the environment of `make lab`: distributed and papermill cannot be found."""
    hide = (
        "import sys; sys.modules |= dict.fromkeys(['distributed', 'papermill']); from course.cli import app; "
    )
    done = subprocess.run(
        [sys.executable, "-c", hide + "app(['run', 'a.ipynb'])"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "not installed: distributed, papermill" in done.stderr, done.stderr
    assert "-m pip install -e" in done.stderr
    assert "[run]" in done.stderr


def test_the_command_loads_nothing_of_the_extra_before_it_runs():
    extra = ("dask", "distributed", "papermill", "nbval", "nbclient")
    ask = f"import sys, course.cli.run, course.run.command; print([n for n in {extra} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_results_go_to_a_folder_that_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="cannot write results to"):
        Results(tmp_path / "file" / "out")
