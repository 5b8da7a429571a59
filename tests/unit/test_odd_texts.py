"""Odd texts from a model or a server: none becomes part of a page, is lost without a word, or takes long to read."""

import json
import re
import subprocess
import time

import pytest

from course import labs, view
from course.diagnose import diagnose, toolfaults
from course.diagnose import text as said
from course.replay import Replay, comparison
from course.tap import command
from course.tape import Tape
from course.turns import turns
from course.view import raw
from course.view.explorer import Explorer
from support.canaries import SHARP, hostile_turns
from support.diagnosed import CALL, NOTHING, RUN, STOPS, act, call, refused, verbose
from support.page import Tags
from support.records import SYSTEM, TASK, entry, reply, step


def canaries(html):
    """The elements and attributes that canaries became. Tags reads what is in <noscript>, as a page without script does."""
    tags = Tags(html)
    assert not tags.open
    return [(tag, attrs) for tag, attrs in tags.seen if tag == "canary" or "canary" in attrs]


@pytest.fixture(scope="module")
def hostile():
    return hostile_turns()


@pytest.mark.attack("text", "canaries in every field of an exchange, in course view's page", "none is markup")
@pytest.mark.attack("text", "the same in the page without script", "none is markup")
def test_no_text_of_a_tape_is_markup_in_the_page(hostile):
    made, count = hostile
    assert count > 300
    page = view.page(made, SHARP + "<canary>", diagnose(made))
    assert canaries(page) == []
    assert page.count("&lt;canary n=") > count / 2, "they are there, as text"
    assert len(re.findall(r"<script[ >]", page)) == len(made) + 1, "one of data per turn, and the page's own"


@pytest.mark.attack("text", "the same in view.show, overview, labs.table and the explorer", "none is markup")
def test_no_text_of_a_tape_is_markup_in_a_notebook(hostile, tmp_path):
    made, _ = hostile
    outcome = labs.Outcome(SHARP, {}, SHARP, SHARP, 2, SHARP + "<canary>", made, tmp_path, SHARP + "<canary>")
    explorer = Explorer(made)
    shown = [view.show(made).data, view.overview(made).data, labs.table([outcome]).data]
    for _, number in explorer.first.turn.options:
        explorer.first.turn.value = number
        shown.append(explorer.first.body.value)
    assert len(shown) > 3 + len(made) / 2
    assert [canaries(html) for html in shown if canaries(html)] == []


PASTES = [
    "'; touch gone; '", '"; touch gone; "', "$(touch gone)", "`touch gone`", "\ntouch gone\n", "\\\ntouch gone",
    "END_OF_REQUEST\ntouch gone\n", "END_OF_REQUEST_\n", "${IFS}", "!!", "~", "*", "\\", "\t", "\x00\x03\x7f",
    "'\\''", "<<'X'\n", "\r\n", "%s%n", "-K/etc/passwd", "@/etc/passwd", "\u2028", "é日本😀", "# x", "a=b", "{a,b}[1-9]",
]  # fmt: skip


@pytest.mark.attack(
    "text", "'Copy as curl', pasted into bash and into sh", "only curl runs, with the whole body"
)
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_copied_command_runs_curl_and_nothing_else(tmp_path, shell):
    fake = 'curl() { for a in "$@"; do printf "%s\\001" "$a"; done; cat; printf "\\002"; }\nAPI_KEY=mine\n'
    made, script = [], fake
    for paste in PASTES:
        one = entry(1, [{"role": "user", "content": paste}], reply("a"))
        one["request"]["url"] = f"http://h/{paste}"
        one["request"]["method"] = "PUT" if "\n" in paste or "\0" in paste else paste
        one["request"]["headers"] = [{"name": "x-a", "value": paste.replace("\0", "")}]
        one["request"]["postData"]["text"] = body = json.dumps(paste) + paste.replace("\0", "") + "|"
        one["request"]["url"] = one["request"]["url"].replace("\0", "")
        exchange = turns([one])[0].exchange
        script += raw.curl(exchange) + "\n"
        made.append((one["request"]["url"], body))
    out = subprocess.run([shell, "-c", script], capture_output=True, cwd=tmp_path, check=True, timeout=120)
    assert list(tmp_path.iterdir()) == []
    assert out.stderr == b""
    calls = out.stdout.decode().split("\2")[:-1]
    assert len(calls) == len(PASTES)
    for (url, body), ran in zip(made, calls, strict=True):
        *words, sent_body = ran.split("\1")
        assert url in words
        assert sent_body == body + "\n"


