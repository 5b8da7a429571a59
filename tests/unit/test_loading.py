"""What reading a tape promises: whatever the file is, a clear answer, and nothing lost before the damage."""

import json
import re
import tracemalloc

import httpx
import pytest
from jsonschema import Draft202012Validator
from smolagents.utils import AgentGenerationError
from typer.testing import CliRunner

from course import diagnose, view
from course.agent import record_run, tool_agent
from course.cli import app
from course.errors import CourseError
from course.tape import RecordingTransport, Tape
from course.tape.loading import BOM
from course.tape.schema import RECORDS, flaws, json_schema
from course.turns import turns
from support.records import SYSTEM, entry, reply, step
from support.scripted import QUIET, Script, call, look, refused


@pytest.fixture
def tape(tmp_path):
    """A tape of three exchanges."""
    tape = Tape(tmp_path / "t.tape.jsonl")
    answer = httpx.MockTransport(lambda request: httpx.Response(200, json={"said": request.content.decode()}))
    with httpx.Client(transport=RecordingTransport(answer, tape)) as client:
        for n in range(3):
            client.post("http://x/v1/chat/completions", content=f"{n}")
    return tape


def sent(records):
    return [r["request"]["postData"]["text"] for r in records if r["_type"] == "entry"]


def broken(path, says):
    """The tape, read with a problem that matches `says`."""
    reported = []
    tape = Tape.read(path, report=reported.append)
    assert tape.problems == reported
    assert any(re.search(says, problem) for problem in reported), reported
    return tape


@pytest.mark.parametrize("read", [Tape, Tape.read])
def test_a_problem_is_a_warning_at_the_line_that_reads_the_tape(tape, read):
    with tape.path.open("a") as file:
        file.write('{"_type": "ent')
    with pytest.warns(RuntimeWarning, match="line 5 of .* is cut off") as seen:
        again = read(tape.path)
    assert [str(warning.message) for warning in seen] == again.problems
    assert seen[0].filename == __file__


@pytest.mark.attack("tape", "a tape that is cut off", "read up to there and reported")
@pytest.mark.parametrize("cut", [1, 2, 100, 1000])
def test_a_line_that_is_cut_off_costs_only_itself(tape, cut):
    raw = tape.path.read_bytes()
    tape.path.write_bytes(raw[:-cut])
    if cut == 1:  # all but the line's end: nothing is missing
        assert sent(Tape.read(tape.path).records()) == ["0", "1", "2"]
    else:
        assert sent(broken(tape.path, "line 4 .* is cut off").records()) == ["0", "1"]


@pytest.mark.attack(
    "tape", "random bytes after good lines", "the lines before are read, the rest is reported"
)
def test_garbage_after_good_lines_costs_only_itself(tape):
    with tape.path.open("ab") as file:
        file.write(bytes(range(256)) * 40)
    again = broken(tape.path, "not a JSON object|cut off|more lines")
    assert sent(again.records()) == ["0", "1", "2"]
    assert len(again.problems) <= 11, "many lines of garbage are summed up"
    assert "more lines" in again.problems[-1]


@pytest.mark.attack("tape", "a picture, garbage, a list, nothing as a tape", "refused in words")
def test_an_error_says_what_is_not_a_tape(tmp_path):
    path = tmp_path / "x"
    for raw, says in [
        (b"\x00\x01garbage\n", "none of its 1 lines is a JSON object"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "not a tape"),
        (b"[1, 2]\n", "not a tape"),
        (b'{"a": ', "not a tape"),
        (b"", "is empty"),
        (b"\n \n", "is empty"),
    ]:
        path.write_bytes(raw)
        with pytest.raises(CourseError, match=says):
            Tape.read(path)
    path.unlink()
    with pytest.raises(CourseError, match="there is no tape"):
        Tape.read(path)


def test_the_error_for_a_directory_names_a_tape_in_it(tape):
    with pytest.raises(CourseError, match=r"is a directory(.|\n)*t\.tape\.jsonl"):
        Tape.read(tape.path.parent)


def test_an_empty_file_can_be_recorded_to(tmp_path):
    (tmp_path / "new").touch()
    tape = Tape(tmp_path / "new")
    tape.add({"_type": "step"})
    assert len(Tape.read(tape.path).steps) == 1


