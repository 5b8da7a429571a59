"""An adapter in stages: each with the sources of its commit, from what the one before made."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise

import gguf
import numpy as np
import pytest

from course.model.embedded import adapter_path
from training import adapters, stages
from training.stages import Mean, Stage, run

TRAIN = """
import sys
from pathlib import Path
given = dict(one.split("=") for one in sys.argv[1:])
before = Path(given["--INIT"]).read_text() if "--INIT" in given else "base"
Path(given["--out"]).write_text(f"{before}, {given['--steps']} steps of WHO")
"""


def launch(workers: int) -> list[str]:
    return [sys.executable, "-m", "training.train"]


@pytest.fixture
def git(tmp_path):
    if not shutil.which("git"):
        pytest.skip("needs git:  sudo apt-get install git")

    def call(*arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    call("init", "-q")
    return call


def committed(git, root, who: str, text: str = TRAIN, init: str = "init-from") -> str:
    for name in stages.SOURCES:
        (root / name).mkdir(exist_ok=True)
        (root / name / "__init__.py").touch()
    (root / "training" / "train.py").write_text(text.replace("WHO", who).replace("INIT", init))
    (root / "course" / "who").write_text(who)
    git("add", "-A")
    git("commit", "-q", "-m", who)
    return git("rev-parse", "HEAD").strip()


def test_a_stage_trains_with_its_own_sources_from_what_the_one_before_made(git, tmp_path):
    made = [
        Stage(committed(git, tmp_path, who), 2, f"--steps={n}", "") for n, who in enumerate(("old", "new"), 1)
    ]
    committed(git, tmp_path, "later")
    adapter = run(made, 1, tmp_path / "out", tmp_path, launch)
    assert adapter.read_text() == "base, 1 steps of old, 2 steps of new"


def test_a_stage_is_given_what_it_starts_from_by_the_option_of_its_commit(git, tmp_path):
    old = committed(git, tmp_path, "old", init="resume")
    made = [Stage(old, 2, "--steps=1", ""), Stage(old, 2, "--steps=2", "", init_option="--resume")]
    adapter = run(made, 1, tmp_path / "out", tmp_path, launch)
    assert adapter.read_text() == "base, 1 steps of old, 2 steps of old"


def test_a_later_stage_starts_from_what_git_keeps_of_the_one_before(git, tmp_path):
    (tmp_path / "made.gguf").write_text("kept")
    old, new = committed(git, tmp_path, "old"), committed(git, tmp_path, "new")
    made = [Stage(old, 2, "--steps=1", "", f"{old}:made.gguf"), Stage(new, 2, "--steps=2", "")]
    assert run(made, 2, tmp_path / "out", tmp_path, launch).read_text() == "kept, 2 steps of new"
    with pytest.raises(SystemExit, match="--from 2"):
        run([*made, made[1]], 3, tmp_path / "out", tmp_path, launch)


def test_a_stage_that_stops_ends_the_run_and_names_the_command(git, tmp_path):
    bad = Stage(committed(git, tmp_path, "bad", "raise SystemExit(1)"), 2, "", "")
    with pytest.raises(SystemExit, match="make adapter"):
        run([bad, bad], 1, tmp_path / "out", tmp_path, launch)
    assert not list(tmp_path.glob("out/*.gguf"))


@pytest.mark.parametrize("first", [1, 2])
def test_a_shallow_clone_is_told_how_to_get_the_history_before_anything_is_made(git, tmp_path, first):
    """Whether the sources or an adapter to start from are missing."""
    (tmp_path / "made.gguf").write_text("kept")
    old = committed(git, tmp_path, "old")
    new = committed(git, tmp_path, "new")
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth", "1", tmp_path.as_uri(), str(clone))
    made = [Stage(old, 2, "--steps=1", "", f"{old}:made.gguf"), Stage(new, 2, "--steps=2", "")]
    with pytest.raises(SystemExit, match=rf"{old}[^,]*\.\n.*git fetch --unshallow"):
        run(made, first, tmp_path / "out", clone, launch)
    assert not (tmp_path / "out").exists()


def test_a_commit_that_a_full_clone_does_not_have_is_named(git, tmp_path):
    committed(git, tmp_path, "only")
    with pytest.raises(SystemExit, match=f"Missing: {'0' * 40}.*\n.*git fetch origin"):
        run([Stage("0" * 40, 2, "", "")], 1, tmp_path / "out", tmp_path, launch)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git:  sudo apt-get install git")
def test_a_folder_that_is_not_a_repository_is_told_to_be_cloned(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SystemExit, match=r"not a git repository.*\n.*git clone"):
        run([Stage("0" * 40, 2, "", "")], 1, tmp_path / "out", tmp_path, launch)


def test_a_mean_is_of_what_its_stages_made(git, tmp_path):
    for name, value in (("a.gguf", 1), ("b.gguf", 3)):
        adapters.write(tmp_path / name, {"x.lora_a": np.full((1, 2), value)}, 2, name)
    commit = committed(git, tmp_path, "old")
    made = [Stage(commit, 2, "", "", f"{commit}:{name}.gguf") for name in "ab"]
    adapter = run([*made, Mean({"1": 0.25, "2": 0.75})], 3, tmp_path / "out", tmp_path, launch)
    assert adapters.read(gguf.GGUFReader(adapter))["x.lora_a"].tolist() == [[2.5, 2.5]]


def described(listed: stages.Stages, number: int) -> str:
    """A pattern for what the adapter of a stage says of its origin."""
    stage = listed[number - 1]
    if isinstance(stage, Mean):
        of = (rf"{share:g} of \({described(listed, int(one))}\)" for one, share in stage.shares.items())
        return f"the sum of {', '.join(of)}"
    arguments = dict(pairwise(stage.arguments.split()))
    steps = arguments["--steps"]
    done = arguments.get("--stop-after", steps)
    return rf"LoRA [^()]*\([^()]*\), {done} of {steps} steps [^()]*seed {arguments['--seed']};[^()]*"


def test_the_course_s_adapter_says_that_it_is_what_the_last_stage_makes():
    listed = stages.stages()
    said = adapters.field(gguf.GGUFReader(adapter_path()), gguf.Keys.General.DESCRIPTION)
    assert re.fullmatch(described(listed, len(listed)), said)


def test_the_course_has_its_stages_listed_with_what_they_took():
    for number, stage in enumerate(stages.stages(), 1):
        assert all(0 < of < number for of in stage.begins_with(number))
        if isinstance(stage, Mean):
            assert sum(stage.shares.values()) == pytest.approx(1)
        else:
            assert len(stage.commit) == 40
            assert stage.took
