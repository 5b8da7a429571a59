"""Turns: joined by response id or by a fallback, numbered per run, with what was new and assembled streams."""

import json
import sys

import pytest

from course import view
from course.turns import exchanges, runs, text_of, turns
from course.turns.diff import Conversations
from course.turns.exchange import assemble
from support.page import Tags
from support.records import SYSTEM, TASK, entry, reply, step


def test_a_turn_is_joined_by_the_response_id():
    """Steps in another order than their exchanges still find them."""
    made = turns([entry(1, [SYSTEM], reply("a")), entry(2, [SYSTEM], reply("b")), step("b", 2), step("a", 1)])
    assert [t.code for t in made] == ["code of a", "code of b"]
    assert [t.index for t in made] == [1, 2]
    assert made[0].thinking == "hm"
    assert made[0].finish_reason == "stop"
    assert made[0].seconds == 1.5


def test_nothing_is_dropped():
    """An exchange without a step and a step without an exchange are turns of their own."""
    made = turns(
        [entry(1, [SYSTEM], reply("a")), entry(2, [SYSTEM], reply("retry")), step("a"), step("gone")]
    )
    assert [(t.exchange is not None, t.step is not None) for t in made] == [(1, 1), (1, 0), (0, 1)]


def test_a_step_without_an_id_follows_its_exchange():
    """Streaming, planning and the max-steps call keep no id: the last free exchange before is theirs."""
    records = [entry(1, [SYSTEM], reply("a")), step(None, 1), entry(2, [SYSTEM], reply("b")), step(None, 2)]
    assert [t.step["step_number"] for t in turns(records)] == [1, 2]


def test_a_step_is_not_joined_to_an_exchange_of_another_time():
    started = exchanges([entry(1, [SYSTEM], {})])[0].started
    late = step(None, started=started + 5, ended=started + 6)
    made = turns([entry(1, [SYSTEM], reply("a")), late])
    assert [t.step is not None for t in made] == [False, True]


