"""The beginning of a prompt: a cache that missed, a change that made it useless, a prompt that the server cut off."""

import json

import pytest

from course.turns import turns
from support.diagnosed import CALL, call, found, history, kinds
from support.records import SYSTEM, TASK


def cached(n, prompt, cache, messages=None, **ask):
    usage = {"usage": {"prompt_tokens": prompt}, "timings": {"cache_n": cache, "prompt_n": prompt - cache}}
    return call(n, CALL, messages or history(n), ask=ask, **usage)


def test_a_prompt_cache_miss():
    """The second request continues the first, and was processed from the start."""
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 30)])
    assert (finding.kind, finding.turn) == ("prompt-cache-miss", 2)
    assert [q.text for q in finding.evidence] == ["30", "2400"]
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 0, cache_prompt=False)])
    assert "cache_prompt" in finding.why


def dated(n, when, prompt, cache):
    """The n-th request of a run whose system prompt has a date in it."""
    system = {"role": "system", "content": f"You are a guide. It is {when}. " + "Be careful. " * 40}
    return cached(n, prompt, cache, [system, *history(n)[1:]])


def test_a_prefix_that_changes():
    (finding,) = found([dated(1, "12:00:01", 2400, 0), dated(2, "12:00:09", 2600, 12)])
    assert (finding.kind, finding.turn) == ("changing-prefix", 2)
    new, old, count = finding.evidence
    assert new.where.startswith("request.messages[0].content[")
    assert ("12:00:09" in new.text, "12:00:01" in old.text, count.text) == (True, True, "12")
    assert kinds([dated(1, "12:00", 2400, 0), dated(2, "12:00", 2600, 12)]) == ["prompt-cache-miss"]


def counting(n, prompt, cache):
    """The n-th request of a run whose system prompt has a counter after its first three quarters."""
    system = f"{'Be careful. ' * 120}You have called the tool {n} times. {'Be brief. ' * 40}"
    return cached(n, prompt, cache, [{"role": "system", "content": system}, *history(n)[1:]])


def test_a_prefix_that_changes_in_its_middle():
    """Three quarters of the cache survive, and the rest is lost at each request."""
    (finding,) = found([counting(1, 2400, 0), counting(2, 2600, 1720)])
    assert (finding.kind, finding.turn, finding.evidence[2].text) == ("changing-prefix", 2, "1720")
    assert "process 680 tokens again" in finding.why
    assert kinds([counting(1, 2400, 0), counting(2, 2600, 2200)]) == []  # too little to matter


def test_a_prompt_that_became_shorter_has_less_to_process():
    """Fewer tools: what is gone is not processed again."""
    tools = [tool(name) for name in "abcdefghijklmnopqrst"]
    records = [hosted(1, 8000, 2048, tools=tools), hosted(2, 4900, 4480, history(2), tools=tools[:12])]
    assert [f.why for f in found(records) if "3520" in f.why] == []


