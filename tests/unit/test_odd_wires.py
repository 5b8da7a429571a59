"""Odd values at every place of requests, responses and streams, in each API: no crash, no hang, no lost text."""

import copy
import json
import random
import re
import time
from typing import Any

import pytest

from course import diagnose, view
from course.tap import command
from course.tape import Tape
from course.turns import Turn, outcome, turns
from course.turns.bodies import body
from course.turns.reading import Notes
from support.records import SYSTEM, entry, reply, step
from support.wires import WIRES, sent

MISSING = object()
JUNK: list[Any] = [
    MISSING, None, True, -1, 0, 3_000_000_000, 1.5, float("nan"), float("inf"), 10**30, "", "x", "\u2028",
    [], [None], ["x"], [[1]], {}, {"x": 1},
]  # fmt: skip
EACH = 3
"""Odd values that are tried at each place, chosen by a seed."""
BATCH = 40
"""Exchanges on one tape."""
MARK = re.compile(r"mark\d+\.")


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON value, its own included."""
    found = [at]
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        found += places(item, (*at, key))
    return found


def changed(value: Any, at: tuple[Any, ...], junk: Any) -> Any:
    """A copy with another value at one place."""
    if not at:
        return None if junk is MISSING else junk
    result = copy.deepcopy(value)
    inner = result
    for key in at[:-1]:
        inner = inner[key]
    if junk is MISSING:
        del inner[at[-1]]
    else:
        inner[at[-1]] = junk
    return result


def exchange(name: str, request: Any, response: Any, events: list[Any] | None) -> dict[str, Any]:
    """One exchange of an API as a record of a tape."""
    made: dict[str, Any] = entry(1, [], response)
    made["request"]["url"] = "http://127.0.0.1:8080" + WIRES[name][0]
    made["request"]["postData"]["text"] = json.dumps(request)
    if events is not None:
        lines = name.startswith("Ollama")
        mime = "application/x-ndjson" if lines else "text/event-stream"
        made["response"]["content"] = {"mimeType": mime, "text": sent(events, lines)}
    return made


def shown(turn: Turn) -> str:
    """All text that a turn has, from what was asked, answered or noted as odd."""
    assert turn.exchange
    found = [message.text + str(message.thinking) for message in turn.exchange.asked.messages]
    found += [c.name + c.text for message in turn.exchange.asked.messages for c in message.calls]
    for answer in turn.exchange.reply.answers:
        found += [str(answer.content), str(answer.thinking), *(c.name + c.text for c in answer.calls)]
    return " ".join([*found, *(d.seen for d in turn.deviations)])


def variants(name: str, part: str) -> list[tuple[str, dict[str, Any], set[str]]]:
    """What was changed, the exchange, and the words that must still be there."""
    _, request, response, events = WIRES[name]
    chance = random.Random(f"{name} {part}")
    whole = {"request": request, "response": response, "stream": events}[part]
    found = []
    for at in places(whole):
        for junk in chance.sample(JUNK, EACH):
            odd = changed(whole, at, junk)
            if part == "stream" and not isinstance(odd, list):
                continue
            kept = set(MARK.findall(json.dumps(odd)))
            made = exchange(
                name,
                odd if part == "request" else request,
                odd if part == "response" else response,
                odd if part == "stream" else None,
            )
            found.append((f"{part}{list(at)} = {junk!r}", made, kept))
    return found


@pytest.mark.attack(
    "tape",
    "an odd value at each place of bodies in every API: usage, timings, content parts, ids, indexes …",
    "a diagnosis and a page, and no text is lost",
    fell=2,
)
@pytest.mark.parametrize("part", ["request", "response", "stream"])
@pytest.mark.parametrize("name", WIRES)
def test_an_odd_value_at_any_place_costs_no_text_elsewhere(name: str, part: str) -> None:
    """With three odd values at each place, and all readers on top: diagnosis, console and, for one tape, the page."""
    found = variants(name, part)
    for at in range(0, len(found), BATCH):
        batch = found[at : at + BATCH]
        made = turns([record for _, record, _ in batch])
        assert diagnose.text(diagnose.diagnose(made), made)
        for (what, _, kept), turn in zip(batch, made, strict=True):
            assert turn.outcome
            text = shown(turn)
            lost = [word for word in kept if word not in text]
            assert not lost, f"{what}: lost {lost}"
            assert view.text(turn)
    assert view.page(made, findings=diagnose.diagnose(made))
    assert view.page([])


@pytest.mark.parametrize("name", WIRES)
def test_a_healthy_exchange_does_not_deviate(name: str) -> None:
    _, request, response, events = WIRES[name]
    for made in turns([exchange(name, request, response, None), exchange(name, request, response, events)]):
        assert made.deviations == ()
        assert made.exchange
        assert made.outcome
        assert made.outcome.kind in (outcome.ANSWERED, outcome.CALLED)
        assert made.exchange.dialect == ("Ollama" if name.startswith("Ollama") else name)
        assert made.tokens.generated == 40 or name == "completions"
        assert not set(MARK.findall(json.dumps(request))) - set(MARK.findall(shown(made)))


def streamed(*deltas: dict[str, Any]) -> Turn:
    events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return turns([exchange("chat completions", {"messages": [SYSTEM]}, None, events)])[0]


@pytest.mark.attack(
    "text", "tool_calls with an index of 10^9, 10^400, NaN … in one event", "read at once", fell=2
)
@pytest.mark.parametrize("index", [None, "x", 10**9, 10**400, 1.5, float("nan"), True, [], -1])
def test_an_index_of_any_value_costs_nothing(index: Any) -> None:
    piece = {"index": index, "id": "a", "function": {"name": "look", "arguments": "{}"}}
    took = []
    while not took or (took[-1] >= 1 and len(took) < 3):  # all tests' garbage may be collected during a try
        began = time.thread_time()
        turn = streamed({"tool_calls": [piece]})
        took.append(time.thread_time() - began)
    assert took[-1] < 1, took
    assert [call.name for call in turn.tool_calls] == ["look"]
    is_odd = type(index) is not int or abs(index) > 2**53
    assert [d.where for d in turn.deviations] == ["events[0].choices[0].delta.tool_calls[0].index"] * is_odd


@pytest.mark.attack(
    "text", "10^5 nested lists or objects, 10^5 digits, NaN, 1e400 as a whole body", "read as text", fell=2
)
@pytest.mark.parametrize(
    "body",
    ["[" * 10**5, '{"choices":' * 10**5, '{"a":' * 900 + "1" + "}" * 900, "9" * 10**5, "1e400", "NaN", '{"a": 1e400}'],
    ids=["lists", "objects", "deep", "digits", "1e400", "NaN", "inside"],
)  # fmt: skip
def test_a_body_of_any_depth_and_with_numbers_of_any_length_is_read(body: str) -> None:
    made = entry(1, [SYSTEM], None)
    made["response"]["content"]["text"] = body
    made["request"]["postData"]["text"] = body
    (turn,) = turns([made])
    assert diagnose.text(diagnose.diagnose([turn]), [turn])
    assert view.text(turn)
    assert view.page([turn], findings=diagnose.diagnose([turn]))


def test_lines_of_a_stream_end_at_cr_and_lf_only() -> None:
    said = "First\u2028second\x85third\x0cfourth\u2029."
    turn = streamed({"content": said})
    made = exchange("chat completions", {"messages": [SYSTEM]}, None, [])
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": said}}]}, ensure_ascii=False)
    for end in ("\n", "\r\n", "\r"):
        made["response"]["content"]["text"] = f"data: {event}{end}{end}"
        assert turns([made])[0].content == turn.content == said


ERROR = '{"error": "no such model"}'
LINE = '{"message": {"content": "a"}, "done": false}'


@pytest.mark.parametrize(
    ("text", "mime", "kind"),
    [
        (": still working\n\n" * 9_999 + "no more", "text/event-stream", "text"),
        (": still working\n\n" * 9_999 + "data: {}\n\n", "", "events"),
        ("data: {}\n\n", "application/json", "events"),
        (ERROR, "text/event-stream", "json"),
        (f"\n\n  {ERROR}\n", "application/json", "json"),
        (json.dumps(json.loads(ERROR), indent=1), "application/x-ndjson", "json"),
        (LINE, "application/x-ndjson", "lines"),
        (f"{LINE}\n{LINE}", "application/json", "lines"),
        ("<html></html>", "application/x-ndjson", "text"),
        ("event: error\ndata: {}\n\n", "text/plain", "events"),
        ("nothing", "application/json", "text"),
        ("", "application/json", "nothing"),
    ],
)
def test_a_body_is_read_as_what_it_is_whatever_it_is_called(text: str, mime: str, kind: str) -> None:
    assert body(text, mime, Notes()).kind == kind


@pytest.mark.attack(
    "tap",
    "tap -- cmd, which exits with 7; a body of an odd type",
    "the command's own status, no traceback",
    fell=2,
)
def test_the_summary_of_a_tap_never_fails(tmp_path: Any, capsys: Any, monkeypatch: Any) -> None:
    """Not on odd bodies, and not if there is a fault in the course itself: the command's exit status is what counts."""
    tape = Tape(tmp_path / "t.tape.jsonl")
    for what, record, _ in variants("chat completions", "stream")[:BATCH]:
        tape.add({**record, "_what": what, "response": {**record["response"], "status": 200}})
    command._report(tape, 0)
    assert f"{BATCH} turns" in capsys.readouterr().err

    def broken(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(command, "turns", broken)
    command._report(tape, 0)
    assert "course view" in capsys.readouterr().err


@pytest.mark.attack(
    "tape", "seeded mutations of entries, steps and runs", "read, or set aside with a problem", fell=2
)
@pytest.mark.attack(
    "text", "NaN and 1e400 in _id, status, time, usage, n_ctx", "set aside, or read as missing", fell=2
)
def test_an_odd_record_ends_no_reading(tmp_path: Any) -> None:
    """Odd values in the entries, steps and runs themselves: they are set aside with a problem, or read as missing."""
    exchanged = exchange("chat completions", {"messages": [SYSTEM]}, reply("r1"), None)
    exchanged |= {"_chunks": [[1.5, 20]], "_error": None}
    exchanged["response"]["headers"] = [{"name": "content-type", "value": "application/json"}]
    run = {"_type": "run", "question": "How?", "model": "m", "when": "2026-01-01T00:00:00+00:00",
           "server": {"build": "b1", "n_ctx": 8192, "command": "llama-server"}}  # fmt: skip
    made = {
        **step("r1"), "kind": "action", "tool_calls": [{"name": "look", "arguments": {"a": 1}, "id": "c"}], "error": None,
        "memory": [["system", 5, "00000000"]], "tokens": {"input": 5, "output": 6}, "observation": "o", "seconds": 1.0,
        "started": 1767225601.0, "ended": 1767225602.0, "is_final": False, "model_output": "x",
    }  # fmt: skip
    chance = random.Random(1)
    records: list[Any] = []
    for whole, others in ((exchanged, [made]), (made, [exchanged]), (run, [exchanged, made])):
        for at in places(whole):
            records += [[changed(whole, at, junk), *others] for junk in chance.sample(JUNK, EACH)]
    path = tmp_path / "odd.tape.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for group in records for r in group), encoding="utf-8")
    problems: list[str] = []
    found = turns(Tape.read(path, report=problems.append).records())
    assert problems
    assert len(found) > 100
    assert diagnose.text(diagnose.diagnose(found), found)
    assert all(view.text(turn) for turn in found)
    assert view.page(found[:: len(found) // 50])


def answered(message: Any, finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
DETAILS = [{"type": "reasoning.text", "text": "hm"}]
OUTCOMES: list[tuple[str, str, dict[str, Any]]] = [
    (outcome.ANSWERED, "", answered({"content": "yes"})),
    (outcome.CALLED, "", answered({"content": None, "tool_calls": [CALL]}, "tool_calls")),
    *[(outcome.THINKING, key, answered({"content": None, key: "hm"})) for key in ("reasoning", "reasoning_content")],
    (outcome.THINKING, "details", answered({"content": "", "reasoning_details": DETAILS})),
    (outcome.EMPTY, "", answered({"content": ""})),
    (outcome.CUT, "length", answered({"content": "and then the"}, "length")),
    (outcome.CUT, "limit", answered({"content": "and then the"}, usage={"completion_tokens": 64})),
    (outcome.REFUSED, "200", {"error": {"message": "no", "code": 429}}),
    (outcome.NO_CHOICES, "empty", {"choices": []}),
    (outcome.NO_CHOICES, "null", {"choices": None}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "_", "response"), OUTCOMES, ids=[f"{k} {w}" for k, w, _ in OUTCOMES])
def test_every_exchange_has_an_outcome(kind: str, _: str, response: Any) -> None:
    (turn,) = turns([exchange("chat completions", {"messages": [SYSTEM], "max_tokens": 64}, response, None)])
    assert turn.outcome
    assert turn.outcome.kind == kind


def test_an_answer_that_a_responses_api_calls_completed_is_cut_at_the_limit() -> None:
    _, request, response, _ = WIRES["responses"]
    item = {"type": "message", "content": [{"type": "output_text", "text": "It is so."}]}
    cut = {**response, "output": [item], "usage": {"output_tokens": 900}}
    (turn,) = turns([exchange("responses", request, cut, None)])
    assert turn.outcome
    assert turn.outcome.kind == outcome.CUT


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"text": "<html>Sign in</html>"}, outcome.NOT_JSON),
        ({"text": "oops"}, outcome.NOT_JSON),
        ({"text": "CwKAeyJhIjoxfQM=", "encoding": "base64"}, outcome.NOT_DECODABLE),
        ({"size": 400}, outcome.MISSING),
        ({"text": '{"choices": [{"mess', "_cut": 99}, outcome.MISSING),
        ({"text": "", "mimeType": "text/event-stream"}, outcome.NO_END),
        ({"text": 'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'}, outcome.NO_END),
        ({"text": 'data: {"error": {"message": "overloaded"}}\n\n'}, outcome.STREAM_ERROR),
    ],
)
def test_what_cannot_be_judged_is_not_counted_as_healthy(change: dict[str, Any], kind: str) -> None:
    odd = entry(2, [SYSTEM], None)
    odd["response"]["content"] = change
    made = turns([entry(1, [SYSTEM], reply("a")), odd])
    assert made[1].outcome
    assert made[1].outcome.kind == kind
    said = diagnose.text(diagnose.diagnose(made), made)
    assert "turn 2" in said.lower(), said
    assert made[1].outcome.understood or "not judged" in said


def test_another_api_is_named_and_a_look_at_the_server_is_not() -> None:
    embeddings, models = entry(1, [], {"data": []}), entry(2, [], {"data": []})
    embeddings["request"] |= {"url": "http://x/v1/embeddings"}
    models["request"] |= {"url": "http://x/v1/models", "method": "GET"}
    made = turns([embeddings, models])
    assert [t.outcome and t.outcome.kind for t in made] == [outcome.NOT_READ, outcome.OTHER]
    said = diagnose.text([], made)
    assert "/v1/embeddings" in said
    assert "/v1/models" not in said
