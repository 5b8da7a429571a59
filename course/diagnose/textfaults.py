"""Faults in the model's output as the server passed it on: thinking in the wrong place, text that is cut off.

Pure. Reads content, reasoning_content, finish_reason and, if the request had `"verbose": true`, the rendered prompt.
Never guesses from prose: a message that talks about <think> is not a leak.
"""

import re
from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Finding, Quote, dig, match, quote, tail, value
from course.model import profiles
from course.turns import Exchange, Turn
from course.turns.thinking import Leak, opens_thinking

CONTENT = "response.choices[0].message.content"
THINKING = "response.choices[0].message.reasoning_content"
FINISH = "response.choices[0].finish_reason"
PROMPT = "response.__verbose.prompt"
COMMAND = "run.server.command"
OPEN_CODE = re.compile(r"<code>[ \t]*\n(?:(?!</code>).)*\Z", re.DOTALL)

LEAKS = {  # setting of the server: (what it does, what to change)
    "--reasoning-format none": (
        "The server runs with --reasoning-format none, which leaves the thinking in content.",
        "Start it with the default:  course serve --reasoning-format auto",
    ),
    "--skip-chat-parsing": (
        "The server runs with --skip-chat-parsing: all text is content. The opening tag is missing because it is part of "
        "the prompt.",
        "Start it without that flag:  course serve",
    ),
    "--no-jinja": (
        "The server runs with --no-jinja. Its plain parser does not recognize thinking.",
        "Start it with the model's own template:  course serve --jinja",
    ),
}


def in_turn(turn: Turn) -> Iterator[Finding]:
    """Faults in the text of this turn's response."""
    exchange, leaked = turn.exchange, turn.leak
    if exchange is None or exchange.status != 200 or exchange.answer is None:
        return
    if leaked:
        yield _leaked(turn, exchange, leaked)
    unfinished = not leaked.closed if leaked else not (turn.content or "").strip()
    stopped = unfinished and turn.finish_reason == "stop"
    if stopped and (finding := _stopped(turn, exchange)):
        yield finding
    elif turn.finish_reason == "length":
        yield _cut(turn, exchange, unfinished)
    elif stopped and not leaked and not exchange.answer.calls:
        yield _empty(turn, exchange)


def _leaked(turn: Turn, exchange: Exchange, leaked: Leak) -> Finding:
    content = turn.content or ""
    proof: list[Quote | None] = []
    if leaked.tags == "none":
        proof += [quote(CONTENT, content, 0, 80), tail(PROMPT, turn.prompt or "", 20)]
    if leaked.tags in ("both", "opening"):
        proof.append(match(CONTENT, "<think>", content))
    if leaked.closed:
        at = content.rindex("</think>", 0, leaked.end)
        proof.append(quote(CONTENT, content, max(0, at - 40), at + len("</think>")))
    setting, change, seen = _setting(turn, exchange, leaked)
    return found("thinking-in-content", turn, *proof, seen, setting=setting, change=change)


def _setting(turn: Turn, exchange: Exchange, leaked: Leak) -> tuple[str, str, Quote | None]:
    """The setting that left the thinking there (if the tape tells), what to change, and the proof."""
    opened = leaked.tags in ("both", "opening")
    if dig(exchange.request, "reasoning_format") == "none":
        said = "The request has reasoning_format: none, which leaves the thinking in content."
        return said, "Leave reasoning_format out of the request.", value("request.reasoning_format", "none")
    if flag := match(COMMAND, "|".join(LEAKS), dig(turn.run, "server", "command")):
        return (*LEAKS[flag.text], flag)
    if turn.thinking:
        said = "The server separated one block of thinking, and the model opened another."
        return said, 'Look at the raw text: add "verbose": true to the request.', None
    if turn.prompt is not None and opens_thinking(turn.prompt):
        seen = None if leaked.tags == "none" else tail(PROMPT, turn.prompt, 20)
        return (*LEAKS["--reasoning-format none" if opened else "--skip-chat-parsing"], seen)
    flags = "--reasoning-format none or --no-jinja"
    if not opened:
        flags = "--skip-chat-parsing, --no-jinja or a different chat template"
    said = f"On llama-server, the cause is {flags}."
    return said, "Start it with its defaults:  course serve   (lesson 06 tells these settings apart)", None


