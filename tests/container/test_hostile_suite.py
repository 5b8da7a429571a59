"""All hostile programs, three ways, on a real engine in a network of the test's own."""

import json
import os
import subprocess
import sys

import pytest

from hostile import suite

pytestmark = pytest.mark.timeout(7200)


@pytest.fixture(scope="module")
def made(engine, image, tmp_path_factory):
    """The outcomes of one run of the suite. OUTCOMES=write makes the committed ones anew."""
    output = tmp_path_factory.mktemp("suite") / "outcomes.json"
    write = os.environ.get("OUTCOMES") == "write"
    command = [sys.executable, "-m", "hostile.run", "--engine", str(engine.folder)]
    with engine.paused():  # the suite has one in a network of its own, with the same images
        done = subprocess.run(
            command if write else [*command, "--output", str(output)],
            env={**os.environ, "PYTHONPATH": "docker"},
            cwd=suite.PROGRAMS.parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    print(done.stdout, done.stderr)
    path = suite.OUTCOMES if write else output
    assert path.is_file(), done.stderr[-3000:]
    return json.loads(path.read_text(encoding="utf-8"))["outcomes"]


def test_every_outcome_is_as_its_header_predicts(made):
    assert suite.unexpected(made) == []


def test_all_were_run_three_ways(made):
    assert {slug: set(ways) for slug, ways in made.items()} == {
        attempt.slug: set(suite.WAYS) for attempt in suite.load()
    }


def test_the_committed_table_is_what_happens(made):
    """Which layer stopped each attempt; by which error it was known may differ between engines."""
    committed = json.loads(suite.OUTCOMES.read_text(encoding="utf-8"))["outcomes"]
    told = {s: {w: (o["through"], o["by"]) for w, o in ways.items()} for s, ways in made.items()}
    kept = {s: {w: (o["through"], o["by"]) for w, o in ways.items()} for s, ways in committed.items()}
    assert told == kept, "make them anew:  make hostile"
