"""Faults in the model's output as the server passed it on: thinking in the wrong place, text that is cut off or missing.

Pure. Reads content, reasoning_content, finish_reason, the stop sequence that struck if the server names it, and, if the
request had `"verbose": true`, the rendered prompt. cuttexts.py judges a text that a limit ended.
Never guesses from prose: a message that talks about <think> is not a leak.
"""

import re
from collections.abc import Iterator

from course.diagnose import calltexts, cuttexts
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, tail, value
from course.model import profiles
from course.turns import Answer, Exchange, Turn
from course.turns.outcome import CUT, EMPTY, THINKING
from course.turns.thinking import Leak, opens_thinking

PROMPT = "response.__verbose.prompt"
COMMAND = "run.server.command"
STOPS = ("request.stop", "request.stop_sequences", "request.options.stop")
"""Where requests have their stop sequences: OpenAI's APIs, Anthropic's, Ollama's."""
CODE = re.compile(r"<code>[ \t]*\n")
RAW_PROMPTS = ("completion", "completions")
"""APIs whose clients write the prompt themselves: no chat template has a part in it."""

LEAKS = {"--reasoning-format none": "kept", "--skip-chat-parsing": "unparsed", "--no-jinja": "plain"}
"""Settings of llama-server that leave the thinking in content, and the names by which the texts know them."""
PARSERS = {
    "<think>": {"vllm_parser": "qwen3", "sglang_parser": "qwen3"},
    "[THINK]": {"vllm_parser": "mistral"},
    "<seed:think>": {"vllm_parser": "seed_oss"},
    "<|channel|>analysis<|message|>": {"vllm_parser": "openai_gptoss", "sglang_parser": "gpt-oss"},
    "analysis": {"vllm_parser": "openai_gptoss", "sglang_parser": "gpt-oss"},
    "<|channel>thought": {"vllm_parser": "gemma4"},
    "<|channel>": {"vllm_parser": "gemma4"},
}
"""Which parser takes the thinking with this mark out of the content, by the servers' names for it, as far as documented."""
SWITCHES: tuple[tuple[str, bool | str], ...] = (
    ("request.chat_template_kwargs.enable_thinking", False),
    ("request.chat_template_kwargs.thinking", False),
    ("request.enable_thinking", False),
    ("request.think", False),
    ("request.thinking.type", "disabled"),
    ("request.reasoning_effort", "none"),
    ("request.reasoning.effort", "none"),
    ("request.reasoning.enabled", False),
)
"""How requests switch the thinking off: for the templates of Qwen and of DeepSeek, on DashScope, Ollama, Z.ai, OpenAI,
and OpenRouter."""
NO_END = ("in_progress", "queued", "pause_turn", "load", "unload")
"""Words for why there is no answer yet, or why none was asked for: Responses in the background, Anthropic, Ollama."""


def in_turn(turn: Turn) -> Iterator[Found]:
    """Faults in the text of this turn's response."""
    exchange, leaked = turn.exchange, turn.leak
    answer = exchange.answer if exchange else None
    if exchange is None or exchange.status != 200 or answer is None:
        return
    if leaked:
        yield _leaked(turn, exchange, answer, leaked)
    unfinished = not leaked.closed if leaked else not (turn.content or "").strip()
    stopped = unfinished and turn.ended == "stop"
    nothing = exchange.outcome.kind in (EMPTY, THINKING)
    unknown = nothing and turn.ended is None and answer.finish not in NO_END
    if stopped and (finding := _misfiled(turn, exchange, answer) or _stopped(turn, exchange, answer)):
        yield finding
    elif exchange.outcome.kind == CUT and answer.ended == "filter":
        yield cuttexts.filtered(turn, answer)
    elif exchange.outcome.kind == CUT:
        yield cuttexts.cut(turn, exchange, answer, unfinished)
    elif (stopped or unknown) and not leaked and not answer.calls and not calltexts.written(exchange):
        yield _empty(turn, exchange, answer)


def _leaked(turn: Turn, exchange: Exchange, answer: Answer, leaked: Leak) -> Found:
    content = turn.content or ""
    proof: list[Quote | None] = []
    if leaked.tags == "none":
        proof += [quote(answer.content_at, content, 0, 80), tail(PROMPT, turn.prompt or "", 20)]
    if leaked.tags in ("both", "opening"):
        proof.append(match(answer.content_at, re.escape(leaked.opening), content))
    if leaked.closed:
        at = content.rindex(leaked.closing, 0, leaked.end)
        proof.append(quote(answer.content_at, content, max(0, at - 40), at + len(leaked.closing)))
    words, seen = _setting(turn, exchange, leaked)
    words |= {"closing": leaked.closing, **PARSERS.get(leaked.opening, {})}
    return found("thinking-in-content", turn, *proof, seen, **words)


def _setting(turn: Turn, exchange: Exchange, leaked: Leak) -> tuple[dict[str, str], Quote | None]:
    """The setting that left the thinking there, as far as the tape tells, and the proof."""
    opened = leaked.tags in ("both", "opening")
    if dig(exchange.request, "reasoning_format") == "none":
        return {"format": "none"}, value("request.reasoning_format", "none")
    if flag := match(COMMAND, "|".join(LEAKS), dig(turn.run, "server", "command")):
        return {LEAKS[flag.text]: flag.text}, flag
    if turn.thinking:
        return {"second": "another"}, None
    if turn.prompt is not None and opens_thinking(turn.prompt):
        seen = None if leaked.tags == "none" else tail(PROMPT, turn.prompt, 20)
        setting = "--reasoning-format none" if opened else "--skip-chat-parsing"
        return {LEAKS[setting]: setting}, seen
    flags = "--reasoning-format none or --no-jinja"
    if not opened:
        flags = "--skip-chat-parsing, --no-jinja or a different chat template"
    return {"flags": flags}, None


