"""Faults in what the model wrote, as the server handed it on: thinking in the wrong place, text that was cut. Pure.

Does: reads content, reasoning_content, finish_reason and, where the request said `"verbose": true`, the rendered
prompt. Does not: guess from the text alone; a message that talks about <think> is not a leak.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from course.diagnose.faults import found
from course.diagnose.finding import Finding, Quote, dig, match, quote, tail, value
from course.turns import Turn

CONTENT = "response.choices[0].message.content"
THINKING = "response.choices[0].message.reasoning_content"
FINISH = "response.choices[0].finish_reason"
CLOSED = re.compile(r"^[ \t]*</think>[ \t]*$", re.MULTILINE)
OPEN_CODE = re.compile(r"<code>[ \t]*\n(?:(?!</code>).)*\Z", re.DOTALL)
OPENS = re.compile(r"embedded-135m|qwen3\.[56]|thinking-2507|qwen3-4b-thinking", re.IGNORECASE)
"""Models whose template ends the prompt with an open <think>: those of this course's profiles."""

LEAKS = {  # what the server did, and what to change; keyed by the setting
    "--reasoning-format none": (
        "The server runs with --reasoning-format none, which leaves the thinking in content.",
        "Start it with the default:  course serve --reasoning-format auto",
    ),
    "--skip-chat-parsing": (
        "The server runs with --skip-chat-parsing: all that the model writes is content, and the opening tag, which "
        "stands in the prompt, is missing.",
        "Start it without that flag:  course serve",
    ),
    "--no-jinja": (
        "The server runs with --no-jinja, and its plain parser knows nothing of thinking.",
        "Start it with the model's own template:  course serve --jinja",
    ),
}


@dataclass(frozen=True)
class Leak:
    """Thinking that makes up the beginning of content, up to `end`. `tags`: which of its two tags are there."""

    end: int
    tags: str

    @property
    def closed(self) -> bool:
        return self.tags in ("both", "closing")


def leak(turn: Turn) -> Leak | None:
    """Where content begins with thinking: behind a <think>, before a </think> on a line of its own, or, without
    both, because the prompt opened the thinking and nobody closed it or cut it out.
    """
    content = turn.content
    if not isinstance(content, str):
        return None
    if opening := re.match(r"\s*<think>", content):
        closing = content.find("</think>", opening.end())
        return Leak(len(content), "opening") if closing < 0 else Leak(closing + len("</think>"), "both")
    if turn.thinking:
        return None
    closing = CLOSED.search(content)
    if closing and not _in_code(content[: closing.start()]):
        return Leak(closing.end(), "closing")
    if opens_thinking(turn.prompt) and content.strip() and "</think>" not in content:
        return Leak(len(content), "none")
    return None


def _in_code(text: str) -> bool:
    return text.count("<code>") > text.count("</code>") or text.count("```") % 2 == 1


def opens_thinking(prompt: str | None) -> bool:
    return bool(prompt) and prompt.rstrip().endswith("<think>")


def in_turn(turn: Turn) -> Iterator[Finding]:
    if turn.exchange is None or turn.status != 200 or not turn.exchange.choice:
        return
    if not isinstance(turn.content, str | None) or not isinstance(turn.thinking, str | None):
        return
    leaked = leak(turn)
    if leaked:
        yield _leaked(turn, leaked)
    unfinished = not (turn.content or "").strip() if leaked is None else not leaked.closed
    stopped = _stopped(turn, leaked) if unfinished and turn.finish_reason == "stop" else None
    if stopped:
        yield stopped
    elif turn.finish_reason == "length":
        yield _cut(turn, leaked, unfinished)
    elif (
        turn.finish_reason == "stop"
        and unfinished
        and leaked is None
        and not turn.exchange.message.get("tool_calls")
    ):
        told = dig(turn.exchange.response, "__verbose", "stop_type") is not None
        when = "after its thinking" if turn.thinking else "at once"
        if turn.thinking and not told and dig(turn.exchange.request, "stop"):
            when += ' (or a stop string ended it there: "verbose": true in the request would tell)'
        proof = [value(CONTENT, turn.content), value(FINISH, "stop")]
        proof += [tail(THINKING, turn.thinking)] if turn.thinking else []
        yield found("empty-response", turn, *proof, when=when)


def _leaked(turn: Turn, leaked: Leak) -> Finding:
    content, proof = turn.content, []
    if leaked.tags == "none":
        proof += [quote(CONTENT, content, 0, 80), tail("response.__verbose.prompt", turn.prompt, 20)]
    else:
        if leaked.tags in ("both", "opening"):
            proof.append(match(CONTENT, "<think>", content))
        if leaked.closed:
            at = content.rindex("</think>", 0, leaked.end)
            proof.append(quote(CONTENT, content, max(0, at - 40), at + len("</think>")))
    setting, change, seen = _setting(turn, leaked)
    return found("thinking-in-content", turn, *proof, seen, setting=setting, change=change)