def test_a_line_longer_than_the_limit_is_skipped_and_never_in_memory(tape):
    """Ten megabytes with a limit of one; the lines before and after it are read."""
    with tape.path.open("ab") as file:
        file.write(b'{"_type": "entry", "x": "' + b"x" * 10 * 2**20 + b'"}\n{"_type": "step"}\n')
    tracemalloc.start()
    again = Tape.read(tape.path, limit=2**20, report=lambda problem: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert re.search("line 5 of .* 10,485,787 bytes.* 1,048,576", *again.problems)
    assert sent(again.records()) == ["0", "1", "2"]
    assert len(again.steps) == 1
    assert peak < 5 * 2**20, f"{peak:,} bytes at the peak"


BROWSER = {  # the shape of an export from a browser's developer tools: no field of ours, some of its own
    "log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [{"id": "page_1", "title": 'a \\"entries\\": [ in a title'}],
        "entries": [
            {
                "_initiator": {"type": "script"},
                "startedDateTime": "2026-01-01T00:00:00.000Z",
                "time": 12.5,
                "request": {
                    "method": "POST",
                    "url": f"http://localhost:8080/v1/chat/completions?n={n}",
                    "headers": [{"name": ":authority", "value": "localhost"}],
                    "postData": {"mimeType": "application/json", "text": f"{n}"},
                },
                "response": {"status": 200, "content": {"size": 2, "mimeType": "application/json"}},
                "timings": {"blocked": 1, "send": 0, "wait": 10, "receive": 1.5},
            }
            for n in range(3)
        ],
    }
}


@pytest.mark.attack("tape", "a BOM before a HAR file, on one line or several", "read")
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_browsers_har_is_read(tmp_path, indent, bom):
    path = tmp_path / "browser.har"
    path.write_text(bom + json.dumps(BROWSER, indent=indent), encoding="utf-8")
    tape = Tape.read(path)
    assert sent(tape.records()) == ["0", "1", "2"]
    assert [e["_id"] for e in tape.entries] == [1, 2, 3]
    assert tape.entries[0]["_initiator"] == {"type": "script"}, "unknown fields are kept"
    with pytest.raises(CourseError, match="is a HAR file"):
        tape.add({"_type": "step"})
    with pytest.raises(CourseError, match="is a HAR file"):
        Tape(path)


@pytest.mark.attack(
    "tape", "a HAR file that is cut off", "the complete entries are read, and the cut is reported"
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_complete_entries_of_a_har_that_is_cut_off_are_read(tmp_path, indent):
    path, text = tmp_path / "browser.har", json.dumps(BROWSER, indent=indent)
    path.write_text(text[: text.index("n=2")])
    assert sent(broken(path, "cut off or damaged. 2 of its entries").records()) == ["0", "1"]


def test_a_har_larger_than_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "browser.har"
    path.write_text(json.dumps(BROWSER))
    with pytest.raises(CourseError, match=r"HAR file of [\d,]+ bytes.* 1,000"):
        Tape.read(path, limit=1000)


def test_our_own_export_comes_back_as_it_was(tape, tmp_path):
    again = Tape.read(tape.export(tmp_path / "t.har"))
    assert again.entries == [{"_type": "entry", **e} for e in tape.entries]


def test_what_is_unknown_is_kept(tape):
    """Records and fields of a later version: no warning, nothing lost."""
    with tape.path.open("a") as file:
        file.write('{"_type": "dream", "of": "sheep"}\n{"_type": "step", "mood": "good"}\n{"untyped": 1}\n')
    dream, step, untyped = Tape.read(tape.path).records()[3:]
    assert dream == {"_type": "dream", "of": "sheep"}
    assert step["mood"] == "good"
    assert untyped["_type"] == "?"


def test_a_later_format_is_read_and_reported(tape):
    tape.path.write_text(tape.path.read_text().replace('"version": 1', '"version": 2'))
    assert sent(broken(tape.path, "version 2 .* version 1").records()) == ["0", "1", "2"]


@pytest.mark.attack(
    "tape", "two tapes in one file, CR LF at the ends of lines, a BOM", "read; no number twice"
)
@pytest.mark.parametrize(
    "change", [lambda raw: raw, lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: BOM + raw]
)
def test_tapes_can_be_concatenated(tape, change):
    tape.path.write_bytes(change(tape.path.read_bytes() * 2))
    assert sent(Tape.read(tape.path).records()) == ["0", "1", "2"] * 2
    assert [e["_id"] for e in Tape.read(tape.path).entries] == [1, 2, 3, 4, 5, 6]


@pytest.mark.attack("tape", "a HAR file in UTF-16, on one line or several", "read", fell=2)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_har_or_a_tape_in_utf_16_is_read(tape, tmp_path, coding, indent):
    """As PowerShell writes it with `>`."""
    har, lines = tmp_path / "browser.har", tmp_path / "lines.tape.jsonl"
    har.write_bytes(json.dumps(BROWSER, indent=indent).encode(coding))
    lines.write_bytes(tape.path.read_text().encode(coding))
    for path in (har, lines):
        assert sent(Tape.read(path, report=pytest.fail).records()) == ["0", "1", "2"]


@pytest.mark.attack("tape", "a HAR file with another first key", "read", fell=2)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("first", [{"comment": "mine"}, {"version": {"a": {"log": 1}}}, {"x": "y" * 9000}])
def test_a_har_that_begins_with_another_key_is_read(tmp_path, first, indent):
    path = tmp_path / "browser.har"
    path.write_text(json.dumps({**first, **BROWSER}, indent=indent))
    tape = Tape.read(path, report=pytest.fail)
    assert sent(tape.records()) == ["0", "1", "2"]
    with pytest.raises(CourseError, match="is a HAR file"):
        tape.add({"_type": "step"})


@pytest.mark.attack("tape", "JSON that is neither a tape nor HAR", "reported", fell=2)
def test_json_without_a_record_of_a_tape_is_said(tmp_path):
    path = tmp_path / "package.json"
    path.write_text('{"name": "x"}\n')
    assert broken(path, "nothing in .* is a record of a tape").entries == []


@pytest.mark.attack("tape", "Firefox's HAR file with a blocked request (status 0)", "a page", fell=2)
def test_a_request_that_a_browser_blocked_is_shown(tmp_path):
    blocked = {
        "startedDateTime": "2026-01-01T00:00:00.000+01:00",
        "time": 0,
        "request": {**BROWSER["log"]["entries"][0]["request"], "bodySize": 1},
        "response": {"status": 0, "statusText": "", "headers": [], "cookies": [], "redirectURL": "", "bodySize": -1,
                     "content": {"mimeType": "text/plain", "size": 0, "text": ""}},
        "timings": {"blocked": 0, "dns": 0, "connect": 0, "ssl": 0, "send": 0, "wait": 0, "receive": 0},
        "_securityState": "insecure",
    }  # fmt: skip
    bare = {**blocked, "response": {**blocked["response"], "content": {}}, "timings": {}, "time": None}
    path = tmp_path / "firefox.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": [blocked, bare]}}))
    made = turns(Tape.read(path, report=pytest.fail).records())
    assert [t.status for t in made] == [0, 0]
    found = diagnose.diagnose(made)
    assert view.page(made, findings=found)
    assert all(view.text(turn) for turn in made)