def test_a_note_late_in_the_conversation_is_not_its_beginning():
    long = [{"role": "user", "content": "tell " * 4000}, {"role": "assistant", "content": "told " * 4000}]

    def noted(n, share, cache):
        note = {"role": "system", "content": f"You have used {share} % of your budget. Keep that in mind."}
        more = [{"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}] * (n - 1)
        return hosted(n, 100_000, cache, [SYSTEM, *long, note, TASK, *more])

    assert kinds([noted(1, 10, 0), noted(2, 20, 99_712)]) == []


def test_a_prompt_that_is_another_one_does_not_count_as_a_changed_prefix():
    """Healthy: another system prompt for the last call, a small change that most of the cache survives."""
    other = [{"role": "system", "content": "An agent got stuck. Answer instead."}, *history(2)[1:]]
    assert kinds([cached(1, 2400, 0), cached(2, 900, 10, other)]) == []
    assert kinds([dated(1, "12:00:01", 2400, 0), dated(2, "12:00:09", 2600, 2100)]) == []


def test_a_cache_that_another_prompt_took_over_is_not_a_fault():
    """Healthy: a planning call in between, another question, most of the prompt cached."""
    plan = cached(2, 900, 0, [TASK])
    assert kinds([cached(1, 2400, 0), plan, cached(3, 2600, 10, history(2))]) == []
    other = [SYSTEM, {"role": "user", "content": "another"}]
    assert kinds([cached(1, 2400, 0), cached(2, 2400, 900, other)]) == []
    assert kinds([cached(1, 2400, 0), cached(2, 2600, 2390)]) == []


def hosted(n, prompt, cache, messages=None, **ask):
    """An exchange with a server that reports cached tokens as OpenAI does."""
    usage = {"prompt_tokens": prompt, "prompt_tokens_details": {"cached_tokens": cache}}
    return call(n, CALL, messages or history(n), ask=ask, usage=usage)


def test_a_hosted_api_that_does_not_cache_short_prompts_is_not_a_fault():
    """OpenAI's API caches prompts of 1,024 tokens and more. The advice must not be that for a llama-server."""
    assert kinds([hosted(1, 420, 0), hosted(2, 440, 0), hosted(3, 460, 300)]) == []
    (finding,) = found([hosted(1, 4200, 0), hosted(2, 4400, 0), hosted(3, 4600, 4300)])
    assert finding.kind == "prompt-cache-miss"
    assert "slot" not in finding.why + finding.next


def test_a_count_of_0_proves_nothing_where_the_server_never_reports_more():
    assert kinds([hosted(n, 4000 + 200 * n, 0) for n in (1, 2, 3)]) == []


def talk(n, task):
    """The n-th request of an agent with this task, under a system prompt that others have as well."""
    past = [
        {"role": "assistant", "content": f"I do {task}"},
        {"role": "user", "content": f"result of {task}"},
    ]
    return [SYSTEM, {"role": "user", "content": task}, *past * (n - 1)]


def test_agents_that_alternate_are_told_apart():
    """Each continues its own request. One of them loses its cache once."""
    caches = [0, 0, 4000, 4000, 4200, 12]
    records = [
        hosted(n + 1, 4100 + 100 * n, cache, talk(n // 2 + 1, "ab"[n % 2])) for n, cache in enumerate(caches)
    ]
    assert [t.diff.continues for t in turns(records)] == [None, None, 1, 2, 3, 4]
    (finding,) = found(records)
    assert (finding.kind, finding.turn) == ("prompt-cache-miss", 6)


def test_what_a_lost_cache_cost_is_counted():
    costly = cached(2, 2600, 100)
    body = json.loads(costly["response"]["content"]["text"])
    body["timings"] |= {"prompt_ms": 5000.0}
    costly["response"]["content"]["text"] = json.dumps(body)
    (finding,) = found([cached(1, 2400, 0), costly])
    assert "2300" in finding.why
    assert "4.6 s" in finding.why  # 2,300 of the 2,500 tokens that took 5 s


def tool(name):
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": {}}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda ms: [ms[0], {"role": "user", "content": "Note: it is late."}, *ms[1:]], "is new"),
        (lambda ms: [ms[0], *ms[2:]], "is gone"),
        (lambda ms: [{**ms[0], "content": ms[0]["content"].replace("code", "rust")}, *ms[1:]], "from character 8"),
    ],
)  # fmt: skip
def test_changes_of_each_kind_are_named(change, says):
    long = [{"role": "user", "content": f"message {n} " * 30} for n in range(6)]
    before = [SYSTEM, *long]
    records = [hosted(1, 4200, 0, before), hosted(2, 4400, 20, [*change(before), TASK])]
    (finding,) = found(records)
    assert finding.kind == "changing-prefix"
    assert says in finding.why


def test_tools_in_another_order_are_named():
    tools = [tool(name) for name in ("look", "find", "list")]
    records = [hosted(1, 4200, 0, tools=tools), hosted(2, 4400, 64, tools=tools[::-1])]
    (finding,) = found(records)
    assert (finding.kind, "another order" in finding.why) == ("changing-prefix", True)
    assert finding.evidence[0].where.startswith("request.tools[0].function.name")
    same = [hosted(1, 4200, 0, tools=tools), hosted(2, 4400, 4100, tools=tools)]
    assert kinds(same) == []


def test_marks_for_the_cache_that_move_are_not_a_change():
    """Anthropic's clients mark the newest message, so the mark on the one before goes away."""
    marked = {"type": "text", "text": "How fast?", "cache_control": {"type": "ephemeral"}}
    plain = {"type": "text", "text": "How fast?"}

    def talk(*caches):
        texts = [marked, plain, plain]
        return [
            hosted(n, 4000 + 200 * n, cache, [SYSTEM, {"role": "user", "content": [text]}, *history(n)[2:]])
            for n, (cache, text) in enumerate(zip(caches, texts, strict=True), 1)
        ]

    assert kinds(talk(0, 4100, 4300)) == []
    assert kinds(talk(0, 12, 4300)) == ["prompt-cache-miss"]


def counted(n, prompt, **ask):
    """The n-th request of a long conversation, and the tokens that the server counted for it: 800 more each time."""
    messages = [SYSTEM, {"role": "user", "content": "word " * 2000}]
    for m in range(1, n):
        results = {"role": "user", "content": f"{m} " + "word " * 800}
        messages += [{"role": "assistant", "content": CALL}, results]
    return call(n, CALL, messages, ask=ask, usage={"prompt_tokens": prompt, "completion_tokens": 40})


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ([2030, 2830, 3630, 4430], []),
        ([2030, 2830, 3072, 3072], ["prompt-truncated"]),  # stands still at a round number
        ([2030, 2830, 2790, 2830], ["prompt-truncated"]),  # whole messages are dropped
        ([2030, 2010, 2020, 2000], ["prompt-truncated"]),
        ([2030, 800, 800, 800], []),  # a server that counts what its cache did not have
        ([None, None, None, None], []),
    ],
)
def test_a_prompt_that_grows_while_its_tokens_do_not(prompts, expected):
    assert kinds([counted(n, prompt) for n, prompt in enumerate(prompts, 1)]) == expected


def test_thinking_that_a_template_leaves_out_later_is_not_a_truncation():
    records = [counted(n, prompt) for n, prompt in enumerate([2030, 2830, 2790], 1)]
    for record in records:
        post = record["request"]["postData"]
        post["text"] = post["text"].replace(
            '"role": "assistant"', '"role": "assistant", "reasoning_content": "Hm."'
        )
    assert kinds(records) == []


def test_one_long_prompt_with_few_tokens_is_truncated():
    long = [SYSTEM, {"role": "user", "content": "A sentence of several words. " * 3000}]
    usage = {"prompt_tokens": 4096, "completion_tokens": 40}
    (finding,) = found([call(1, CALL, long, usage=usage)])
    assert (finding.kind, finding.evidence[0].text) == ("prompt-truncated", "4096")
    assert kinds([call(1, CALL, long, usage={"prompt_tokens": 18001})]) == []


def test_a_truncation_that_the_client_asked_for_says_so():
    records = [counted(n, prompt, transforms=["middle-out"]) for n, prompt in ((1, 2030), (2, 2030))]
    (finding,) = found(records)
    assert "transforms" in finding.why
