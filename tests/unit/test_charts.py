"""Charts add up, stay inside their frame and are described in words; raw bodies are restored exactly."""

import json
import subprocess

import pytest

from course import view
from course.turns import turns
from course.view import charts, raw
from support.page import Tags
from support.records import SYSTEM, TASK, entry, reply, step

TIMED = {
    "usage": {"prompt_tokens": 100, "completion_tokens": 7},
    "timings": {"cache_n": 80, "prompt_n": 20, "prompt_ms": 400, "predicted_ms": 1000},
}


def run(n=4, apart=2, **server):
    """Turns of 1.5 s each, with 0.3 s of tools, every `apart` seconds."""
    records = [{"_type": "run", "question": "?", "server": server}]
    for k in range(1, n + 1):
        messages = [SYSTEM, TASK, *[{"role": "assistant", "content": "x" * 50}] * k]
        one = entry(k, messages, reply(f"r{k}", **TIMED), second=0)
        one["startedDateTime"] = f"2026-01-01T00:{k * apart // 60:02}:{k * apart % 60:02}.000+00:00"
        records.append(one)
        started = turns([one])[0].exchange.started
        records.append(step(f"r{k}", k, started=started, ended=started + 1.8))
    return turns(records)


def test_the_phases_of_a_turn_add_up_to_its_time():
    p = charts.phases(run(1)[0])
    assert (p.prompt, p.generation) == (0.4, 1.0)
    assert p.rest == pytest.approx(0.1)
    assert p.tools == pytest.approx(0.3, abs=1e-5)
    assert p.seconds == pytest.approx(1.8, abs=1e-5)


def test_a_stream_without_timings_is_divided_at_its_first_chunk():
    one = entry(1, [SYSTEM], None, sse='data: {"choices": []}\n\n')
    one["_chunks"] = [[600.0, 9], [1500.0, 9]]
    p = charts.phases(turns([one])[0])
    assert (p.prompt, p.generation, p.rest) == (0.6, 0.9, 0.0)


def test_what_was_not_timed_has_no_phases():
    assert charts.phases(turns([step("gone")])[0]) is None
    assert charts.timeline(turns([step("gone")])) is None
    assert charts.growth(turns([step("gone")])) is None


@pytest.mark.parametrize("n_ctx", [160, 50])
@pytest.mark.parametrize("n", [1, 4, 200])
def test_everything_is_drawn_inside_the_chart(n, n_ctx):
    """Also if a prompt is longer than the context that the run record names: another server answered."""
    made = run(n, n_ctx=n_ctx)
    for chart in (charts.timeline(made), charts.growth(made)):
        assert chart.bars
        for bar in chart.bars:
            assert bar.x >= 0
            assert bar.x + bar.width <= 100.001
            assert bar.y >= -0.001
            assert bar.y + bar.height <= chart.height + 0.001
        assert 2 <= len(chart.ticks) <= 8
        assert len(chart.labels) <= max(n, 45)


def test_turns_follow_each_other_on_the_axis():
    chart = charts.timeline(run(3))
    ends = [max(b.x + b.width for b in chart.bars if f"turn {n}:" in b.said) for n in (1, 2, 3)]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(100)
    assert "3 turns in 5.8 seconds" in chart.said


def test_idle_time_is_left_out_and_marked():
    quick, slow = charts.timeline(run(3, apart=2)), charts.timeline(run(3, apart=60))
    assert (len(quick.breaks), len(slow.breaks)) == (0, 2)
    assert "in 5.4 seconds" in slow.said


def test_a_column_is_as_high_as_its_tokens():
    chart = charts.growth(run(2, n_ctx=107))
    high = sum(b.height for b in chart.bars if "turn 1:" in b.said and b.kind != "cache")
    assert high == pytest.approx(charts.HIGH)
    assert "107" in chart.said
    assert chart.limit[0] == 0


def test_the_cache_is_in_both_charts():
    made = run(3)
    assert [text for text, *_ in charts.timeline(made).notes] == ["80% cached"] * 3
    assert charts.timeline(run(1)).notes == [], "no room beside a bar as wide as the axis; the table has it"
    line = next(b for b in charts.growth(made).bars if b.kind == "cache")
    assert line.y == pytest.approx(charts.HIGH * (1 - 80 / 107))


def test_the_charts_tell_runs_apart():
    made = run(2)
    two = turns([r for n in (1, 2) for r in _records(n)])
    assert [text for text, *_ in charts.timeline(made).labels] == ["1", "2"]
    for chart in (charts.timeline(two), charts.growth(two)):
        assert [text for text, *_ in chart.labels] == ["1.1", "2.1"]
        assert "run 2, turn 1" in " ".join(b.said for b in chart.bars)
    assert "2.1 is run 2, turn 1" in Tags(view.overview(two).data).text


def _records(n):
    return [{"_type": "run", "question": "?"}, entry(n, [SYSTEM], reply(f"r{n}", **TIMED), second=4 * n)]


def test_no_note_overlaps_its_own_bar():
    """A manager's bar spans those of its workers; its note is before or after it."""
    chart = charts.timeline(run(3))
    for (_, x, _, left), n in zip(chart.notes, (1, 2, 3), strict=True):
        own = [b for b in chart.bars if f"turn {n}:" in b.said]
        edge = min(b.x for b in own) if left else max(b.x + b.width for b in own)
        assert x == pytest.approx(edge)