@pytest.mark.attack(
    "text", "the address -K/etc/passwd in 'Copy as curl'", "an address, not an option", fell=3
)
def test_an_address_is_no_option_of_curl(tmp_path):
    (secret := tmp_path / "secret").write_text('url = "file:///etc/hostname"\n')
    for url, words in (
        (f"-K{secret}", ["--url", f"-K{secret}"]),
        ("http://h/[1-9]{a,b}", ["-g", "'http://h/[1-9]{a,b}'"]),
        ("http://h/v1", ["http://h/v1"]),
    ):
        one = entry(1, [SYSTEM], reply("a"))
        one["request"]["url"] = url
        exchange = turns([one])[0].exchange
        assert f"curl -sS {' '.join(words)} --data" in raw.curl_head(exchange) + " --data"


@pytest.mark.attack("text", "a BOM before a stream, and data over two lines", "all content is read", fell=3)
def test_a_stream_with_a_mark_before_it_and_events_over_two_lines_is_read():
    def event(text):
        return json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, indent=1)

    events = "".join("".join(f"data: {line}\n" for line in event(t).split("\n")) + "\n" for t in ("a", "b"))
    for mark in ("", "\ufeff"):
        made = entry(1, [SYSTEM], None, sse=mark + events)
        made["response"]["content"]["mimeType"] = "text/event-stream"
        assert turns([made])[0].content == "ab"


@pytest.mark.attack("text", "NUL, bidi, zalgo, halves of surrogate pairs in the page", "shown, and harmless")
def test_a_page_shows_odd_characters():
    odd = "a\x00b\u202ec\u2066d" + "e" + "\u0301" * 500 + "f\ud83dg\x1b[2J"
    page = view.page(turns([entry(1, [{"role": "user", "content": odd}], reply("a", odd))]), odd)
    text = Tags(page.encode("utf-8").decode()).text
    for part in ("\u202ec\u2066d", "e" + "\u0301" * 500 + "f", "\\ud83dg", "[2J"):
        assert part in text
    assert view.show(turns([entry(1, [], reply("a", odd))])).data


DEEP = "[" * 10**5


@pytest.mark.attack(
    "text",
    "10^5 nested lists in a response, an event, a call's arguments, an observation: view, diagnose, tap's end",
    "read as text",
    fell=2,
)
@pytest.mark.parametrize("where", ["event", "arguments", "whole", "observation"])
def test_nested_json_is_text_wherever_it_is(where, tmp_path, capsys):
    made = entry(1, [SYSTEM], None)
    if where == "event":
        made = entry(1, [SYSTEM], None, sse=f"data: {DEEP}\n\ndata: [DONE]\n\n")
    elif where == "arguments":
        nested = DEEP + "]" * 10**5
        calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": nested}}]
        made = call(1, None, calls=calls)
    elif where == "whole":
        made["response"]["content"]["text"] = f'{{"choices": {"[" * 20_000}{"]" * 20_000}}}'
    tape = Tape(tmp_path / "t.tape.jsonl")
    records = [tape.add(made), tape.add(step("r1", observation=DEEP))]
    command._report(tape, 0)
    assert "1 × HTTP 200" in capsys.readouterr().err
    read = turns(records)
    assert said(diagnose(read), read)
    assert all(view.text(turn) for turn in read)
    assert view.page(read, findings=diagnose(read))


