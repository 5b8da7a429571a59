"""The page, the notebook output and the console text: complete, safe, self-contained."""

import html
import re

import pytest

from course import labs, view
from course.turns import turns
from support.page import Tags
from support.records import SYSTEM, TASK, entry, reply, step

EVIL = "<script>alert(1)</script><think>no</think>"
USAGE = {"usage": {"prompt_tokens": 100, "completion_tokens": 7}, "timings": {"cache_n": 80, "prompt_n": 20}}


@pytest.fixture
def made():
    error = {"error": {"message": "the context is full"}}
    observed = step("a", 1, observation=EVIL, model_output="x")
    final = step("b", 2, is_final=True, action_output=9.62)
    return turns(
        [
            {"_type": "run", "question": "How fast?", "model": "m", "when": "2026-01-01T00:00:00+00:00"},
            entry(1, [SYSTEM, TASK], reply("a", EVIL, **USAGE)),
            observed,
            entry(2, [SYSTEM, TASK, {"role": "user", "content": "long\n" * 500}], reply("b")),
            final,
            entry(3, [SYSTEM], error, status=400),
            step("gone", 9),
        ]
    )


def test_the_page_shows_every_turn_and_nothing_runs(made):
    page = view.page(made, "<b>How</b> fast?")
    tags = Tags(page)
    assert not tags.open, f"{tags.open} are not closed"
    assert [a["id"] for t, a in tags.seen if t == "section"] == [f"turn-{n}" for n in (1, 2, 3, 4)]
    for said in (
        "<b>How</b> fast?",
        "the context is full",
        "9.62",
        "no exchange on the tape",
        "80 from the cache",
    ):
        assert said in tags.text
    scripts = [a.get("type") for t, a in tags.seen if t == "script"]
    assert scripts == ["application/json"] * 4 + [None], "data, the page's own, and none from the wire"
    assert EVIL in tags.text, "what was on the wire is text, complete, with its think tags"


def test_the_page_needs_no_network(made):
    """No address is loaded: no src, and every href stays on the page or is data."""
    for tag, attrs in Tags(view.page(made)).seen:
        assert "src" not in attrs
        assert attrs.get("href", "#").startswith(("#", "data:")), (tag, attrs)
    assert "@import" not in view.style()
    assert "url(" not in view.style()


def attributes(page, tag):
    return [a for t, a in Tags(page).seen if t == tag]


def test_every_turn_can_be_linked_to_and_folded(made):
    page = view.page(made)
    links = [a["href"] for a in attributes(page, "a") if a.get("class") == "self"]
    assert links == [f"#turn-{n}" for n in (1, 2, 3, 4)]
    assert [a.get("class") for a in attributes(page, "details")].count("fold") == 4


def test_runs_are_named_and_their_turns_counted_from_one():
    """Headings, links and console say the same; the anchors stay unique."""
    opened = [{"_type": "run", "question": q} for q in ("One?", "Two?")]
    made = turns([opened[0], entry(1, [SYSTEM], reply("a")), opened[1], entry(2, [SYSTEM], reply("b"))])
    page = view.page(made)
    tags = Tags(page)
    assert not tags.open
    assert [a["id"] for t, a in tags.seen if t == "section"] == ["turn-1", "turn-2"]
    assert [a["data-label"] for t, a in tags.seen if t == "section"] == ["run 1, turn 1", "run 2, turn 1"]
    for said in ("Run 1: One?", "Run 2: Two?", "Run 2, turn 1", "2 runs · 2 turns"):
        assert said in tags.text
    assert view.text(made[1]).startswith("── Run 2, turn 1 · ")
    alone = Tags(view.page(made[:0] + turns([opened[0], entry(1, [SYSTEM], reply("a"))]))).text
    assert "Turn 1" in alone
    assert "Run 1" not in alone


def test_a_long_run_is_folded_except_where_it_failed():
    ok = [entry(n, [SYSTEM], reply(f"r{n}")) for n in range(1, 40)]
    page = view.page(turns([*ok, entry(40, [SYSTEM], {"error": {"message": "no"}}, status=500)]))
    folds = ["open" in a for a in attributes(page, "details") if a.get("class") == "fold"]
    assert folds == [False] * 39 + [True]


def test_closed_turns_are_text_so_a_long_page_opens_at_once():
    """Elements cost the browser a hundred times their bytes, so every closed turn is in <noscript>."""
    said = "".join(f"<code>{n}</code>" for n in range(9000))
    few = [entry(n, [{"role": "user", "content": f"{n} {said}"}], reply(f"r{n}")) for n in range(1, 8)]
    page = view.page(turns(few))
    folds = re.findall(r'<details class="fold"( open)?>', page)
    assert folds == [" open"] + [""] * 6, "what is open at first fits in a million characters"
    inert = re.sub(r"<noscript>.*?</noscript>", "", page, flags=re.DOTALL)
    assert inert.count("<b ") < 20_000
    assert page.count("<b ") > 7 * 18_000


def test_without_a_script_all_texts_can_be_read(made):
    """The search form waits for its script; thinking, content, code and observations do not."""
    page = view.page(made)
    assert "hidden" in attributes(page, "form")[0]
    form = page[page.index("<form") : page.index("</form>")]
    assert len(attributes(page, "button")) == form.count("<button") > 0
    readable = Tags(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)).text
    for said in ("hm", EVIL, "code of a", "code of gone", "Without JavaScript"):
        assert said in readable


