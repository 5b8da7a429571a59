"""Made-up input of many kinds: what is readable is read, the rest refused in words; never a traceback, never without end.

Hypothesis makes the same examples each time (`derandomize`, `the_same_examples`). A failure prints the smallest input that
it could find, and how to make it again. `make fuzz` tries many more, others each time.
"""

import contextlib
import copy
import itertools
import json
import os
import socket

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from typer.testing import CliRunner

from course import diagnose, view
from course.cli import app
from course.errors import CourseError
from course.model import profiles
from course.tape import Tape, loading, schema
from course.tools.folder import FolderSearch
from course.turns import turns
from course.turns.bodies import loads
from course.turns.segments import segments
from course.turns.thinking import leak, where_think_is
from support.diagnosed import ANSWER, RUN, SYSTEM, TASK, act, call, verbose
from support.records import entry

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 60))
FUZZ = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=60_000,  # milliseconds for one input: none takes one second, but a machine may be busy
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
NUMBER = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def the_same_examples():
    """Hypothesis also draws numbers and texts that it finds in the modules loaded so far, which are those of earlier tests.

    Which tests came earlier depends on how fast each worker is. So only `make fuzz` does that.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "FUZZ_EXAMPLES" not in os.environ:
            nothing = Constants()
            patch.setattr(providers, "_get_local_constants", lambda: nothing)
            providers.CONSTANTS_CACHE.cache.clear()
        yield
    providers.CONSTANTS_CACHE.cache.clear()


ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**70,
        float("nan"),
        float("inf"),
        1e400,
        "",
        "\ud800",
        "\x1b]52;c;x\x07",
        "\u2028",
        [],
        {},
        [[]],
    ]
)
JSON = st.recursive(
    ODD | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PIECES = st.sampled_from(
    [
        "<think>", "</think>", "\n</think>\n", "<code>", "</code>", "```", "```python\n", "final_answer(1)", "\n", " ",
        "Thought:", "Code:", "Calling tools:\n", "[{'id': 'call_1'", "Observation:", "Error:", "<|im_end|>", "\x00",
        "\ud800", "\u202e", "Here are the facts I know and the plan of action", "def f():", '{"name": "f"}', "<tool_call>",
        "</tool_call>", "behaving like regular python functions:\n", "\nHere are the rules you should always follow",
    ]
)  # fmt: skip
SAID = st.lists(PIECES | st.text(max_size=10), max_size=40).map("".join)
"""What a model might write: the marks that smolagents, llama-server and the course look for, in any order."""


def places(value, path=()):
    """The path to each value in a JSON value, as keys and indices."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


def disturb(draw, value):
    """Replace, remove or repeat one of the values in it."""
    if not (found := list(places(value))):
        return
    *way, last = draw(st.sampled_from(found))
    at = value
    for key in way:
        at = at[key]
    how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "repeat"]))
    if how == "replace":
        at[last] = copy.deepcopy(draw(JSON))  # sampled lists are the same object each time
    elif how == "remove":
        del at[last]
    elif isinstance(at, list):
        at.insert(last, copy.deepcopy(at[last]))


