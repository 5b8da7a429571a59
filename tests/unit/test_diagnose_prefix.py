"""The beginning of a prompt: a cache that missed, a change that made it useless, a prompt that the server cut off."""

import json

import pytest

from course.turns import turns
from support.diagnosed import CALL, call, found, kinds
from support.records import SYSTEM, TASK


def history(n):
    """The messages of the n-th request of a run: two more each time, and no result twice."""
    messages = [SYSTEM, TASK]
    for m in range(1, n):
        messages += [{"role": "assistant", "content": CALL}, {"role": "user", "content": f"Observation: {m}"}]
    return messages


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
    messages = [SYSTEM, {"role": "user", "content": task}]
    for m in range(1, n):
        messages.append({"role": "assistant", "content": f"I do {task}"})
        messages.append({"role": "user", "content": f"result {m} of {task}"})
    return messages


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
            '"role": "assistant"', f'"role": "assistant", "reasoning_content": "{"Hm. " * 850}"'
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


def test_another_model_has_another_cache_and_another_tokenizer():
    """The model is changed in mid-conversation, by the client or by a router, and changed back."""
    longer = [*history(2), {"role": "user", "content": "more " * 240}]
    last = [*longer, {"role": "assistant", "content": "yes"}, TASK]
    asked = [hosted(1, 10_000, 9000, model="claude-x"), hosted(2, 8300, 0, longer, model="gpt-y")]
    back = hosted(3, 10_400, 9984, last, model="claude-x")
    assert kinds([*asked, back]) == []
    assert kinds([*asked, hosted(3, 8500, 8192, last, model="gpt-y")]) == []
    stays = [hosted(1, 10_000, 9000, model="claude-x"), hosted(2, 10_300, 0, longer, model="claude-x")]
    assert kinds(stays) == ["prompt-cache-miss"]
    assert kinds([*asked, hosted(3, 10_400, 12, last, model="claude-x")]) == ["prompt-cache-miss"]
    for record, name in zip(stays, ("claude-x", "gpt-y"), strict=True):  # both ask for the router's name
        answered(record, model=name)
    assert kinds(stays) == []


def answered(record, **more):
    """The record with other fields in its response."""
    content = record["response"]["content"]
    content["text"] = json.dumps(json.loads(content["text"]) | more)
    return record


def test_a_model_that_never_reports_cached_tokens_is_not_judged_by_another():
    silent = [hosted(n, 4000 + 200 * n, 0, model="b") for n in (1, 2, 3)]
    assert kinds([hosted(9, 4200, 4096, [TASK], model="a"), *silent]) == []


def test_another_provider_of_openrouter_has_its_own_cache():
    first = answered(hosted(1, 9200, 9000), provider="DeepInfra")
    (finding,) = found([first, answered(hosted(2, 9400, 0), provider="Novita")])
    assert finding.kind == "prompt-cache-miss"
    assert "Another provider answered: Novita, after DeepInfra" in finding.why
    assert '"order": ["DeepInfra"]' in finding.next
    assert "Compare" not in finding.next
    assert [q.text for q in finding.evidence] == ["0", "9200", "Novita", "DeepInfra"]
    (same,) = found([first, answered(hosted(2, 9400, 0), provider="DeepInfra")])
    assert ("expired" in same.why, "provider" in same.next) == (True, False)
    # a provider that never reports cached tokens may have no cache
    rest = [answered(hosted(n, 9000 + 200 * n, 0), provider="Novita") for n in (3, 4)]
    assert len(found([first, answered(hosted(2, 9400, 0), provider="Novita"), *rest])) == 1


def detailed(n, prompt, cache, server=None, null=True):
    """As vLLM and SGLang report cached tokens: null if there are none, or nothing at all."""
    usage = {"prompt_tokens": prompt, "completion_tokens": 40, "total_tokens": prompt + 40}
    if cache or null:
        usage["prompt_tokens_details"] = {"cached_tokens": cache} if cache else None
    more = {"id": f"chatcmpl-{n:032x}"} if server == "vllm" else {}
    more |= {"metadata": {"weight_version": "default"}} if server == "sglang" else {}
    made = call(n, CALL, history(n), usage=usage, **more)
    if server == "vllm":
        made["request"]["url"] = "http://127.0.0.1:8000/v1/chat/completions"
    return made


@pytest.mark.parametrize(
    ("server", "null"), [("vllm", True), ("vllm", False), ("sglang", True), ("sglang", False), (None, True)]
)
def test_a_count_of_0_that_is_left_out_is_a_miss(server, null):
    """In a stream, the field itself is left out. A server that nobody knows counts only if it writes null."""
    records = [detailed(n, 4000 + 200 * n, cache, server, null) for n, cache in ((1, 0), (2, 4192), (3, 0))]
    (finding,) = found(records)
    assert (finding.kind, finding.turn) == ("prompt-cache-miss", 3)
    assert "only 0 came from the cache" in finding.why
    assert "prompt_tokens_details is null or missing here" in finding.why
    assert finding.evidence[0].where == "response.usage"
    assert "4600" in finding.evidence[0].text