@pytest.mark.attack("text", "10^5 nested lists as a line of the tape", "skipped and reported")
@pytest.mark.attack("text", "duplicate keys, integers above 2^63 and of 5000 digits", "read")
def test_a_tape_with_nested_lines_and_huge_numbers_is_read(tmp_path):
    path, problems = tmp_path / "t.tape.jsonl", []
    double = json.dumps(entry(1, [SYSTEM], reply("a"))).replace('"time"', '"time": 1, "time"')
    huge = f'{{"usage": {{"prompt_tokens": {2**64}, "completion_tokens": {"9" * 5000}}}, "usage": null, "choices": []}}'
    record = entry(2, [SYSTEM], None) | {"_x": 2**70}
    record["response"]["content"]["text"] = huge
    path.write_text(f"{double}\n{DEEP}\n{json.dumps(record)}\n")
    made = turns(Tape.read(path, report=problems.append).records())
    assert len(made) == 2
    assert [p for p in problems if "line 2" in p]
    assert said(diagnose(made), made)
    assert all(view.text(turn) for turn in made)


def seconds(records):
    """This thread's processor time for everything that reads these records."""
    began = time.thread_time()
    made = turns(records)
    found = diagnose(made)
    assert said(found, made)
    assert all(view.text(turn) for turn in made)
    assert view.page(made, findings=found)
    return time.thread_time() - began


def empty_search(code):
    return [
        call(1, CALL),
        act(1, code, "No results found! Try a less restrictive/shorter query.\n" + NOTHING),
    ]


def called(content, name=None):
    """An answer with this text, or with a call of this name, to a request that offers a tool."""
    calls = [{"id": "c", "function": {"name": name, "arguments": "{}"}}] if name else None
    return call(1, content, calls=calls, ask={"tools": [{"type": "function", "function": {"name": "look"}}]})


N = 30_000
AS_JSON = {"type": "json_object"}
CALLED = {"role": "assistant", "content": CALL}
WORKED = "behaving like regular python functions:\n"
SLOW = {
    "<code> in thinking": lambda n: [call(1, "", thinking="<code>\n" * n + "</code>")],
    "<code> in thinking, verbose": lambda n: [call(1, "", thinking="<code>\n" * n, **verbose("<think>\n"))],
    "<code> in a step": lambda n: [call(1, "<code>\n" * n), act(1, "<code>\n" * n, error="Error in code parsing: x")],
    "one word as code": lambda n: empty_search("x" * 4 * n),
    "one word of searches": lambda n: empty_search("search" * n),
    "words before brackets": lambda n: empty_search("search(" * n),
    "a fence of lines": lambda n: [call(1, "```json" + "\n" * 4 * n + "x", ask={"response_format": AS_JSON})],
    "a prompt of openings": lambda n: [call(1, "x", [{"role": "system", "content": WORKED * n}])],
    "quoted errors": lambda n: [
        call(1, CALL), call(2, "x", [SYSTEM, TASK, CALLED, {"role": "user", "content": "\nError:\n" * n}])
    ],
    "an address of versions": lambda n: [
        {**refused(404, "no"), "request": {**call(1)["request"], "url": "http://h" + "/v1" * n + "/x/chat/completions"}}
    ],
    "a message of waits": lambda n: [refused(429, {"message": "try again in 1" + "1" * 4 * n + " wait" * n})],
    "openings of calls": lambda n: [called("<tool_call>[TOOL_CALLS]<｜DSML｜" * n)],
    "openings of JSON": lambda n: [called('{"a":\n' * n)],
    "openings of lists of JSON": lambda n: [called('[{"a": [\n' * n)],
    "JSON without a call": lambda n: [called('{"a": 1}\n' * n)],
    "arguments again and again": lambda n: [call(1, None, calls=[{"function": {"name": "f", "arguments": "{}" * n}}])],
    "a repetition to the limit": lambda n: [call(1, "", finish="length", thinking="so " * 4 * n)],
    "a name of spaces": lambda n: [called(None, "look" + " " * 4 * n + "x")],
    "marks of thinking": lambda n: [call(1, "[THINK]\n[/THINK]\n<|channel|>analysis" * n), call(1, " " * 4 * n + "[")],
    "spaces": lambda n: [call(1, " " * 4 * n + "x"), act(1, " " * 4 * n + "x", "\n" * n)],
}  # fmt: skip


