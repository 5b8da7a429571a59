"""The canary's issue: one at most, and its text."""

import json
import sys

import pytest

from authoring.canary import issue
from authoring.canary.bisect import Culprit, Found, Verdict
from authoring.canary.checks import Check, Failure
from course.errors import CourseError

GH = """#!{python}
import json, sys
from pathlib import Path
store = Path({store!r})
issues = json.loads(store.read_text()) if store.exists() else []
arguments = sys.argv[1:]
option = lambda name: arguments[arguments.index(name) + 1]
match arguments[:2]:
    case ["issue", "list"]:
        found = [i for i in issues if i["open"] and option("--label") in i["labels"]]
        print(json.dumps([{{key: i[key] for key in option("--json").split(",")}} for i in found]))
    case ["issue", "create"]:
        body, labels = Path(option("--body-file")).read_text(), [option("--label")]
        issues.append(dict(number=len(issues) + 1, open=True, title=option("--title"), labels=labels, body=body))
        print("https://example.org/" + str(len(issues)))
    case ["issue", "edit"]:
        issues[int(arguments[2]) - 1]["body"] = Path(option("--body-file")).read_text()
    case ["issue", "close"]:
        issues[int(arguments[2]) - 1]["open"] = False
    case ["label", "create"]:
        assert "--force" in arguments
    case _:
        sys.exit("unknown command")
store.write_text(json.dumps(issues))
"""
CONTEXT = issue.Context("abc1234", (), "3.12.1", "Linux", 90.0)
CHANGED = {"openai": ("3.54.0", "3.57.0"), "jiter": ("0.18.0", "0.19.0"), "pytest": ("9.2.0", "9.3.0")}


@pytest.fixture
def hosted(tmp_path, monkeypatch):
    """The issues of a repository, as this gh keeps them."""
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    store = tmp_path / "issues.json"
    program.write_text(GH.format(python=sys.executable, store=str(store)), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    def issues():
        return json.loads(store.read_text())

    issues.store = store
    return issues


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "issue.md"
    path.write_text("first", encoding="utf-8")
    return path


def test_there_is_never_a_second_issue(hosted, body):
    issue.publish(body)
    body.write_text("second", encoding="utf-8")
    issue.publish(body)
    assert [(one["open"], one["body"]) for one in hosted()] == [(True, "second")]


def test_another_issue_with_the_label_is_left_alone(hosted, body):
    other = dict(number=1, open=True, title="A canary for Windows", labels=[issue.LABEL], body="mine")
    hosted.store.write_text(json.dumps([other]))
    issue.publish(body)
    issue.settle()
    assert [(one["open"], one["body"]) for one in hosted()] == [(True, "mine"), (False, "first")]


def test_an_issue_is_no_longer_than_github_takes():
    failures = [Failure("t.py::test[" + "x" * 5000, "", "line\n" * 100_000, "t.py")] * 50
    text = told(failures=failures)
    assert len(text) < 65_536, f"{len(text)} characters"


def test_the_first_night_that_passes_closes_it_and_the_next_break_opens_another(hosted, body):
    issue.publish(body)
    issue.settle()
    issue.settle()
    issue.publish(body)
    assert [one["open"] for one in hosted()] == [False, True]


def test_without_gh_it_says_how_to_go_on(monkeypatch, tmp_path, body):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match="gh"):
        issue.publish(body)


def told(verdict=Verdict.GUILTY, *culprits, failures=(), check=None):
    found = Found(verdict, culprits, 9, "the newest packages")
    return issue.describe(found, CHANGED, failures, check or Check.of_pytest(), CONTEXT, {"new": (None, "1")})


def test_it_says_who_from_which_version_to_which_and_who_came_along():
    text = told(Verdict.GUILTY, Culprit(frozenset({"openai"}), frozenset({"jiter"})))
    assert "`openai` 3.54.0 → 3.57.0" in text
    assert text.index("`openai`") < text.index("`jiter`")
    assert "| new | – | 1 |" in text


def test_it_gives_the_first_failure_its_output_and_the_file_alone_to_reproduce_it():
    failures = [
        Failure("a.ipynb::cell 3", "boom", "```\ntrace", "a.ipynb"),
        Failure("t.py::test", "", "", "t.py"),
    ]
    text = told(Verdict.GUILTY, Culprit(frozenset({"openai"})), failures=failures)
    assert text.index("a.ipynb::cell 3") < text.index("t.py::test")
    assert "````\n```\ntrace\n````" in text, "output with a fence of its own must not end the block"
    assert "--target a.ipynb --target t.py --only openai" in text


@pytest.mark.parametrize("verdict", [Verdict.FLAKY, Verdict.LOCK_FAILS])
def test_who_is_not_known_is_not_named(verdict):
    text = told(verdict, failures=[Failure("t.py::test", "", "", "t.py")])
    assert "Guilty" not in text
    assert "--only" not in text