def test_a_notebook_gets_the_same_figures_as_a_table_of_bars():
    """The widths are in proportion to the longest turn, and what is missing is a dash."""
    rows = charts.rows_of([*run(2), *turns([step("gone")])])
    assert [row.all_tokens for row in rows] == [107, 107, 0]
    assert [row.all_seconds for row in rows] == [pytest.approx(1.8), pytest.approx(1.8), 0.0]
    tags = Tags(view.overview([*run(2), *turns([step("gone")])]).data)
    widths = [float(a["style"][6:-1]) for t, a in tags.seen if t == "span" and "width:" in a.get("style", "")]
    assert sum(widths) == pytest.approx(4 * 100, abs=0.1), "two turns, their tokens and their seconds"
    assert "107, of which 80 from the cache" in tags.text
    assert "1.8 s" in tags.text
    assert not any("id" in a for _, a in tags.seen)


def test_a_run_that_was_not_measured_is_a_table_without_bars():
    for nothing in ([], turns([step("gone")])):
        assert "bar" not in [a.get("class") for t, a in Tags(view.overview(nothing).data).seen]


def test_a_chart_has_a_description_and_a_table():
    tags = Tags(view.page(run(4)))
    images = [a for t, a in tags.seen if t == "svg"]
    assert [a["role"] for a in images] == ["img", "img"]
    assert all(len(a["aria-label"]) > 40 for a in images)
    assert "The same data as a table" in tags.text


TEXTS = ["", "abc", '{"messages": ["a𝄞b"], "stop": 1}', '{"messages": ["a𝄞b", "𝄞c"], "stop": 1}', "abc", "x"]


def test_every_text_is_restored():
    found = raw.deltas(TEXTS)
    assert [d.restore(TEXTS) for d in found] == TEXTS
    assert found[3].base == 2
    assert len(found[3].text) < 12


def test_javascript_counts_in_utf_16():
    delta = raw.deltas(TEXTS)[3]
    packed = raw.packed(delta, TEXTS)
    units = [t.encode("utf-16-le") for t in (TEXTS[2], packed["text"])]
    restored = units[0][: 2 * packed["start"]] + units[1] + units[0][len(units[0]) - 2 * packed["end"] :]
    assert restored.decode("utf-16-le") == TEXTS[3]


def dated(n):
    """The n-th body of a client that puts the time into its system prompt, and adds a message with each request."""
    said = [f"message {m}: 😀 {'x' * 300}" for m in range(n)]
    return json.dumps(
        [f"Be careful. It is 12:00:{n:02}. 😀 " + "More rules. " * 40, *said], ensure_ascii=False
    )


def unpacked(delta, texts):
    """What templates/page.js makes of packed data."""
    if "base" not in delta:
        return delta["text"]
    inner = delta["base"]
    base = texts[inner] if isinstance(inner, int) else unpacked(inner, texts)
    units = base.encode("utf-16-le")
    kept = units[: 2 * delta["start"]], units[len(units) - 2 * delta["end"] :]
    return (kept[0] + delta["text"].encode("utf-16-le") + kept[1]).decode("utf-16-le")


def test_a_text_that_changes_at_its_beginning_and_its_end_is_stored_once():
    texts = [dated(n) for n in range(1, 30)]
    found = raw.deltas(texts, twice=True)
    assert [d.restore(texts) for d in found] == texts
    assert [unpacked(raw.packed(d, texts), texts) for d in found] == texts
    assert max(d.size for d in found[1:]) < 500
    assert [d.restore(TEXTS) for d in raw.deltas(TEXTS, twice=True)] == TEXTS


def test_a_conversation_is_stored_once():
    made = run(200)
    sent = sum(len(t.exchange.raw_request) for t in made)
    kept = sum(len(json.dumps(block["request"])) for block in raw.blocks(made))
    assert kept < sent / 20, f"{kept} of {sent} characters"


def test_the_prompt_in_a_verbose_response_is_not_stored_twice():
    prompt = 'the "prompt"\n' * 100
    made = turns([entry(1, [SYSTEM], reply("a", __verbose={"prompt": prompt}))])
    block = raw.blocks(made)[0]
    whole = block["response"]["before"] + json.dumps(prompt) + block["response"]["after"]
    assert whole == made[0].exchange.raw_response


def test_data_in_the_page_cannot_end_a_script():
    assert "</script" not in raw.script_json({"a": "</script><!--"})
    assert json.loads(raw.script_json({"a": "</script>"})) == {"a": "</script>"}


@pytest.mark.parametrize("said", ["it's \\ $HOME `x`", "END_OF_REQUEST\n"])
def test_curl_sends_the_same_body_and_no_key(said):
    one = entry(1, [{"role": "user", "content": said}], reply("a"))
    one["request"]["headers"] = [
        {"name": n, "value": v}
        for n, v in [("Content-Type", "application/json"), ("Authorization", "REDACTED"), ("Host", "h")]
    ]
    exchange = turns([one])[0].exchange
    command = raw.curl(exchange)
    fake = 'curl() { for a in "$@"; do printf "%s\\n" "$a"; done; cat; }\nAPI_KEY=mine\n'
    out = subprocess.run(["bash", "-c", fake + command], capture_output=True, text=True, check=True).stdout
    words = [
        "-sS",
        exchange.url,
        "-H",
        "Content-Type: application/json",
        "-H",
        "Authorization: Bearer mine",
        "--data-binary",
        "@-",
    ]
    assert out == "\n".join(words) + "\n" + exchange.raw_request + "\n"


def test_a_lone_surrogate_does_not_break_the_page():
    page = view.page(turns([entry(1, [{"role": "user", "content": "a\ud83d"}], reply("a", "b\ud83d"))]))
    assert "\\ud83d" in page
    page.encode("utf-8")