@pytest.mark.attack(
    "text",
    "30,000 × <code> in thinking, 100 kB of one word as code, and what else regular expressions could stumble over",
    "a second at most",
    fell=2,
)
@pytest.mark.parametrize("what", SLOW)
def test_no_text_takes_longer_than_it_is_long(what):
    """In one of three tries: the garbage of all tests before may be collected during one."""
    assert any(seconds(SLOW[what](N)) < 2 for _ in range(3))


def test_the_slow_texts_reach_what_was_slow():
    """Each is found for what it is: the expressions are asked."""
    kinds = {what: {f.kind for f in diagnose(turns(make(3)))} for what, make in SLOW.items()}
    stopped = [call(1, "", thinking="<code>\nx\n</code><code>\nprint(")]
    assert {f.kind for f in diagnose(turns(stopped))} == {"stop-in-thinking"}
    assert "</code>" in STOPS
    assert "empty-search" in kinds["one word as code"]
    [found] = [
        f for f in diagnose(turns(empty_search("web_search( query = 'a b')"))) if f.kind == "empty-search"
    ]
    assert "'a b'" in found.why + found.next
    assert toolfaults._json('```json\n\n  {"a": 1}\n```\n') == {"a": 1}
    assert toolfaults._json('```\n{"a": 1}```') == {"a": 1}


@pytest.mark.attack("text", "8 MB in one line on the terminal", "a second at most", fell=3)
@pytest.mark.attack("text", "8 MB in one line in both answers of course replay", "a second at most", fell=3)
@pytest.mark.attack("text", "50 MB in one line in the page", "a page")
def test_a_very_long_line_is_printed_and_shown(tmp_path):
    for line in ("x" * 8_000_000, "x y " * 2_000_000):
        (turn,) = turns([entry(1, [SYSTEM], reply("a", line))])
        began = time.thread_time()
        assert len(view.text(turn)) < 20_000
        assert time.thread_time() - began < 2
        (other,) = turns([entry(1, [SYSTEM], reply("b", line + "!"))])
        began = time.thread_time()
        both = comparison.text(Replay(turn, other, [], "http://h", tmp_path))
        assert time.thread_time() - began < 2
        assert len(both) < 20_000
        assert "… and more, 8,000,000 characters in all" in both
    assert len(view.page([turn])) > 8_000_000


@pytest.mark.attack(
    "text", "NaN and 1e400 in _id, status, time, usage, n_ctx", "set aside, or missing", fell=2
)
@pytest.mark.parametrize("number", ["NaN", "1e400", "-1e400"])
def test_a_number_that_is_none_is_set_aside(tmp_path, number):
    usage = {"usage": {"prompt_tokens": 5, "completion_tokens": 5}, "timings": {"cache_n": 5, "prompt_n": 5}}
    whole = json.dumps(entry(5, [SYSTEM], reply("a", **usage), status=555)).replace("1500.0", "5")
    run = json.dumps({**RUN, "server": {"n_ctx": 5}})
    path = tmp_path / "t.tape.jsonl"
    numbers = [match.span() for match in re.finditer(r"(?<=: )5+\b", whole)]
    assert len(numbers) == 7
    lines = [whole[:start] + number + whole[end:] for start, end in numbers]
    path.write_text("\n".join([run.replace(": 5", f": {number}"), *lines]) + "\n")
    made = turns(Tape.read(path, report=lambda _: None).records())
    assert made
    assert said(diagnose(made), made)
    assert all(view.text(turn) for turn in made)
    assert view.page(made)