def test_new_messages_follow_the_common_start_with_the_previous_request():
    more = [SYSTEM, TASK, {"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]
    other_system = [{"role": "system", "content": "Sum up."}, *more[1:]]
    made = turns(
        [entry(1, more[:2], reply("a")), entry(2, more, reply("b")), entry(3, other_system, reply("c"))]
    )
    assert [len(t.new_messages) for t in made] == [2, 2, 4]


def test_a_new_run_starts_with_all_its_messages():
    other = [SYSTEM, {"role": "user", "content": "another"}]
    noted = {"_type": "run", "question": "another"}
    by_step = turns([entry(1, [SYSTEM, TASK], reply("a")), entry(2, other, reply("b")), step("b", 1)])
    by_note = turns([entry(1, [SYSTEM, TASK], reply("a")), noted, entry(2, other, reply("b"))])
    assert len(by_step[1].new_messages) == len(by_note[1].new_messages) == 2
    assert by_note[0].run is None
    assert by_note[1].run == noted


def test_tokens_come_from_usage_and_timings():
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    timings = {"cache_n": 80, "prompt_n": 20, "predicted_n": 7}
    for known in ({"usage": usage, "timings": timings}, {"timings": timings}):
        t = turns([entry(1, [], reply("a", **known))])[0].tokens
        assert (t.prompt, t.cached, t.new, t.generated) == (100, 80, 20, 7)
    details = {"usage": {**usage, "prompt_tokens_details": {"cached_tokens": 60}}}
    assert turns([entry(1, [], reply("a", **details))])[0].tokens.new == 40
    assert turns([entry(1, [], reply("a"))])[0].tokens.prompt is None


def test_a_stream_is_assembled_into_a_response():
    deltas = [{"role": "assistant", "content": None}, {"reasoning_content": "h"}, {"reasoning_content": "m"}]
    deltas += [{"content": "4"}, {"content": "2"}]
    calls = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}]
    deltas += [{"tool_calls": calls}, {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}]
    events = [{"id": "s", "choices": [{"index": 0, "delta": d}]} for d in deltas]
    events += [{"id": "s", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    events += [{"id": "s", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}]
    sse = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
    turn = turns([entry(1, [SYSTEM], None, sse=sse)])[0]
    assert (turn.thinking, turn.content, turn.finish_reason) == ("hm", "42", "stop")
    assert (turn.response_id, turn.tokens.prompt) == ("s", 3)
    assert turn.exchange.message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert assemble(sse[:200])["id"] == "s", "a stream that was cut off is what came of it"


SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"


@pytest.mark.attack("text", "U+2028, U+2029, NEL and others in a stream", "in the content", fell=2)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_keeps_text_with_unicode_line_separators(end):
    """JSON may hold them unescaped; only CR LF, LF and CR end a line of a stream."""
    said = [f"one{c}two" for c in SEPARATORS]
    events = [{"id": "s", "choices": [{"index": 0, "delta": {"content": text}}]} for text in said]
    escaped = {"\x0b", "\x0c", "\x1c", "\x1d", "\x1e"}  # control characters, which JSON escapes
    sse = "".join(f"data: {json.dumps(e, ensure_ascii=False)}{end}{end}" for e in events)
    assert all(c in sse for c in SEPARATORS if c not in escaped), "the wire has them as they are"
    turn = turns([entry(1, [SYSTEM], None, sse=sse)])[0]
    assert turn.content == "".join(said)
    assert all(c in Tags(view.page([turn])).text for c in "\u2028\u2029\x85")


def test_errors_keep_their_words():
    too_long = entry(1, [SYSTEM], {"error": {"message": "too long", "type": "x"}}, status=400)
    dead = entry(2, [SYSTEM], "", status=0, error="ConnectError: refused")
    made = turns([too_long, dead, step(None, 3, error="Error in generating model output")])
    assert made[0].error == "HTTP 400: too long"
    assert made[1].error == "ConnectError: refused"
    assert made[1].step["step_number"] == 3


def test_a_think_block_in_content_stays_there():
    turn = turns([entry(1, [], {"id": "a", "choices": [{"message": {"content": "<think>h</think>4"}}]})])[0]
    assert turn.content == "<think>h</think>4"
    assert turn.thinking is None


def test_text_parts_are_joined_without_a_separator():
    assert text_of(TASK) == "How fast?"
    assert text_of({"content": None}) == ""


def test_a_reused_id_joins_each_step_to_its_own_exchange():
    records = [entry(1, [SYSTEM], reply("a")), step("a", 1), entry(2, [TASK], reply("a")), step("a", 2)]
    made = turns(records)
    assert [t.step["step_number"] for t in made] == [1, 2]
    assert [t.joined for t in made] == ["id", "id"]


def test_a_diff_shows_what_was_dropped_from_the_middle():
    one, two, three = ({"role": "user", "content": c} for c in "123")
    made = turns([entry(1, [SYSTEM, one, two], reply("a")), entry(2, [SYSTEM, two, three], reply("b"))])
    found = made[1].diff
    assert (found.added, found.repeated, found.dropped) == ([three], [SYSTEM, two], [one])
    assert made[1].new_messages == [two, three], "what follows the first difference is in no cache"


def two_runs():
    """Two runs of two turns each; the first turn of the second run fails and is sent again."""
    more = [
        SYSTEM,
        TASK,
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": "Observation: y"},
    ]
    return [
        {"_type": "run", "question": "a"},
        entry(1, [SYSTEM, TASK], reply("a")),
        entry(2, more, reply("b")),
        {"_type": "run", "question": "b"},
        entry(3, [SYSTEM, TASK], "", status=0, error="ConnectError: refused"),
        entry(4, [SYSTEM, TASK], reply("c")),
        entry(5, more, reply("d")),
    ]


def test_turns_are_numbered_within_their_run():
    made = turns(two_runs())
    assert [(t.index, t.run_number, t.number) for t in made] == [
        (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, 2, 3)
    ]  # fmt: skip
    assert [t.label for t in made] == [
        *["run 1, turn 1", "run 1, turn 2"],
        *["run 2, turn 1", "run 2, turn 2", "run 2, turn 3"],
    ]
    assert [t.label for t in turns(two_runs()[:3])] == ["turn 1", "turn 2"], "one run needs no number"
    assert [t.repeated_in for t in made] == [None, None, 2, None, None]
    assert [t.diff.continues for t in made] == [None, 1, None, 1, 2]


def test_a_run_without_turns_takes_no_number():
    noted = {"_type": "run", "question": "never asked"}
    assert [t.label for t in turns([noted, *two_runs()[:2]])] == ["turn 1"]


def test_the_turns_of_later_records_keep_their_numbers():
    """So `course ask`, adding to a tape, prints the same numbers that `course view` shows."""
    records = two_runs()
    assert [t.label for t in turns(records, since=3)] == [t.label for t in turns(records)[2:]]
    assert turns(records, since=len(records)) == []


def test_a_request_of_another_run_is_not_a_second_attempt():
    failed = entry(1, [SYSTEM, TASK], "", status=0, error="ConnectError: refused")
    made = turns([failed, {"_type": "run", "question": "b"}, entry(2, [SYSTEM, TASK], reply("a"))])
    assert [t.repeated_in for t in made] == [None, None]


def test_a_step_of_another_run_is_not_a_parent():
    at = exchanges([entry(1, [SYSTEM], {})])[0].started
    host = step("h", started=at - 1, ended=at + 60)
    records = [entry(1, [SYSTEM], reply("h")), host, {"_type": "run", "question": "b"}]
    inside = [entry(2, [SYSTEM], reply("w")), step("w", started=at + 2, ended=at + 3)]
    assert [t.parent for t in turns([*records, *inside])] == [None, None]
    assert [t.parent for t in turns([*records[:2], *inside])] == [None, 1]


def test_a_request_that_only_counts_tokens_is_not_continued():
    """It has the same messages as the next request, which would seem to add nothing."""
    counted = entry(2, [SYSTEM, TASK], {"input_tokens": 9})
    counted["request"]["url"] = "http://127.0.0.1:8080/v1/messages/count_tokens"
    made = turns([entry(1, [SYSTEM], reply("a")), counted, entry(3, [SYSTEM, TASK], reply("b"))])
    assert [t.diff.continues for t in made] == [None, 1, 1]
    assert [len(t.diff.added) for t in made] == [1, 1, 1]


def test_each_message_names_the_turn_that_it_came_from():
    """Also if a message was dropped, or if a client sends an answer that is not on the tape."""
    said = [{"role": "assistant", "content": c} for c in "xyz"]
    seen = {"role": "user", "content": "Observation: …"}
    made = turns(
        [
            entry(1, [SYSTEM, TASK], reply("a", "x")),
            entry(2, [SYSTEM, TASK, said[0], seen, said[2]], reply("b", "y")),
            entry(3, [SYSTEM, said[0], seen, said[1], seen], reply("c")),
        ]
    )
    assert [t.diff.sources for t in made] == [[None, None], [None, None, 1, 1, None], [None, 1, 1, 2, 2]]


def test_runs_are_told_apart():
    noted = [{"_type": "run", "question": q} for q in "ab"]
    made = turns(
        [
            entry(1, [SYSTEM], {}),
            noted[0],
            entry(2, [SYSTEM], {}),
            entry(3, [], {}),
            noted[1],
            entry(4, [], {}),
        ]
    )
    assert [[t.index for t in run] for run in runs(made)] == [[1], [2, 3], [4]]


def test_of_two_steps_around_a_turn_the_one_that_names_its_agent_is_the_parent():
    """Two agents work at the same time, so a step of one may lie within a step of the other."""
    at = exchanges([entry(1, [SYSTEM], {})])[0].started
    host = step("h", code="print(worker(task='x'))", started=at - 1, ended=at + 60)
    other = step("o", agent="other", code="print(2)", started=at, ended=at + 50)
    work = step("w", agent="worker", started=at + 2, ended=at + 3)
    records = [entry(n, [SYSTEM], reply(id)) for n, id in ((1, "h"), (2, "o"), (3, "w"))]
    assert turns([*records, work, other, host])[2].parent == 1


class Counted(dict):
    """A message that counts how often it is compared."""

    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return dict.__eq__(self, other)

    __hash__ = None


def unrelated(count):
    """Exchanges that have only their instructions in common."""
    return [
        entry(n % 60, [SYSTEM, {"role": "user", "content": f"{n}?"}], reply(f"r{n}", f"{n}!"), second=n % 60)
        for n in range(count)
    ]


def calls(records):
    """How many functions are called when these records are read: no clock, and the same on every machine."""
    count = 0

    def counted(_, event, __):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        turns(records)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.attack(
    "tape",
    "3000 unrelated exchanges with the same instructions",
    "read in proportion to their number",
    fell=2,
)
def test_thousands_of_unrelated_requests_are_read_in_proportion_to_their_number():
    made = turns(unrelated(3000))
    assert len(made) == 3000
    assert [t.diff.continues for t in made if t.diff.continues] == []
    few, many = calls(unrelated(100)), calls(unrelated(800))
    assert many < 8.8 * few, f"{few:,} calls for 100 exchanges, {many:,} for 800"


def test_many_conversations_are_not_all_compared_with_each_other():
    """An app asks a hundred unrelated questions. Comparing all with all would take 12 million comparisons."""
    conversations = Conversations()
    Counted.compared = 0
    for n in range(100):
        conversations.next([Counted(role="user", content=f"{n}.{m}") for m in range(50)], None, n, {})
    assert len(conversations.open) == 100
    assert Counted.compared < 100 * 100, f"{Counted.compared:,} comparisons for 5,000 messages"