def _stopped(turn: Turn, exchange: Exchange, answer: Answer) -> Found | None:
    """The stop sequence that left no answer: named by the server, or inferred from a code block without an end."""
    where, text = (answer.content_at, turn.content) if turn.leak else (answer.thinking_at, turn.thinking)
    if not text or answer.calls:
        return None
    named: list[Quote] = []
    if answer.stop is not None:
        if answer.stop.word is None:
            return None
        word = answer.stop.word
        named = [value(answer.stop.where, word)]
    elif CODE.search(text, text.rfind("</code>") + 1):  # a block without an end
        word = "</code>"
    else:
        return None
    sent = _sent(exchange, word)
    if sent is None:
        return None
    return found(
        "stop-in-thinking",
        turn,
        tail(where, text),
        sent,
        *named,
        value(answer.finish_at, answer.finish),
        stop=word,
    )


def _sent(exchange: Exchange, word: str) -> Quote | None:
    """The stop sequence in the request, which has one or a list of them."""
    for path in STOPS:
        stops = exchange.at(path)
        if stops == word:
            return value(path, word)
        if isinstance(stops, list) and word in stops:
            return value(f"{path}[{stops.index(word)}]", word)
    return None


def _misfiled(turn: Turn, exchange: Exchange, answer: Answer) -> Found | None:
    """An answer that the server took for thinking, although the request switches the thinking off."""
    off = _switched_off(exchange)
    if off is None or not turn.thinking or turn.leak or answer.calls or calltexts.written(exchange):
        return None
    at = answer.thinking_at
    place = at.removeprefix("response.") if at.endswith(".text") else at.rpartition(".")[2]
    proof = [tail(at, turn.thinking), _content(exchange, answer), off]
    switch = f"{off.where.removeprefix('request.')}: {off.text}"
    return found("empty-response", turn, *proof, case="misfiled", switch=switch, place=place)


def _empty(turn: Turn, exchange: Exchange, answer: Answer) -> Found:
    when = "immediately"
    proof = [_content(exchange, answer), value(answer.finish_at, answer.finish)]
    if turn.thinking:
        when = f"right after its thinking ({len(turn.thinking):,} characters in {answer.thinking_at})"
        proof.append(tail(answer.thinking_at, turn.thinking))
    elif unseen := cuttexts.hidden(turn, exchange):
        when = f"after {unseen.tokens:,} tokens of thinking that it does not show"
        proof.append(unseen.seen)
    if turn.ended is None:
        return found("empty-response", turn, *proof, case="unknown", ended=answer.finish)
    if answer.stop is None:
        stops = ", ".join(map(repr, exchange.asked.stops)) or None
        return found("empty-response", turn, *proof, when=when, stops=stops)
    if answer.stop.word is None:
        return found("empty-response", turn, *proof, when=when)
    proof.append(value(answer.stop.where, answer.stop.word))
    return found("empty-response", turn, *proof, when=when, case="struck", struck=repr(answer.stop.word))


def _content(exchange: Exchange, answer: Answer) -> Quote:
    """The empty content; what the response has where it could be, in APIs whose content is a list."""
    return value(answer.content_at, exchange.at(answer.content_at))


def not_opened(turns: list[Turn]) -> Iterator[Found]:
    """Prompts that do not open the thinking, although this model's template or another of its prompts does."""
    opened: dict[str, Turn] = {}
    for turn in turns:
        if opens_thinking(turn.prompt):
            opened.setdefault(_model(turn), turn)
    for turn in turns:
        model, exchange = _model(turn), turn.exchange
        if exchange is None or exchange.status != 200 or not exchange.messages:
            continue
        if exchange.dialect in RAW_PROMPTS or _switched_off(exchange):
            continue
        known = profiles.opens_thinking(model)
        if known:
            expected = f"The template of {model} ends each prompt with <think>; this prompt does not."
        elif model in opened:
            expected = f"The prompt of {opened[model].label} ends with <think>; this one does not."
        else:
            continue
        flag = match(COMMAND, r"--no-jinja\b", dig(turn.run, "server", "command"))
        if turn.prompt and not turn.prompt.rstrip().endswith(("<think>", "</think>")):
            yield found("thinking-not-opened", turn, tail(PROMPT, turn.prompt, 40), flag, expected=expected)
        elif turn.prompt is None and known and flag:
            yield found("thinking-not-opened", turn, flag, expected=expected)


def _model(turn: Turn) -> str:
    names = (dig(turn.run, "model"), turn.exchange and dig(turn.exchange.response, "model"))
    return next((name for name in names if isinstance(name, str)), "")


def _switched_off(exchange: Exchange) -> Quote | None:
    """Where the request asks for no thinking."""
    for where, off in SWITCHES:
        given = exchange.at(where)
        if type(given) is type(off) and given == off:
            return value(where, given)
    return None
