"""Faults in the model's output as the server passed it on: thinking in the wrong place, text that is cut off.

Pure. Reads content, reasoning_content, finish_reason, the stop sequence that struck if the server names it, and, if the
request had `"verbose": true`, the rendered prompt.
Never guesses from prose: a message that talks about <think> is not a leak.
"""

import re
from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, tail, value
from course.model import profiles
from course.turns import Answer, Exchange, Turn
from course.turns.outcome import CUT
from course.turns.reading import whole
from course.turns.thinking import Leak, opens_thinking

PROMPT = "response.__verbose.prompt"
COMMAND = "run.server.command"
STOPS = ("request.stop", "request.stop_sequences", "request.options.stop")
"""Where requests have their stop sequences: OpenAI's APIs, Anthropic's, Ollama's."""
CODE = re.compile(r"<code>[ \t]*\n")
RAW_PROMPTS = ("completion", "completions")
"""APIs whose clients write the prompt themselves: no chat template has a part in it."""

ROOMY = 1024
"""Tokens: the least limit to advise. A model that is done earlier stops earlier, so it costs nothing."""
ROUND = 1024
"""Context windows are multiples of it: an answer that ends there has filled one."""
LEAST_THINKING = 32
"""Tokens: a smaller budget would end the thinking before it is of any use."""

LEAKS = {"--reasoning-format none": "kept", "--skip-chat-parsing": "unparsed", "--no-jinja": "plain"}
"""Settings of llama-server that leave the thinking in content, and the names by which the texts know them."""


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
    if stopped and (finding := _stopped(turn, exchange, answer)):
        yield finding
    elif exchange.outcome.kind == CUT:
        filtered = answer.ended == "filter"
        yield _filtered(turn, answer) if filtered else _cut(turn, exchange, answer, unfinished)
    elif stopped and not leaked and not answer.calls:
        yield _empty(turn, exchange, answer)


def _leaked(turn: Turn, exchange: Exchange, answer: Answer, leaked: Leak) -> Found:
    content = turn.content or ""
    proof: list[Quote | None] = []
    if leaked.tags == "none":
        proof += [quote(answer.content_at, content, 0, 80), tail(PROMPT, turn.prompt or "", 20)]
    if leaked.tags in ("both", "opening"):
        proof.append(match(answer.content_at, "<think>", content))
    if leaked.closed:
        at = content.rindex("</think>", 0, leaked.end)
        proof.append(quote(answer.content_at, content, max(0, at - 40), at + len("</think>")))
    words, seen = _setting(turn, exchange, leaked)
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


def _filtered(turn: Turn, answer: Answer) -> Found:
    """A text that a content filter ended: no limit was reached."""
    ended = value(answer.finish_at, answer.finish)
    return found("answer-cut", turn, ended, _last(turn, answer), case="filtered", filtered=answer.finish)


def _last(turn: Turn, answer: Answer) -> Quote | None:
    """The end of what was written: content, or else thinking."""
    if turn.content:
        return tail(answer.content_at, turn.content)
    return tail(answer.thinking_at, turn.thinking) if turn.thinking else None


def _cut(turn: Turn, exchange: Exchange, answer: Answer, unfinished: bool) -> Found:
    """Which limit ended the text: the request's, a full context, or one of the server's own."""
    limit, wrote = exchange.asked.limit, turn.tokens.generated
    asked = limit.tokens if limit else None
    room, prompt = whole(dig(turn.run, "server", "n_ctx")), turn.tokens.prompt
    proof = [value(answer.finish_at, answer.finish)]
    words: dict[str, object] = {"wrote": wrote}
    if limit is not None and asked is not None and (wrote is None or wrote >= asked):
        words |= {"key": limit.name, "asked": asked, "limit": max(2 * asked, ROOMY)}
        if not limit.name.startswith(
            "max_"
        ):  # no client's parameter: Ollama's num_predict, llama-server's n_predict
            words["field"] = f'"{limit.name}": {words["limit"]}'
        proof.append(value(limit.where, exchange.at(limit.where)))
    elif room and prompt and wrote and prompt + wrote >= room - 1:
        words |= {"room": room, "prompt": prompt, "double": 2 * room}
        proof.append(value("run.server.n_ctx", room))
    elif not room and prompt and wrote and (full := prompt + wrote) % ROUND == 0:
        words |= {"room": full, "prompt": prompt, "double": 2 * full}
    thinking = unfinished and not answer.calls and bool(turn.thinking or turn.leak)
    half = (asked or wrote or ROOMY) // 2
    words["half"] = half if half >= LEAST_THINKING else None
    return found("thinking-cut" if thinking else "answer-cut", turn, *proof, _last(turn, answer), **words)


def _empty(turn: Turn, exchange: Exchange, answer: Answer) -> Found:
    when = "immediately"
    if turn.thinking:
        when = f"right after its thinking ({len(turn.thinking):,} characters in {answer.thinking_at})"
    proof = [value(answer.content_at, turn.content), value(answer.finish_at, answer.finish)]
    proof += [tail(answer.thinking_at, turn.thinking)] if turn.thinking else []
    if answer.stop is None:
        stops = ", ".join(map(repr, exchange.asked.stops)) or None
        return found("empty-response", turn, *proof, when=when, stops=stops)
    if answer.stop.word is None:
        return found("empty-response", turn, *proof, when=when)
    proof.append(value(answer.stop.where, answer.stop.word))
    return found("empty-response", turn, *proof, when=when, case="struck", struck=repr(answer.stop.word))


def not_opened(turns: list[Turn]) -> Iterator[Found]:
    """Prompts that do not open the thinking, although this model's template or another of its prompts does."""
    opened: dict[str, Turn] = {}
    for turn in turns:
        if opens_thinking(turn.prompt):
            opened.setdefault(_model(turn), turn)
    for turn in turns:
        model, exchange = _model(turn), turn.exchange
        if exchange is None or exchange.status != 200 or not exchange.messages or _switched_off(exchange):
            continue
        if exchange.dialect in RAW_PROMPTS:
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


def _switched_off(exchange: Exchange) -> bool:
    """Whether the request asks for no thinking."""
    request = exchange.request
    return (
        dig(request, "chat_template_kwargs", "enable_thinking") is False
        or dig(request, "reasoning_effort") == "none"
    )