def _setting(turn: Turn, leaked: Leak) -> tuple[str, str, Quote | None]:
    """Which setting left it there, as far as the tape tells, what to change, and what tells."""
    if dig(turn.exchange.request, "reasoning_format") == "none":
        said = "The request says reasoning_format: none, which leaves the thinking in content."
        return (
            said,
            "Leave reasoning_format out of the request.",
            value("request.reasoning_format", "none"),
        )
    flags = match("run.server.command", "|".join(LEAKS), dig(turn.run, "server", "command"))
    if flags:
        return (*LEAKS[flags.text], flags)
    if turn.thinking:
        said = "The server cut one thinking block out, and the model opened another one."
        return said, 'Look at the raw text: "verbose": true in the request.', None
    if opens_thinking(turn.prompt):
        flag = "--reasoning-format none" if leaked.tags in ("both", "opening") else "--skip-chat-parsing"
        return (
            *LEAKS[flag],
            None if leaked.tags == "none" else tail("response.__verbose.prompt", turn.prompt, 20),
        )
    if leaked.tags in ("both", "opening"):
        said = "The server runs with --reasoning-format none or with --no-jinja."
    else:
        said = "The server runs with --skip-chat-parsing, with --no-jinja or with another chat template."
    return said, "Start it with its defaults:  course serve   (lesson 06 tells the settings apart)", None


def _stopped(turn: Turn, leaked: Leak | None) -> Finding | None:
    """The stop string that ended the thinking: the server names it, or an open <code> tells."""
    where, text = (CONTENT, turn.content) if leaked else (THINKING, turn.thinking)
    if not text:
        return None
    response = turn.exchange.response
    if dig(response, "__verbose", "stop_type") is not None:
        word, raw = dig(response, "__verbose", "stopping_word"), dig(response, "__verbose", "content")
        if dig(response, "__verbose", "stop_type") != "word" or not word or "</think>" in (raw or ""):
            return None
        proof = [value("response.__verbose.stopping_word", word)]
    else:
        word, proof = "</code>", []
        if not OPEN_CODE.search(text):
            return None
    stops = dig(turn.exchange.request, "stop")
    if not isinstance(stops, list) or word not in stops:
        return None
    proof = [
        tail(where, text),
        value(f"request.stop[{stops.index(word)}]", word),
        *proof,
        value(FINISH, "stop"),
    ]
    return found("stop-in-thinking", turn, *proof, stop=word)


def _cut(turn: Turn, leaked: Leak | None, unfinished: bool) -> Finding:
    request = turn.exchange.request
    key = next((k for k in ("max_tokens", "max_completion_tokens") if isinstance(dig(request, k), int)), None)
    asked, wrote = dig(request, key) if key else None, turn.tokens.generated
    room, prompt = dig(turn.run, "server", "n_ctx"), turn.tokens.prompt
    proof = [value(FINISH, "length")]
    if asked is not None and (wrote is None or wrote >= asked):
        limit, more = f"{key} is {asked}.", f"More room: connect(server, tape, {key}={max(2 * asked, 256)})"
        proof.append(value(f"request.{key}", asked))
    elif room and prompt and wrote and prompt + wrote >= room - 1:
        limit = f"The context of {room} tokens is full: {prompt} of prompt and {wrote} of answer."
        more = f"A larger context: course serve -c {2 * room}"
        proof.append(value("run.server.n_ctx", room))
    else:
        limit = f"The server's own limit came after {wrote if wrote is not None else 'some'} tokens."
        more = "A larger context, or no limit of the server's (-n): course serve -c …"
    thinking = bool(turn.thinking or leaked) and unfinished
    text = CONTENT if turn.content else THINKING
    if written := (turn.content or turn.thinking):
        proof.append(tail(text, written))
    half = max((asked or wrote or 512) // 2, 32)
    return found(
        "thinking-cut" if thinking else "answer-cut", turn, *proof, limit=limit, more=more, half=half
    )


def not_opened(turns: list[Turn]) -> Iterator[Finding]:
    """Prompts that do not open the thinking although this model's template, or another turn's prompt, does."""
    opened: dict[str, Turn] = {}
    for turn in turns:
        if opens_thinking(turn.prompt):
            opened.setdefault(_model(turn), turn)
    for turn in turns:
        model, command = _model(turn), dig(turn.run, "server", "command")
        if turn.exchange is None or turn.status != 200 or not turn.exchange.messages:
            continue
        if _switched_off(turn) or not (OPENS.search(model) or model in opened):
            continue
        seen = match("run.server.command", r"--no-jinja\b", command)
        if turn.prompt and not turn.prompt.rstrip().endswith(("<think>", "</think>")):
            seen = tail("response.__verbose.prompt", turn.prompt, 40), seen
        elif turn.prompt is None and seen and OPENS.search(model):
            seen = (seen,)
        else:
            continue
        expected = f"The template of {model} ends each prompt with <think>, this prompt does not."
        if not OPENS.search(model):
            expected = f"The prompt of {opened[model].label} ends with <think>, this one does not."
        yield found("thinking-not-opened", turn, *seen, expected=expected)


def _model(turn: Turn) -> str:
    names = (dig(turn.run, "model"), turn.exchange and dig(turn.exchange.response, "model"))
    return next((name for name in names if isinstance(name, str)), "")


def _switched_off(turn: Turn) -> bool:
    request = turn.exchange.request
    return (
        dig(request, "chat_template_kwargs", "enable_thinking") is False
        or dig(request, "reasoning_effort") == "none"
    )
