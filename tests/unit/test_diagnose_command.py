"""The text of the diagnosis, the command `course diagnose`, and how its accuracy is measured."""

import json

import pytest
from typer.testing import CliRunner

from bench.diagnosis import report
from bench.recipes import Recipe, recipes
from course.cli import app
from course.diagnose import diagnose, kinds, record, text
from course.diagnose.texts import read
from course.turns import turns
from support.diagnosed import CALL, ERROR, RUN, act, call, found, healthy, refused
from support.refusals import cases


def test_every_kind_has_a_title_a_reason_and_a_next_step():
    assert len(kinds()) >= 14
    for fault in kinds().values():
        assert fault.title
        assert fault.why
        assert fault.next


def test_the_console_explains_a_kind_once():
    error = ERROR.format("1 / 0", "ZeroDivisionError: division by zero")
    records = [call(1, CALL), act(1, "1 / 0", error=error), call(2, CALL), act(2, "1/0", error=error)]
    made = turns(records)
    said = text(diagnose(made), made)
    assert said.count("why: ") == said.count("next: ") == 1
    assert "as in turn 1\n" in said
    assert said.endswith("2 findings of 1 kind in 2 turns (2 exchanges, 2 steps)")
    where = f"step.error[{error.index('due to')}:{len(error)}]"
    assert f"   {where}: 'due to: ZeroDivisionError: division by zero'\n" in said


def test_a_finding_names_its_run_where_there_are_several():
    error = ERROR.format("1 / 0", "ZeroDivisionError: division by zero")
    records = [RUN, call(1, CALL), act(1, "1 / 0", error=error)]
    again = [RUN, call(2, CALL), act(2, "1 / 0", error=error)]
    made = turns([*records, *again])
    assert [(f.run, f.turn) for f in found([*records, *again])] == [(1, 1), (2, 1)]
    said = text(diagnose(made), made)
    assert "── Run 2, turn 1 · " in said
    assert "as in run 1, turn 1" in said
    assert "── Turn 1 · " in text(diagnose(turns(records)), turns(records))


def test_a_command_to_copy_is_on_a_line_of_its_own():
    records = [RUN, refused(401, {"message": "Invalid API Key"}), refused(418, "Short and stout")]
    made = turns(records)
    lines = [line.strip() for line in text(diagnose(made), made, width=40, tape="a b.jsonl").splitlines()]
    assert "KEY=… SERVER=http://127.0.0.1:8080 course ask" in lines
    assert "course view 'a b.jsonl'" in lines


@pytest.fixture
def run(tmp_path):
    """`course diagnose` on a tape with these records."""

    def invoke(records, *options, name="t.tape.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        return CliRunner().invoke(app, ["diagnose", str(path), *options])

    return invoke


def test_a_healthy_tape_prints_one_line_and_exits_with_0(run):
    result = run(healthy())
    assert result.exit_code == 0
    assert result.output.count("\n") == 1
    assert "3 turns (3 exchanges, 3 steps)" in result.output
    assert f"{sum(not kind.remark for kind in kinds().values())} kinds" in result.output


def test_findings_exit_with_1(run):
    result = run([RUN, refused(401, {"message": "Invalid API Key"})])
    assert result.exit_code == 1
    for part in ("wrong-key", "response.error.message[0:15]", "'Invalid API Key'", "why:", "next:", "KEY=…"):
        assert part in result.output


def test_json_is_a_list_of_objects(run):
    records = [refused(401, {"message": "Invalid API Key"})]
    result = run(records, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [json.loads(json.dumps(record(f))) for f in found(records)]
    assert run(healthy(), "--json").output == "[]\n"


def test_the_measurement_counts_missed_and_false_findings():
    """Two of three findings are right; two of four faults are found."""
    labels = [
        ("a", {"busy", "wrong-key"}, {"busy"}),
        ("b", {"busy"}, {"busy", "max-steps"}),
        ("c", {"client-disconnected"}, set()),
    ]
    labels += [("d", set(), set())]
    said = report([(Recipe(n, frozenset(e), print), frozenset(f)) for n, e, f in labels])
    for part in (
        "precision 66.7 %",
        "recall    50.0 %",
        "missed: wrong-key",
        "not there: max-steps",
        "finding: 1 of 1",
    ):
        assert part in said


def test_every_refusal_is_measured_by_a_recipe_or_a_public_report():
    known = recipes()
    recorded, reported = set().union(*(r.expected for r in known)), {c["kind"] for c in cases().values()}
    assert recorded | reported <= set(kinds())
    assert {rule["kind"] for rule in read("refusals.toml")["refusal"]} <= recorded | reported
    assert len({r.name for r in known}) == len(known)
    assert sum(not r.expected for r in known) >= 15


def test_unreadable_tapes_exit_with_2(run, tmp_path):
    (tmp_path / "garbage").write_bytes(b"\x00\x01\n")
    missing, garbage = (CliRunner().invoke(app, ["diagnose", str(tmp_path / n)]) for n in ("none", "garbage"))
    for result in (missing, garbage, run([]), run([{"_type": "note"}])):
        assert result.exit_code == 2
        assert result.stderr.startswith("course: ")
        assert "course ask" in result.stderr


def test_a_cut_off_tape_is_diagnosed_as_far_as_it_goes(run, tmp_path):
    """The loss is reported on stderr, and stdout stays valid JSON."""
    run([refused(401, {"message": "Invalid API Key"}), *healthy()])
    path = tmp_path / "t.tape.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    result = CliRunner().invoke(app, ["diagnose", str(path), "--json"])
    assert [f["kind"] for f in json.loads(result.stdout)] == ["wrong-key"]
    assert "is cut off" in result.stderr