@pytest.mark.attack("tape", "10^5 nested lists in a line of a tape", "skipped and reported")
def test_a_line_that_python_cannot_read_costs_only_itself(tape):
    good = json.dumps(GOOD)
    odd = [
        '{"_type": "step", "code": ' + "[" * 10**5 + "]" * 10**5 + "}",
        good[:-1] + ', "more": ' + "9" * 5000 + "}",
        good[:-1] + ', "time": 1, "time": 2, "_id": 18446744073709551616}',
    ]
    with tape.path.open("a") as file:
        file.write("\n".join(odd) + "\n")
    reported = []
    again = Tape.read(tape.path, report=reported.append)
    assert len(again.entries) >= 4
    assert again.entries[-1]["time"] == 2
    assert any("line 5 of" in problem for problem in reported)


def test_an_invalid_record_is_set_aside(tape):
    bad = {**tape.entries[0], "request": "GET /"}
    with tape.path.open("a") as file:
        file.write(json.dumps(bad) + '\n{"_type": "step"}\n')
    again = broken(tape.path, "line 5 of .*: request is text, not an object")
    assert sent(again.records()) == ["0", "1", "2"]
    assert len(again.steps) == 1
    assert again.records()[3] == {
        "_type": "invalid",
        "_problem": "request is text, not an object",
        "record": bad,
    }


GOOD = {"_type": "entry", "request": {"method": "GET", "url": "http://x/", "headers": []}}


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"request": None}, "request is missing"),
        ({"request": {"method": "GET"}}, "request.url is missing"),
        ({"time": "1"}, "time is text, not a number"),
        ({"_id": 1.5}, "_id is a number, not a whole number"),
        ({"_chunks": [[1, 2], [1]]}, "_chunks is a list, not a list of [milliseconds, bytes]"),
        ({"response": {"headers": [{"name": "a"}]}}, "response.headers[0].value is missing"),
        ({"response": {"headers": {}}}, "response.headers is an object, not a list"),
        ({"response": {"status": True}}, "response.status is true or false, not a whole number"),
        (
            {"response": {"content": {"encoding": "base64", "text": "a"}}},
            "response.content.text is not base64: Invalid",
        ),
        (
            {"request": {"method": "GET", "url": "http://x/", "headers": [None]}},
            "request.headers[0] is null, not an object",
        ),
        ({"_id": float("nan")}, "_id is a number, not a whole number"),
        (
            {"_type": "step", "memory": [["user", 4]]},
            "memory is a list, not a list of [role, characters, CRC-32]",
        ),
        ({"_type": "step", "tool_calls": [{"name": 1}]}, "tool_calls[0].name is a number, not text"),
        ({"_type": "step", "model_output": 1}, "model_output is a number, not text or a list"),
        ({"response": None, "_chunks": None, "_error": None, "more": 1}, None),
        ({"_id": 7.0}, None),
        ({"_id": 1e300}, "_id is a number, not a whole number"),
        ({"_id": float("inf")}, "_id is a number, not a whole number"),
        (
            {"_type": "step", "memory": [["user", 1e300, "0"]]},
            "memory is a list, not a list of [role, characters, CRC-32]",
        ),
        ({"_type": ["unhashable"]}, None),
    ],
)
def test_the_schema_names_what_is_wrong(change, flaw):
    found = flaws({**GOOD, **change})
    assert [f[: len(flaw)] for f in found] == [flaw] if flaw else found == []