def healthy():
    """A run of three exchanges, whole and streamed, and the bodies in it: each is a dict with its JSON under "text"."""
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    more = {
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
        "timings": {"cache_n": 3, "predicted_ms": 1.5},
    }
    first = call(1, ANSWER, thinking="hm", calls=calls, ask={"tools": [{"function": {"name": "f"}}]}, **more)
    second = call(2, ANSWER, **verbose("<think>"))
    deltas = [
        {"role": "assistant", "content": "a"},
        {"tool_calls": [{"index": 0, **calls[0]}]},
        {"content": "b"},
    ]
    events = [{"id": "r3", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    third = entry(3, [SYSTEM, TASK], {}, sse="stream")
    steps = [act(n, "21 * 2", "42", memory=[["user", 4, "00000000"]]) for n in (1, 2, 3)]
    made = [RUN, first, steps[0], second, steps[1], third, steps[2]]
    return copy.deepcopy((made, [*events, {**events[0], **more}]))


def stream(events):
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


@st.composite
def records(draw):
    """The records of a healthy run, with a few odd values in the records and in the bodies."""
    made, events = healthy()
    for _ in range(draw(st.integers(0, 3))):
        disturb(draw, events)
    made[5]["response"]["content"]["text"] = stream(events)
    for one in (made[1], made[3]):
        for body in (one["request"]["postData"], one["response"]["content"]):
            inner = json.loads(body["text"])
            for _ in range(draw(st.integers(0, 3))):
                disturb(draw, inner)
            body["text"] = json.dumps(inner)
    for _ in range(draw(st.integers(0, 2))):
        disturb(draw, made)
    return made


def looked_at(made):
    """Everything that is made of a tape's records."""
    found = turns(made)
    for turn in found:
        view.text(turn)
    findings = diagnose.diagnose(found)
    view.page(found, "fuzz", findings).encode("utf-8", "backslashreplace")
    json.dumps([diagnose.record(finding) for finding in findings])
    diagnose.text(findings, found, tape="fuzz.tape.jsonl")


def read(path, data):
    """The records of a file with these bytes; None if it was refused in words."""
    path.write_bytes(data)
    try:
        return Tape.read(path, report=lambda problem: None).records()
    except CourseError as error:
        refused = str(error)
    assert "\n" in refused, f"no next command: {refused}"
    return None


def test_the_run_that_is_disturbed_is_a_healthy_one(tmp_path):
    """Otherwise its records would be set aside, and nothing behind that would be tried."""
    made, events = healthy()
    made[5]["response"]["content"]["text"] = stream(events)
    assert [record["_type"] for record in made if schema.flaws(record)] == []
    answers = [turn.exchange.message["content"] for turn in turns(made)]
    assert answers == [ANSWER, ANSWER, "aba"]


@pytest.mark.attack(
    "tape",
    "records of a run with values replaced, removed and repeated",
    "a page and a diagnosis of the rest",
    fell=2,
)
@FUZZ
@given(made=records())
def test_a_tape_with_odd_values_is_looked_at(tmp_path_factory, made):
    lines = "\n".join(json.dumps(record) for record in made)
    kept = read(tmp_path_factory.getbasetemp() / "odd.tape.jsonl", lines.encode())
    if kept is not None:
        looked_at(kept)


@pytest.mark.attack("tape", "bytes of a tape cut out, put in and turned around", "read, or refused in words")
@FUZZ
@given(
    made=records(),
    cuts=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 300), st.binary(max_size=6)), min_size=1, max_size=4
    ),
)
def test_a_tape_with_odd_bytes_is_read_or_refused(tmp_path_factory, made, cuts):
    data = "\n".join(json.dumps(record, ensure_ascii=False) for record in made).encode(
        "utf-8", "surrogatepass"
    )
    for at, length, instead in cuts:
        at %= len(data) + 1
        data = data[:at] + instead + data[at + length :]
    kept = read(tmp_path_factory.getbasetemp() / "bytes.tape.jsonl", data)
    if kept is not None:
        looked_at(kept)


@pytest.mark.attack("tape", "a file of any bytes, or of any JSON", "read, or refused in words")
@FUZZ
@given(
    data=st.binary(max_size=200) | JSON.map(lambda value: json.dumps({"log": {"entries": value}}).encode())
)
def test_any_file_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.tape.jsonl"
    path.write_bytes(data)
    try:
        loaded = loading.load(path)
    except CourseError:
        return
    turns(loaded.records)


@pytest.mark.attack(
    "text", "a model's answer of think, code and tool marks in any order", "cut into parts that add up"
)
@FUZZ
@given(said=SAID, thinking=SAID | st.none(), prompt=SAID | st.none(), total=st.none() | st.integers(0, 10**6))
def test_what_a_model_wrote_is_cut_into_segments(said, thinking, prompt, total):
    messages = [
        SYSTEM,
        TASK,
        {"role": "assistant", "content": said},
        {"role": "user", "content": f"Observation:\n{said}"},
    ]
    exchange = turns([RUN, call(1, said, messages=messages, thinking=thinking)])[0].exchange
    found, _ = segments(exchange.asked, prompt, total)
    if total:
        assert sum(part.tokens for part in found) == total
    cut = leak(said, thinking, prompt)
    assert cut is None or 0 <= cut.end <= len(said)
    where_think_is({"content": said, "reasoning_content": thinking})


@pytest.mark.attack(
    "text", "a whole run in which the model wrote marks in any order", "a page and a diagnosis"
)
@FUZZ
@given(said=SAID, output=SAID)
def test_a_run_of_any_text_is_diagnosed(said, output):
    looked_at([RUN, call(1, said), act(1, said, output), call(2, ANSWER), act(2, said, error=output)])