def test_a_count_that_is_unknown_is_not_a_miss():
    """Healthy: a server that reports nothing, one that omits the field for reasons of its own, and a proxy's null."""
    assert kinds([detailed(n, 4000 + 200 * n, 0, "vllm") for n in (1, 2, 3)]) == []
    assert kinds([detailed(1, 4200, 4096), detailed(2, 4400, 0, null=False)]) == []
    proxy = [detailed(1, 4200, 4096), detailed(2, 4400, 0)]
    assert kinds(proxy) == ["prompt-cache-miss"]
    for record in proxy:
        record["response"]["headers"] = [{"name": "x-litellm-version", "value": "1.80.0"}]
    assert kinds(proxy) == []


def ollama(n, prompt, messages, cached=None, **more):
    """An exchange with Ollama's own API."""
    made = call(n, messages=messages)
    made["request"]["url"] = "http://127.0.0.1:11434/api/chat"
    body = {
        "model": "m",
        "message": {"role": "assistant", "content": CALL},
        "done": True,
        "done_reason": "stop",
    }
    body |= {"prompt_eval_count": prompt, "prompt_eval_duration": 4 * 10**9, "eval_count": 40, **more}
    body |= {} if cached is None else {"prompt_eval_cached_count": cached}
    made["response"]["content"]["text"] = json.dumps(body)
    return made


def test_cached_tokens_of_ollamas_own_api_are_read():
    """From 0.33.3 on. They are part of prompt_eval_count, and not of the time."""
    cold, warm = (ollama(n, 2000, history(n), cached) for n, cached in ((1, 0), (2, 1500)))
    assert [(t.tokens.prompt, t.tokens.cached, t.tokens.new) for t in turns([cold, warm])] == [
        (2000, 0, 2000),
        (2000, 1500, 500),
    ]
    assert turns([warm])[0].timings["prompt_n"] == 500
    assert kinds([cold, warm]) == []
    (finding,) = found([cold, warm, ollama(3, 2200, history(3), 10)])
    assert (finding.kind, finding.evidence[0].where) == (
        "prompt-cache-miss",
        "response.prompt_eval_cached_count",
    )
    assert finding.evidence[1].where == "turn 2: response.prompt_eval_count"
    assert "which took 3.6 s" in finding.why  # 1,990 of the 2,190 tokens that took 4 s
    assert "keep_alive" in finding.why
    assert turns([ollama(1, 2000, history(1))])[0].timings["prompt_n"] == 2000


def growing(n, thinking=""):
    """The messages of counted(), with thinking sent back."""
    messages = [SYSTEM, {"role": "user", "content": "word " * 2000}]
    for m in range(1, n):
        spoken = {"role": "assistant", "content": CALL} | ({"thinking": thinking} if thinking else {})
        messages += [spoken, {"role": "user", "content": f"{m} " + "word " * 800}]
    return messages


def test_a_count_that_falls_to_half_of_ollamas_window_is_a_truncation():
    """Also where thinking is sent back."""
    for thinking in ("", "Hm. " * 2000):
        counts = [2040, 2840, 3640, 2050]
        records = [ollama(n, count, growing(n, thinking)) for n, count in enumerate(counts, 1)]
        (finding,) = found(records)
        assert (finding.kind, finding.turn) == ("prompt-truncated", 4)
        assert "2050 is 2 more than half of 4096" in finding.why
        assert "OLLAMA_CONTEXT_LENGTH=8192" in finding.next
        assert kinds([*records[:3], ollama(4, 4440, growing(4, thinking))]) == []


def test_a_cache_that_a_truncation_made_useless_did_not_miss():
    counts = [(2040, 0), (2840, 2030), (3640, 2830), (2050, 4), (2050, 4)]
    records = [ollama(n, count, growing(n), cached) for n, (count, cached) in enumerate(counts, 1)]
    assert kinds(records) == ["prompt-truncated"]


@pytest.mark.parametrize(
    ("thinking", "counts", "expected"),
    [
        ("Hm. " * 100, [2040, 2840, 3640, 3100], ["prompt-truncated"]),  # 400 characters are no 1,340 tokens
        ("Hm. " * 500, [2040, 3340, 4640, 4440], []),  # thoughts of 500 tokens left out
        ("Hm. " * 100, [1500, 900], []),  # a server that counts what its cache did not have
    ],
)
def test_tokens_that_past_thinking_does_not_explain_are_missing(thinking, counts, expected):
    records = [ollama(n, count, growing(n, thinking)) for n, count in enumerate(counts, 1)]
    assert kinds(records) == expected


def long_one(text):
    return [SYSTEM, {"role": "user", "content": text}]


@pytest.mark.parametrize("count", [2050, 2051])
def test_a_first_request_of_which_ollama_leaves_half_of_its_window(count):
    code = "for row in table.rows: total += row.price\n" * 600  # some 8,000 tokens
    (finding,) = found([ollama(1, count, long_one(code))])
    assert (finding.kind, finding.evidence[0].text) == ("prompt-truncated", str(count))
    assert f"{count} is {count - 2048} more than half of 4096" in finding.why


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (2052, "for row in table.rows: total += row.price\n" * 600),  # not what is left of a halved prompt
        (2050, "A sentence of several words. " * 400),  # 5.7 characters per token
        (2050, f"|{'-' * 90}|{' ' * 90}|\n" * 400),  # a table: long runs are one token
    ],
)
def test_a_first_request_that_fits_is_not_truncated(count, text):
    assert kinds([ollama(1, count, long_one(text))]) == []


def test_the_same_count_means_nothing_on_another_server():
    code = "for row in table.rows: total += row.price\n" * 600
    assert kinds([call(1, CALL, long_one(code), usage={"prompt_tokens": 2050})]) == []