def test_the_page_of_a_long_conversation_is_small():
    said = [{"role": "assistant", "content": f"{n} " * 200} for n in range(100)]
    records = [entry(n + 1, said[: n + 1], reply(f"r{n}")) for n in range(100)]
    sent = sum(len(r["request"]["postData"]["text"]) for r in records)
    size = len(view.page(turns(records)))
    assert size < sent / 5, f"{size:,} characters for {sent:,} that were sent"


def test_a_turn_shows_what_its_tokens_are_spent_on_and_what_was_truncated():
    mark = "\n..._This content has been truncated to stay below 8 characters_...\n"
    cut = step("a", 1, observation=f"Execution logs:\nabcd{mark}efgh\nLast output from code snippet:\nNone")
    text = Tags(view.page(turns([entry(1, [SYSTEM, TASK], reply("a", **USAGE)), cut]))).text
    for said in ("spent on", "system prompt", "estimated", "8 characters: printed output"):
        assert said in text


def test_dropped_messages_are_shown():
    records = [entry(1, [SYSTEM, TASK], reply("a")), entry(2, [TASK], reply("b"))]
    assert "0 of 1 messages, 1 dropped" in Tags(view.page(turns(records))).text
    assert "0 of 1 messages, 1 dropped" in view.text(turns(records)[1])


def test_an_exchange_without_a_step_is_counted_in_the_summary(made):
    assert "1 without a step" in view.page(made)


def test_special_tokens_are_set_off(made):
    assert '<b class="tok">&lt;think&gt;</b>' in view.page(made)
    shown = view.tokens_shown("<|im_start|>user a < b <code>x</code>")
    assert re.findall(r'"tok">(.*?)</b>', shown) == ["&lt;|im_start|&gt;", "&lt;code&gt;", "&lt;/code&gt;"]
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)) == "<|im_start|>user a < b <code>x</code>"


def test_the_script_knows_the_same_special_tokens():
    script = view.page([])
    assert f"/{view.SPECIAL.pattern.replace('/', chr(92) + '/')}/g" in script


@pytest.mark.parametrize(
    "token", ["<｜begin▁of▁sentence｜>", "<start_of_turn>", "[INST]", "<|eot_id|>", "</s>"]
)
def test_other_families_special_tokens_are_set_off(token):
    assert view.tokens_shown(f"a{token}b").count('class="tok"') == 1


def test_long_parts_are_folded(made):
    tags = Tags(view.page(made))
    assert any(t == "details" and "open" not in a for t, a in tags.seen)
    assert "2,500 characters" in tags.text


def test_the_notebook_output_does_not_affect_the_notebook(made):
    """Every rule of the style applies inside .aow only, and no id can clash with another output's."""
    shown = view.show(made).data
    assert not any("id" in attrs for _, attrs in Tags(shown).seen)
    assert Tags(view.show(made[0]).data).text.count("Turn 1") == 1
    rules = re.sub(r"@(container|media)[^{]*\{", "", view.style())
    for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", rules):
        assert all(s.strip().startswith(".aow") for s in selectors.split(",")), selectors


def test_a_tape_without_turns_is_a_page_too():
    assert "no exchanges" in view.page([])
    assert view.show([]).data


def test_the_console_text_names_every_part(made):
    first, _, third, fourth = [view.text(t) for t in made]
    for said in (
        "Turn 1",
        "step 1",
        "80 tokens from the cache",
        "new in the request: 2 of 2",
        "← thinking",
        "hm",
    ):
        assert said in first
    assert "HTTP 400: the context is full" in third
    assert "code of gone" in fourth
    assert max(map(len, "".join([first, third, fourth]).splitlines())) <= 100


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"content": "4", "reasoning_content": "h"}, "in reasoning_content"),
        ({"content": "<think>h</think>4"}, "in content"),
        ({"content": "h\n</think>\n4"}, "in content, opening tag missing"),
        ({"content": "<think> opens, </think> closes"}, "in content"),
        ({"content": "say </think> to close"}, "nowhere"),
        ({"content": "4"}, "nowhere"),
        ({}, "nowhere"),
    ],
)
def test_where_the_thinking_is(message, place):
    assert labs.where_think_is(message) == place


def test_the_table_of_outcomes_has_headers_and_hides_nothing(made, tmp_path):
    outcomes = [
        labs.Outcome("default", {}, "llama-server", 9.62, 2, None, made, tmp_path, "How fast?"),
        labs.Outcome("no jinja", {"jinja": False}, "llama-server", None, 0, EVIL, [], tmp_path, "How fast?"),
    ]
    tags = Tags(labs.table(outcomes).data)
    assert [a["scope"] for t, a in tags.seen if t == "th"] == ["col"] * 5 + ["row"] * 2
    assert "script" not in [t for t, _ in tags.seen]
    for said in ("How fast?", "reasoning_content", "thinking in reasoning_content", "9.62", EVIL):
        assert said in tags.text


def test_a_variant_is_named_by_what_it_changes():
    assert labs.label_of({}) == "default"
    assert (
        labs.label_of({"jinja": False, "chat_template_file": "/a/b/c.jinja"})
        == "jinja=False, chat_template_file=c.jinja"
    )
