"""The workflows, the action and the GitLab template, in the eyes of the platforms' own linters."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from course import ROOT
from support import skips

ACTION = ROOT / "actions" / "run-notebooks" / "action.yml"
REUSABLE = ROOT / ".github" / "workflows" / "notebooks.yml"
TEMPLATE = ROOT / "templates" / "notebooks" / "template.yml"
PAGE = ROOT / "docs" / "ci.md"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = [path for path in sorted((ROOT / ".ci").iterdir()) if path.is_file()]
MODULES = ROOT / "build" / "clients-node" / "node_modules"
BROKEN = """
name: broken
on: {push: {branchs: [main]}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: echo "${{ github.event.head_commit.message }}" "${{ nothing.such }}"
"""


def examples(language="yaml"):
    """The YAML blocks of docs/ci.md."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def tool(name: str, install: str = "make test") -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or skips.missing(name, install)


def ran(*command, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **more
    )


def schema(name: str, *files: Path) -> subprocess.CompletedProcess:
    """The vendored schema of a platform, applied to the files. Asks no network."""
    return ran(tool("check-jsonschema"), "--builtin-schema", f"vendor.{name}", *files)


def service(*files: Path) -> dict[str, list[str]]:
    """What GitHub's own language service says of each file."""
    node = tool("node", "sudo apt-get install nodejs")
    if not (MODULES / "@actions" / "languageservice").is_dir():
        skips.missing("@actions/languageservice", "make test")
    script = ROOT / "tests" / "support" / "languageservice.mjs"
    done = ran(node, script, *files, env={**os.environ, "NODE_MODULES": str(MODULES)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def zizmor(*files: Path) -> subprocess.CompletedProcess:
    return ran(tool("zizmor"), "--offline", "--no-progress", "--quiet", *files)


@pytest.fixture
def broken(tmp_path):
    """A workflow with a misspelled key, a context that does not exist, an unpinned action, and an injection."""
    path = tmp_path / ".github" / "workflows" / "broken.yml"
    path.parent.mkdir(parents=True)
    path.write_text(BROKEN, encoding="utf-8")
    return path


def test_workflows_and_action_satisfy_their_schemas():
    for name, files in (("github-workflows", WORKFLOWS), ("github-actions", [ACTION])):
        done = schema(name, *files)
        assert done.returncode == 0, done.stdout


def test_github_s_language_service_has_nothing_to_say():
    said = service(*WORKFLOWS, ACTION)
    assert len(said) == len(WORKFLOWS) + 1
    assert not {file: found for file, found in said.items() if found}


def test_zizmor_finds_nothing():
    done = zizmor(ROOT / ".github", ROOT / "actions")
    assert done.returncode == 0, done.stdout


def test_each_linter_would_find_something(broken):
    assert schema("github-workflows", broken).returncode != 0
    assert len(service(broken)[str(broken)]) == 2
    found = zizmor(broken).stdout
    for audit in ("unpinned-uses", "template-injection"):
        assert audit in found, found


def test_shellcheck_has_nothing_to_say():
    done = ran(tool("shellcheck", "sudo apt-get install shellcheck"), *SCRIPTS)
    assert done.returncode == 0, done.stdout


def steps(path: Path):
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = table["jobs"].values() if "jobs" in table else [table["runs"]]
    return [step for job in jobs for step in job.get("steps", [])]


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_no_expression_is_part_of_a_command(path):
    """GitHub pastes an expression into the script before bash sees it, so a quote in an input would end a string."""
    for step in steps(path):
        assert "${{" not in step.get("run", ""), f"{path.name}: {step['run']}"


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_each_action_is_pinned_to_a_commit_whose_version_is_named(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if (used := re.search(r"uses: (.*)", line)) and not used[1].startswith("$/"):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used[1]), used[1]


def test_the_reusable_workflow_passes_every_input_on():
    """All that the action takes, but where its own files are; and nothing that it does not take."""
    inputs = set(yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"])
    passed = next(step["with"] for step in steps(REUSABLE) if step.get("uses") == "$/actions/run-notebooks")
    assert set(passed) == inputs - {"source"}


def rendered(**given) -> dict:
    """The template's jobs as GitLab would make them of these inputs. A value that is one input alone keeps its type."""
    header, body = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    values = {name: given.get(name, spec.get("default")) for name, spec in header["spec"]["inputs"].items()}
    whole, part = re.compile(r"\$\[\[ inputs\.(\w+) \]\]$"), re.compile(r"\$\[\[ inputs\.(\w+) \]\]")

    def text(value) -> str:
        return json.dumps(value) if isinstance(value, bool | int) else value

    def render(node):
        if isinstance(node, dict):
            return {render(key): render(value) for key, value in node.items()}
        if isinstance(node, list):
            return [render(value) for value in node]
        if not isinstance(node, str):
            return node
        if alone := whole.match(node):
            return values[alone[1]]
        return part.sub(lambda found: text(values[found[1]]), node)

    return render(body)


@pytest.mark.parametrize("given", [{}, {"shards": 4, "compare": False, "cell_timeout": "30", "job": "a b"}])
def test_the_gitlab_template_satisfies_gitlab_s_schema(given, tmp_path):
    header, _ = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    for name, content in (("header", header), ("body", rendered(**given))):
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        done = schema("gitlab-ci", path)
        assert done.returncode == 0, done.stdout


def test_gitlab_s_schema_would_find_something(tmp_path):
    wrong = rendered()
    wrong["notebooks"]["artifacts"]["when"] = "sometimes"
    path = tmp_path / "body.yml"
    path.write_text(yaml.safe_dump(wrong), encoding="utf-8")
    assert schema("gitlab-ci", path).returncode != 0


def test_no_input_is_part_of_a_command_on_gitlab():
    """GitLab pastes an input into the file before bash sees it; variables that are not expanded stay data."""
    header, body = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    (job,) = body.values()
    for line in [*job["before_script"], *job["script"]]:
        assert "$[[" not in line, line
    typed = {
        name for name, spec in header["spec"]["inputs"].items() if spec.get("type", "string") != "string"
    }
    for name, value in job["variables"].items():
        if (used := re.search(r"\$\[\[ inputs\.(\w+)", json.dumps(value))) and used[1] not in typed:
            assert isinstance(value, dict), name
            assert value["expand"] is False, name


def test_the_examples_of_the_page_are_whole_files(tmp_path):
    """Each block of docs/ci.md is a workflow or a pipeline that its platform would accept."""
    blocks = examples()
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.yml"
        path.write_text(block, encoding="utf-8")
        github = "jobs:" in block
        done = schema("github-workflows" if github else "gitlab-ci", path)
        assert done.returncode == 0, block + done.stdout
        if github:
            assert not service(path)[str(path)], block


def test_the_examples_give_only_inputs_that_exist():
    taken = {
        "actions/run-notebooks@": set(yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]),
        "workflows/notebooks.yml@": set(
            yaml.safe_load(REUSABLE.read_text(encoding="utf-8"))[True]["workflow_call"][
                "inputs"
            ]  # True: `on`
        ),
        "/notebooks@": set(next(yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8")))["spec"]["inputs"]),
    }
    checked = 0
    for block in examples():
        for node in walked(yaml.safe_load(block)):
            used = str(node.get("uses") or node.get("component") or "")
            for place, inputs in taken.items():
                if place in used:
                    given = set(node.get("with") or node.get("inputs") or {})
                    assert given <= inputs, f"{place} does not take {given - inputs}"
                    checked += 1
    assert checked >= 3, "an example of each kind was expected"


def walked(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walked(value)
    elif isinstance(node, list):
        for value in node:
            yield from walked(value)