def _stopped(turn: Turn, exchange: Exchange) -> Finding | None:
    """The stop sequence that ended the thinking: named by the server, or inferred from a code block without an end."""
    where, text = (CONTENT, turn.content) if turn.leak else (THINKING, turn.thinking)
    if not text:
        return None
    response = exchange.response
    named: list[Quote] = []
    if dig(response, "__verbose", "stop_type") is not None:
        word, raw = dig(response, "__verbose", "stopping_word"), dig(response, "__verbose", "content")
        if dig(response, "__verbose", "stop_type") != "word" or not word or "</think>" in str(raw):
            return None
        named = [value("response.__verbose.stopping_word", word)]
    elif OPEN_CODE.search(text):
        word = "</code>"
    else:
        return None
    stops = dig(exchange.request, "stop")
    if not isinstance(stops, list) or word not in stops:
        return None
    sent = value(f"request.stop[{stops.index(word)}]", word)
    return found("stop-in-thinking", turn, tail(where, text), sent, *named, value(FINISH, "stop"), stop=word)


def _cut(turn: Turn, exchange: Exchange, unfinished: bool) -> Finding:
    """Which limit ended the text: the request's, a full context, or one of the server's own."""
    request = exchange.request
    key = next((k for k in ("max_tokens", "max_completion_tokens") if isinstance(dig(request, k), int)), None)
    asked, wrote = dig(request, key) if key else None, turn.tokens.generated
    room, prompt = dig(turn.run, "server", "n_ctx"), turn.tokens.prompt
    proof = [value(FINISH, "length")]
    if asked is not None and (wrote is None or wrote >= asked):
        limit = f"The model reached {key} ({asked})."
        more = f"Allow more tokens:  connect(server, tape, {key}={max(2 * asked, 256)})"
        proof.append(value(f"request.{key}", asked))
    elif room and prompt and wrote and prompt + wrote >= room - 1:
        limit = f"The context window of {room} tokens is full: {prompt} in the prompt, {wrote} generated."
        more = f"Enlarge the context:  course serve -c {2 * room}"
        proof.append(value("run.server.n_ctx", room))
    else:
        limit = f"The server's own limit was reached after {wrote if wrote is not None else 'some'} tokens."
        more = "Enlarge the context, or raise the server's own limit (-n):  course serve -c …"
    thinking = unfinished and bool(turn.thinking or turn.leak)
    if written := (turn.content or turn.thinking):
        proof.append(tail(CONTENT if turn.content else THINKING, written))
    kind, half = "thinking-cut" if thinking else "answer-cut", max((asked or wrote or 512) // 2, 32)
    return found(kind, turn, *proof, limit=limit, more=more, half=half)


def _empty(turn: Turn, exchange: Exchange) -> Finding:
    when = "right after its thinking" if turn.thinking else "immediately"
    told = dig(exchange.response, "__verbose", "stop_type") is not None
    if turn.thinking and not told and dig(exchange.request, "stop"):
        when += ' (or a stop sequence ended it there: "verbose": true in the request would show which)'
    proof = [value(CONTENT, turn.content), value(FINISH, "stop")]
    proof += [tail(THINKING, turn.thinking)] if turn.thinking else []
    return found("empty-response", turn, *proof, when=when)


def not_opened(turns: list[Turn]) -> Iterator[Finding]:
    """Prompts that do not open the thinking, although this model's template or another of its prompts does."""
    opened: dict[str, Turn] = {}
    for turn in turns:
        if opens_thinking(turn.prompt):
            opened.setdefault(_model(turn), turn)
    for turn in turns:
        model, exchange = _model(turn), turn.exchange
        if exchange is None or exchange.status != 200 or not exchange.messages or _switched_off(exchange):
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