@pytest.mark.attack(
    "tape",
    "view of a step whose memory has 2.0, 1e3 or 1e300 characters",
    "counted, or set aside with what is wrong",
    fell=2,
)
@pytest.mark.parametrize("number", ["2.0", "1e3", "-0.0", "1e300", "1e400", "NaN", "2.5"])
def test_a_whole_number_may_be_written_with_a_point_or_an_exponent(tmp_path, number):
    """JSON Schema calls 2.0 an integer. Everything that reads a tape gets an int."""
    path = tmp_path / "t.tape.jsonl"
    made = reply("r1")
    lines = [
        json.dumps(entry(1, [SYSTEM], made)),
        json.dumps(step("r1", memory=[["system", 4711, None]], more=[1.0])),
    ]
    path.write_text("\n".join(lines).replace("4711", number) + "\n")
    done = CliRunner().invoke(app, ["view", str(path)])
    assert done.exit_code == 0, done.output
    *_, last = Tape.read(path, report=lambda _: None).records()
    if number in ("2.0", "1e3", "-0.0"):
        found = last["memory"][0][1]
        assert (type(found), found, last["more"]) == (int, float(number), [1.0])
    else:
        assert last["_type"] == "invalid"


def test_what_is_recorded_fits_the_schema(tmp_path):
    """A tape with a run, every field of a step, a tool call and a refused request: by our check and by any validator."""
    tape = Tape(tmp_path / "t.tape.jsonl")
    script = Script(call("look", what="it"), call("final_answer", answer="4"), refused(400))
    agent = tool_agent(script.model(tape), [look], **QUIET)
    record_run(tape, "How much?", script, agent.model)
    agent.run("How much?")
    with pytest.raises(AgentGenerationError):
        agent.run("And now?")
    lines = [json.loads(line) for line in tape.path.read_text(encoding="utf-8").splitlines()]
    assert {line["_type"] for line in lines} == set(RECORDS) - {"replay"}, "that one is in test_replay.py"
    assert [flaws(line) for line in lines] == [[]] * len(lines)
    validator = Draft202012Validator(json_schema())
    for line in lines:
        validator.validate(line)
    known = json_schema()["$defs"]["Step"]["properties"]
    assert {field for line in lines if line["_type"] == "step" for field in line} == set(known)


@pytest.mark.parametrize(
    ("record", "valid"),
    [
        (GOOD, True),
        ({**GOOD, "_id": 1.0, "more": 1}, True),
        ({"_type": "dream"}, True),
        ({"untyped": 1}, True),
        ({**GOOD, "_id": "1"}, False),
        ({**GOOD, "_id": 1.5}, False),
        ({**GOOD, "_chunks": [[1]]}, False),
        ({"_type": "entry"}, False),
        ({"_type": "step", "memory": [["user", 4]]}, False),
        ({"_type": "step", "memory": [["user", 4, "9b0b5a4c"], ["user", None, None]]}, True),
        ({"_type": "tape"}, False),
    ],
)
def test_the_json_schema_agrees_with_the_check(record, valid):
    assert Draft202012Validator(json_schema()).is_valid(record) is valid
    assert (flaws(record) == []) is valid


def test_view_reports_what_it_could_not_read_and_shows_the_rest(tmp_path):
    tape = Tape(tmp_path / "t.tape.jsonl")
    tape.add(
        {"_type": "entry", "request": {"method": "GET", "url": "http://x/"}, "response": {"status": 200}}
    )
    with tape.path.open("a") as file:
        file.write('{"_type": "ent')
    done = CliRunner().invoke(app, ["view", str(tape.path)])
    assert done.exit_code == 0, done.output
    assert "line 3 of" in done.stderr
    assert "is cut off (14 bytes)" in done.stderr
    assert "Warning" not in done.stderr
    foreign = tape.export(tmp_path / "other.har")
    before = json.loads(foreign.read_text())
    done = CliRunner().invoke(app, ["view", str(foreign), "-o", str(foreign)])
    assert done.exit_code == 1
    assert "is the tape itself" in done.stderr
    assert json.loads(foreign.read_text()) == before
