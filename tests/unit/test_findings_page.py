"""The page of a tape shows what came of each exchange, what deviates, and the findings beside their turns."""

import json

import pytest

from course import view
from course.diagnose import diagnose
from course.turns import turns
from course.view import proof
from support.diagnosed import RUN, act, call, history, refused
from support.page import Tags
from support.records import SYSTEM, TASK, entry

CUT = call(1, "It ta", finish="length", ask={"max_tokens": 24}, thinking="Well.")
ODD = {"id": "c", "index": None, "type": "function", "function": {"name": "look", "arguments": "{}"}}


def shown(records, **page):
    made = turns(records)
    return Tags(view.page(made, findings=diagnose(made), **page))


def links(page):
    """The links to proof: the turn, the part of it, and the quote."""
    return [
        (attrs["href"], attrs.get("data-in"), attrs.get("data-quote"))
        for tag, attrs in page.seen
        if tag == "a" and attrs.get("class") == "proof"
    ]


def test_a_finding_stands_in_its_turn_with_its_proof_and_what_to_do():
    page = shown([RUN, CUT])
    for said in ("The answer was cut off", "answer-cut", "max_tokens (24)", "Next:", "1 finding"):
        assert said in page.text
    assert ("#turn-1", "request", "24") in links(page)
    assert ("#turn-1", "response", "length") in links(page)


def test_a_page_that_was_not_diagnosed_claims_nothing():
    page = Tags(view.page(turns([CUT])))
    assert not [attrs for tag, attrs in page.seen if "Finding" in str(attrs.get("aria-label"))]
    assert "found no fault" not in page.text
    assert "found no fault" in shown([call(1, "Oslo.")]).text


def test_proof_in_another_turn_links_there():
    lost = {"usage": {"prompt_tokens": 2400}, "timings": {"cache_n": 0}}
    page = shown([call(1, "x", history(1), **lost), call(2, "y", history(2), **lost)])
    assert ("#turn-1", "response", "2400") in links(page)


@pytest.mark.parametrize(
    ("where", "part", "key"),
    [
        ("request.messages[3].content[0:7]", "request", "content"),
        ("request.stop[2]", "request", "stop"),
        ("response.choices[0].message.content[0:7]", "response", "content"),
        ("raw_response[332:412]", "response", ""),
        ("thinking[2:80]", "response", ""),
        ("events[2].choices[0].index", "response", "index"),
        ("step.error[0:9]", "step", "error"),
        ("status", "", ""),
        ("run.server.command[4:9]", "", "command"),
    ],
)
def test_every_kind_of_path_has_a_place(where, part, key):
    (finding,) = diagnose(turns([CUT]))
    for path in (where, f"turn 1: {where}"):
        quote = type(finding.evidence[0])(path, "x")
        assert proof.place_of(quote, finding, {(1, 1): 7}) == proof.Place(7, part, key)
        assert proof.place_of(quote, finding, {(2, 1): 7}) is None


def test_each_turn_says_what_came_of_it():
    zipped = entry(2, [SYSTEM, TASK], None)
    zipped["response"]["content"] |= {
        "text": "AAAA",
        "encoding": "base64",
        "comment": "could not be decompressed",
    }
    zipped["response"]["headers"] = [{"name": "content-encoding", "value": "br"}]
    page = shown([CUT, zipped, refused(429, {"message": "Rate limit reached"}), call(4, "", thinking="Hm.")])
    for said in ("cut", "not decodable (br)", "refused", "Rate limit reached", "thinking only"):
        assert said in page.text


def test_an_error_in_a_successful_response_is_shown():
    page = shown([entry(1, [SYSTEM, TASK], {"error": {"message": "Provider returned error", "code": 502}})])
    assert "Provider returned error" in page.text


def test_values_that_deviate_are_listed():
    delta = json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [ODD]}, "finish_reason": "stop"}]})
    page = shown([entry(1, [SYSTEM], None, sse=f"data: {delta}\n\n")])
    assert "index is null, not a whole number" in page.text


def test_thinking_is_shown_under_the_name_of_its_field():
    thought = call(1, "Oslo.")
    thought["response"]["content"]["text"] = thought["response"]["content"]["text"].replace(
        '"content": "Oslo."', '"content": "Oslo.", "reasoning": "The capital."'
    )
    page = shown([thought])
    assert "← reasoning" in page.text
    assert "The capital." in page.text


def test_a_step_that_the_next_request_quotes_is_shown():
    error = (
        "Error:\nError in code parsing:\nno code\nNow let's retry: take care not to repeat previous errors!"
    )
    told = [SYSTEM, TASK, {"role": "assistant", "content": "Hm."}, {"role": "user", "content": error}]
    made = turns([call(1, "Hm."), call(2, "So.", told)])
    assert "quotes of it" in Tags(view.page(made)).text
    assert "as turn 2 quotes it" in view.text(made[0])


def test_a_finding_cannot_break_the_page():
    """Quotes and names come from the wire."""
    page = shown([RUN, call(1, "<code>\nx\n</code>"), act(1, "x", error="due to: <script>alert(1)</script>")])
    assert "alert(1)" in page.text
    assert not any("alert" in str(attrs.get("onclick")) for _, attrs in page.seen)


def test_the_page_of_another_clients_tape_has_no_empty_column():
    assert "In smolagents" not in shown([call(1, "Oslo.")]).text
    assert "In smolagents" in shown([RUN, call(1, "Oslo.")]).text


def test_past_calls_are_shown_as_calls():
    function = {"name": "look", "arguments": '{"city": "Bergen"}'}
    past = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]}
    result = {"role": "tool", "tool_call_id": "c", "content": "rain"}
    made = turns([call(1, "It rains.", [SYSTEM, TASK, past, result])])
    for text in (Tags(view.page(made)).text, view.text(made[0])):
        assert 'look({"city": "Bergen"})' in text
