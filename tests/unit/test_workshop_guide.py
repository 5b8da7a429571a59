"""The instructor's guide and the hand-out: minutes, findings and commands are those of the course."""

import json
import re
import tomllib

import jupytext
import pytest
import typer

from authoring import lessons, workshop
from authoring.slides import reading
from course import ROOT, diagnose
from course.cli import app

GUIDE, HANDOUT = (ROOT / "workshop" / name for name in ("guide.md", "handout.md"))
PAGES = [GUIDE, HANDOUT]
NOT_FINDINGS = {"llama-server"}


def test_the_schedules_have_the_minutes_of_the_lessons():
    """Read from the notebooks, not by the code that made the tables."""
    row = r"\| (\d+) \| \[(\w+) [^]]*\]\(\.\./notebooks/(\S+)\.ipynb\)(, tapes 1 to 5)?"
    rows = re.findall(row, GUIDE.read_text("utf-8"))
    assert len(rows) >= 10
    for minutes, number, stem, shorter in rows:
        cells = jupytext.read(ROOT / "notebooks" / "source" / f"{stem}.py").cells
        said = next(
            filter(None, (re.search(r"\*\*Minutes:\*\* (\d+)(?: \(or (\d+))?", c.source) for c in cells))
        )
        assert minutes == said[2 if shorter else 1], (
            f"{number}: {minutes} in the guide, {said[0]} in the lesson"
        )


@pytest.mark.parametrize("schedule", [workshop.HALF_DAY, workshop.FULL_DAY], ids=["half", "full"])
def test_a_schedule_adds_up_and_never_teaches_for_two_hours_without_a_break(schedule):
    times = re.findall(r"^\| (\d\d):(\d\d) \| (\d*) \|", workshop.table(schedule), re.MULTILINE)
    at = [60 * int(hour) + int(minute) for hour, minute, _ in times]
    assert [a + int(m) for a, (_, _, m) in zip(at, times[:-1], strict=False)] == at[1:]
    known, since = workshop.every(), 0
    for item in schedule:
        minutes, text = workshop.planned(item, known)
        since = 0 if text in ("Break", "Lunch") else since + minutes
        assert since < 120, f"{since} minutes without a break at {text}"


def test_a_schedule_follows_a_lesson_that_changes_its_minutes(tmp_path):
    path = tmp_path / "13_new.py"
    path.write_text(
        "# %% [markdown]\n# # 13 · New\n#\n# **Minutes:** 61 (or 30, …) · **Needs:** nothing\n", "utf-8"
    )
    made = workshop.facts(path)
    assert workshop.planned("13", {"13": made})[0] == 61
    assert workshop.planned("13*", {"13": made})[0] == 30


def test_which_lessons_start_servers_of_their_own():
    known = workshop.every()
    assert {number for number, one in known.items() if one.own} >= {"01", "02", "06", "07", "09", "10"}
    assert {number for number, one in known.items() if not one.own} >= {
        "00",
        "03",
        "04",
        "05",
        "08",
        "11",
        "12",
    }
    assert all(one.own or one.shared for one in known.values())


def test_every_finding_that_the_guide_names_exists():
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", GUIDE.read_text("utf-8"))) - NOT_FINDINGS
    assert len(named) > 20
    assert sorted(named - set(diagnose.kinds())) == []


def test_the_guide_has_advice_for_every_lesson_and_no_other():
    guide = GUIDE.read_text("utf-8")
    wanted = {path.stem[:2] for path in lessons.sources()}
    parts = ("**Say:**", "**Goes wrong:**", "**Ask:**")
    lacking = {
        number: [p for p in parts if p not in reading.advice(guide, number)] for number in sorted(wanted)
    }
    assert {number: p for number, p in lacking.items() if p} == {}
    assert set(re.findall(r"^### (\d\d)\b", guide, re.MULTILINE)) == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_that_is_named_exists_with_its_options(page):
    group = typer.main.get_command(app)
    spans = re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))
    said = [
        found.groups() for span in spans if (found := re.match(r"(?:\w+=\S+ )*course ([a-z]+)\b(.*)", span))
    ]
    assert said
    for name, rest in said:
        assert name in group.commands, f"course {name}"
        command = group.commands[name]
        if inner := getattr(command, "commands", {}):
            sub = rest.partition(" ")[2].partition(" ")[0]
            assert sub in inner, f"course {name}{rest}"
            command = inner[sub]
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        used = set(re.findall(r"(?<!\S)--[a-z-]+", rest.partition(" -- ")[0]))
        assert used <= known, f"course {name}: {used - known}"


def test_every_target_that_is_named_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}
    assert named
    assert named <= targets, named - targets


def test_the_place_for_the_sizing_table_is_there_once():
    guide = GUIDE.read_text("utf-8")
    assert guide.count("<!-- learners -->") == guide.count("<!-- /learners -->") == 1
    assert guide.index("<!-- learners -->") < guide.index("<!-- /learners -->")


def test_the_questions_of_the_hand_out_are_those_of_lesson_12_and_two_around_them():
    """The words of its table, without the numbers' column."""
    rows = re.compile(r"^\|? ?\| (\d) \| ([^|]+) \|", re.MULTILINE)
    [lesson] = [path for path in lessons.sources() if path.stem.startswith("12_")]
    text = re.sub(r"^# ?", "", lesson.read_text("utf-8"), flags=re.MULTILINE)
    theirs, ours = dict(rows.findall(text)), dict(rows.findall(HANDOUT.read_text("utf-8")))
    assert len(theirs) == 6
    assert {number: ours.get(number) for number in theirs} == theirs
    assert len(ours) == 8


def test_the_modules_of_the_slides_are_pinned_and_their_lock_names_no_registry():
    folder = ROOT / "authoring" / "slides"
    lock, wanted = (
        json.loads((folder / name).read_text("utf-8")) for name in ("package-lock.json", "package.json")
    )
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert all(
        packages[f"node_modules/{name}"]["version"] == version
        for name, version in wanted["dependencies"].items()
    )
    assert all("integrity" in package and "resolved" not in package for package in packages.values())
    assert "markdown-it-py" in " ".join(
        tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["test"]
    )


def test_the_slides_to_show_exist():
    """The titles that the half day names are sections of lessons."""
    text = GUIDE.read_text("utf-8")
    named = " ".join(text[text.index("A deck is a whole lesson.") :].split("\n\n")[0].split())
    sections = {
        line.removeprefix("# ## ")
        for source in (ROOT / "notebooks" / "source").glob("*.py")
        for line in source.read_text("utf-8").splitlines()
    }
    titles = re.findall(r"\*([^*]+)\*", named)
    assert len(titles) >= 10
    assert [title for title in titles if title not in sections] == []