@pytest.mark.attack(
    "text", "a response's body of any JSON, also nested a hundred thousand deep", "parsed or kept as text"
)
@FUZZ
@given(value=JSON, depth=st.sampled_from([0, 1, 500, 100_000]), mark=st.sampled_from(["[]", "{}"]))
def test_any_body_is_parsed(value, depth, mark):
    opened = "[" if mark == "[]" else '{"a":'
    text = opened * depth + json.dumps(value) + mark[1] * depth
    with contextlib.suppress(ValueError):
        loads(text)
    record = call(1, ANSWER)
    record["response"]["content"]["text"] = text
    turns([RUN, record])


@pytest.mark.attack("server", "a profile of any name", "refused with the names that there are")
@FUZZ
@given(name=st.text(min_size=1, max_size=20))
def test_any_profile_name_is_loaded_or_refused(name):
    refused = ""
    try:
        profiles.load(name)
    except CourseError as error:
        refused = str(error)
    assert "course serve" in refused


@pytest.mark.attack("server", "settings of a profile with any names and values", "flags as text, or refused")
@FUZZ
@given(
    name=st.sampled_from(profiles.names()),
    changes=st.dictionaries(
        st.sampled_from(profiles.CHANGES) | st.text(max_size=8),
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        max_size=4,
    ),
)
def test_any_settings_become_flags_or_are_refused(name, changes):
    changes.pop("extra", None)  # passed on unchanged
    try:
        profiles.check_changes(changes)
        groups = profiles.flag_groups(profiles.load(name), changes, "model.gguf", None)
    except CourseError:
        return
    assert all(isinstance(part, str) for group in groups for part in group)


@pytest.mark.attack(
    "text", "documents of any bytes under any name, and any query", "indexed, or skipped with the reason"
)
@FUZZ
@given(
    documents=st.dictionaries(
        st.sampled_from(["a.txt", "b.md", "c.csv", "d", "e.py", "f.bin"]),
        st.binary(max_size=200)
        | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
        | SAID.map(lambda t: t.encode("utf-16", "surrogatepass")),
        min_size=1,
    ),
    query=st.text(max_size=30),
    results=st.integers(-(2**70), 2**70),
)
def test_a_folder_of_any_documents_is_searched(tmp_path_factory, documents, query, results):
    folder = tmp_path_factory.getbasetemp() / f"documents-{next(NUMBER)}"
    folder.mkdir()
    for name, data in documents.items():
        (folder / name).write_bytes(data)
    try:
        search = FolderSearch(folder)
    except CourseError:
        return
    try:
        assert set(search.files) | set(search.skipped) == set(documents)
        with contextlib.suppress(ValueError):  # no words in it, which the agent reads
            assert isinstance(search.forward(query, results), str)
    finally:
        search.index.close()


WORDS = """-o --output --json --turn --run --server --set --unset --message --key-env --tape -- = 0 1 -1 2 nan TAPE MISSING
    FOLDER a=b messages.0.content=x messages.99.content=1 1=x -5=x http://127.0.0.1:1 http://[ http://x:99999 unix:///x
    ftp://x x.har x.html é /dev/full NO_SUCH_VARIABLE"""
ARGUMENTS = st.lists(st.sampled_from([*WORDS.split(), "", str(2**70), "\x1b[2J", "\u202e"]), max_size=6)
ADDRESSES = socket.getaddrinfo


def only_this_computer(host, *more, **named):
    """`x.har` and `1` may be the names of servers, too. Without a network, to ask for them can take a minute."""
    if host == "127.0.0.1":
        return ADDRESSES(host, *more, **named)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.attack(
    "tape", "course view, diagnose and replay with options in any order", "done, or refused in words"
)
@FUZZ
@given(name=st.sampled_from(["view", "diagnose", "replay"]), arguments=ARGUMENTS)
def test_a_command_line_of_any_arguments_ends_without_a_traceback(tmp_path_factory, name, arguments):
    folder = tmp_path_factory.getbasetemp() / f"commands-{next(NUMBER)}"
    folder.mkdir()
    tape = folder / "run.tape.jsonl"
    made = [RUN, call(1, ANSWER), act(1, "21 * 2", "42")]
    made[1]["request"]["url"] = "http://127.0.0.1:1/v1/chat/completions"  # nobody answers there
    tape.write_text("".join(json.dumps(record) + "\n" for record in made))
    places = {"TAPE": str(tape), "MISSING": str(folder / "missing" / "x"), "FOLDER": str(folder)}
    here = os.getcwd()
    os.chdir(folder)
    try:
        socket.getaddrinfo = only_this_computer
        done = CliRunner().invoke(app, [name, str(tape), *(places.get(word, word) for word in arguments)])
    finally:
        socket.getaddrinfo = ADDRESSES
        os.chdir(here)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1, 2, 3)
