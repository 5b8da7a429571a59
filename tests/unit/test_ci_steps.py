"""The steps of the action and of the GitLab template, run as the platforms would run them, in a clean folder."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import yaml

import bootstrap
from course import ROOT
from support import skips

ACTION = ROOT / "actions" / "run-notebooks" / "action.yml"
TEMPLATE = ROOT / "templates" / "notebooks" / "template.yml"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""How GitHub runs a step with `shell: bash`."""
HOSTILE = "\"; touch hacked; $(touch hacked) `touch hacked` '"


def notebook(path: Path, *cells: str) -> Path:
    code = [nbformat.v4.new_code_cell(cell, id=f"cell-{number}") for number, cell in enumerate(cells)]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=code), path)
    return path


@dataclass
class Runner:
    """As much of GitHub's runner as a composite action needs: inputs, contexts, outputs, `run` steps; no downloads."""

    workspace: Path
    temp: Path
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""

    def value(self, expression: str) -> str:
        """An expression of the kinds that the action uses. Anything else is an error."""
        expression = expression.strip()
        if " || " in expression:
            return next(filter(None, map(self.value, expression.split(" || "))), "")
        if found := re.fullmatch(r"format\('\{0\}([^']*)', (.*)\)", expression):
            return self.value(found[2]) + found[1]
        if found := re.fullmatch(r"inputs\.([\w-]+)", expression):
            return self.inputs[found[1]]
        if found := re.fullmatch(r"steps\.(\w+)\.outputs\.([\w-]+)", expression):
            return self.outputs[found[1]][found[2]]
        return {"github.action_path": str(ACTION.parent), "runner.os": "Linux", "runner.arch": "X64"}[
            expression
        ]

    def text(self, value: str) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: self.value(found[1]), value)

    def step(self, step: dict) -> int:
        """Run a step. Its outputs are known to the next ones; what it printed is added to the log."""
        if "uses" in step:
            for value in step.get("with", {}).values():
                self.text(str(value))  # each expression has a value
            if step["uses"].startswith("actions/setup-python@"):
                self.outputs[step["id"]] = {"python-path": sys.executable}
            return 0
        written = self.temp / "output"
        written.write_text("", encoding="utf-8")
        script = self.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        given = {name: self.text(value) for name, value in step.get("env", {}).items()}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        done = subprocess.run(
            [*SHELL, str(script)],
            cwd=self.workspace,
            env={**kept, "RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(written), "CI": "true", **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        if "id" in step:
            lines = written.read_text(encoding="utf-8").splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
        return done.returncode


@pytest.fixture
def act(tmp_path):
    """Runs the whole action with the given inputs in a folder of its own, and tells its status and its runner."""
    if not bootstrap.TEST.complete():
        skips.missing("an environment that matches the lock", "make test")
    workspace, temp = tmp_path / "work", tmp_path / "temp"
    workspace.mkdir()
    temp.mkdir()
    table = yaml.safe_load(ACTION.read_text(encoding="utf-8"))

    def run(**given: str) -> tuple[int, Runner]:
        inputs = {name: str(spec.get("default", "")) for name, spec in table["inputs"].items()}
        runner = Runner(workspace, temp, {**inputs, "profiles": "", "workers": "1", **given})
        status = 0
        for step in table["runs"]["steps"]:
            if status and "always()" not in step.get("if", ""):
                continue
            status = runner.step(step) or status
        return status, runner

    run.workspace = workspace
    return run


def cases(reports: str):
    return list(ElementTree.parse(Path(reports) / "junit.xml").getroot().iter("testcase"))


def test_the_action_runs_notebooks_and_keeps_the_reports(act):
    notebook(act.workspace / "a course" / "one.ipynb", "1 + 1")
    notebook(act.workspace / "a course" / "two.ipynb", "2 + 2")
    status, runner = act(notebooks="a course/*.ipynb\n\n  a course/one.ipynb  \n")
    assert status == 0, runner.log
    reports = runner.outputs["names"]["reports"]
    assert len(cases(reports)) >= 2, runner.log
    assert (Path(reports) / "report.html").is_file()


def test_a_cell_that_fails_fails_the_action_and_is_named(act):
    notebook(act.workspace / "wrong.ipynb", "1 + 1", "1 / 0")
    status, runner = act(notebooks="wrong.ipynb")
    assert status != 0
    failed = [ElementTree.tostring(case, "unicode") for case in cases(runner.outputs["names"]["reports"])]
    assert any("ZeroDivisionError" in case for case in failed), failed


@pytest.mark.parametrize("name", ["notebooks", "normalizers", "requirements", "servers"])
def test_no_input_is_run_as_a_command(act, name):
    notebook(act.workspace / "one.ipynb", "1 + 1")
    status, runner = act(**{"notebooks": "one.ipynb", "key": HOSTILE, name: HOSTILE})
    assert status != 0 or name == "servers", runner.log  # a notebook that asks no server does not miss it
    assert not [path for folder in (act.workspace, runner.temp) for path in folder.rglob("hacked")]


def test_a_notebook_with_a_hostile_name_is_only_a_notebook(act):
    notebook(act.workspace / "$(touch hacked); touch hacked.ipynb", "1 + 1")
    status, runner = act(notebooks="*.ipynb")
    assert status == 0, runner.log
    assert not (act.workspace / "hacked").exists()


def test_the_model_s_cache_has_the_name_that_the_course_gives_it(act):
    from course.model import embedded

    notebook(act.workspace / "one.ipynb", "1 + 1")
    _, runner = act(notebooks="one.ipynb")
    assert runner.outputs["model"]["model"] == embedded.merged_path(embedded.adapter_path()).stem
    assert Path(runner.outputs["model"]["folder"]).is_relative_to(runner.temp)


def test_the_packages_cache_changes_with_the_lock(tmp_path):
    """The hash names what is installed: another lock, another cache."""

    def named(lock: str) -> str:
        folder = tmp_path / lock
        (folder / ".ci").mkdir(parents=True)
        (folder / ".ci" / "notebooks").write_bytes((ROOT / ".ci" / "notebooks").read_bytes())
        (folder / "requirements-test.lock").write_text(lock, encoding="utf-8")
        (folder / "pyproject.toml").touch()
        done = subprocess.run(
            ["bash", str(folder / ".ci" / "notebooks"), "packages"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert named("a==1") != named("a==2")


def test_gitlab_s_job_runs_notebooks(act):
    """The template's script, with its variables as GitLab sets them. The checkout is this one instead of a fetched one."""
    header, body = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    inputs = {name: str(spec.get("default", "")) for name, spec in header["spec"]["inputs"].items()}
    inputs.update(notebooks="lessons/**/*.ipynb", profiles="", workers="1", compare="true")
    (job,) = body.values()
    variables = {}
    for name, value in job["variables"].items():
        plain = value["value"] if isinstance(value, dict) else value
        filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: inputs[found[1]], plain)
        variables[name] = filled.replace("$CI_PROJECT_DIR", str(act.workspace))
    notebook(act.workspace / "lessons" / "deep" / "one.ipynb", "1 + 1")
    (act.workspace / ".agents-on-the-wire").symlink_to(ROOT)
    lines = [line for line in [*job["before_script"], *job["script"]] if not line.startswith("git ")]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    shared = {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "1", "PYTHON": sys.executable}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
        cwd=act.workspace,
        env={**kept, **variables, **shared},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert cases(str(act.workspace / "notebook-reports"))


def test_gitlab_s_job_fetches_a_branch_a_tag_or_a_commit(tmp_path):
    (job,) = list(yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8")))[1].values()
    lines = [line for line in job["before_script"] if line.startswith("git ")]
    origin = tmp_path / "origin"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q", origin], ["-C", origin, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *map(str, command)], check=True)
    subprocess.run([*git, "-C", str(origin), "tag", "v1"], check=True)
    head = subprocess.run(
        [*git, "-C", str(origin), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    for version in ("main", "v1", head):
        folder = tmp_path / version
        folder.mkdir()
        subprocess.run(
            ["bash", "-ec", "\n".join(lines)],
            cwd=folder,
            env={**os.environ, "WIRE_SOURCE": str(origin), "WIRE_VERSION": version},
            check=True,
        )
        got = subprocess.run(
            [*git, "-C", str(folder / ".agents-on-the-wire"), "rev-parse", "HEAD"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        assert got == head, f"{version}: {got}"


def test_the_shards_are_numbered_for_the_matrix(tmp_path):
    """The reusable workflow's first job makes a JSON list of what it is given, or says what it wants."""
    table = yaml.safe_load((ROOT / ".github" / "workflows" / "notebooks.yml").read_text(encoding="utf-8"))
    script = table["jobs"]["plan"]["steps"][0]["run"]

    def numbered(shards: str):
        output = tmp_path / "output"
        output.write_text("", encoding="utf-8")
        environment = {**os.environ, "SHARDS": shards, "GITHUB_OUTPUT": str(output)}
        done = subprocess.run(
            [*SHELL, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        return json.loads(output.read_text().split("=")[1]) if done.returncode == 0 else done.stderr

    assert numbered("3") == [1, 2, 3]
    assert numbered("1") == [1]
    assert len(numbered("256")) == 256
    for wrong in ("0", "2.5", "-1", "257", "1000", "$(touch hacked)"):
        assert isinstance(numbered(wrong), str), wrong
