"""Real runs with a known fault, and healthy ones that look suspicious: the test cases of bench/diagnosis.py.

A recipe names a run, the faults that its tape must have, and the server that it needs; runs.py has the runs.
"""

from dataclasses import dataclass, field
from json import dumps
from typing import Any

from smolagents.models import REMOVE_PARAMETER

from bench.runs import (
    ANSWER,
    BARE,
    COMPUTE,
    DECOY,
    LONG,
    SEARCH,
    THOUGHT,
    Doorbell,
    Interrupted,
    NoStop,
    Recording,
    code,
    follow_up,
    leopard,
    loading,
    managed,
    overflows,
    says,
    server_dies,
    tool_agent,
    two_runs,
    waits,
)
from course.model.embedded import template_path


@dataclass(frozen=True)
class Recipe:
    """`run(server, tape)` leaves a tape with exactly the faults `expected`; without any, the run is healthy.

    `changes` are settings of the server. With `own`, the server is not shared with other recipes, because the run stops it
    or starts it.
    """

    name: str
    expected: frozenset[str]
    run: Recording
    changes: dict[str, Any] = field(default_factory=dict)
    own: bool = False


V = {"verbose": True}
RAW = {"reasoning_format": "none"}
JSON_CALL = THOUGHT + dumps({"name": "web_search", "arguments": {"query": "leopard top speed"}})
JSON_ANSWER = THOUGHT + dumps({"name": "final_answer", "arguments": {"answer": "9.62"}})
NO_TOOLS = {"tools": REMOVE_PARAMETER, "tool_choice": REMOVE_PARAMETER}


def recipes() -> list[Recipe]:
    bare = template_path().read_text(encoding="utf-8").replace("{{- '<think>\\n' -}}", "{{- '' -}}")

    def fault(name: str, kinds: str, run: Recording, **more: Any) -> Recipe:
        return Recipe(name, frozenset(kinds.split()), run, **more)

    no_jinja, unparsed, small = {"jinja": False}, {"skip_chat_parsing": True}, {"context": 2560}
    return [
        fault("nobody there", "unreachable", says(ANSWER, model={"api_base": "http://127.0.0.1:9/v1"})),
        fault("another key", "wrong-key", says(ANSWER, model={"api_key": "another"})),
        fault("impatient client", "timed-out", says(LONG, model={"timeout": 0.5})),
        fault("interrupted", "client-disconnected never-ended", says(LONG, base=Interrupted, streamed=True)),
        fault("endless question", "context-overflow", overflows),
        fault("no user message", "template-refused",
              says(ANSWER, model={"custom_role_conversions": {"user": "system"}})),
        fault("system message last", "template-refused",
              says(ANSWER, model={"custom_role_conversions": {"user": "system", "system": "user"}})),
        fault("string for a boolean", "request-refused",
              says(ANSWER, body={"chat_template_kwargs": {"enable_thinking": "false"}})),
        fault("broken grammar", "grammar-rejected", says(ANSWER, body={"grammar": "root ::= ("})),
        fault("unknown argument", "never-sent", says(ANSWER, model={"grammar": "x"})),
        fault("no prompt cache", "prompt-cache-miss", says(SEARCH, (ANSWER, {"cache_prompt": False}))),
        fault("reasoning format none", "thinking-in-content", says(SEARCH, ANSWER, body=RAW)),
        fault("reasoning format none, streamed", "thinking-in-content", says(SEARCH, ANSWER, body=RAW, streamed=True)),
        fault("decoy, stopped", "thinking-in-content decoy-ran stop-in-thinking", says(DECOY, body=RAW)),
        fault("decoy, not stopped", "thinking-in-content decoy-ran", says(DECOY, body=RAW, base=NoStop)),
        fault("stop string in the thinking", "stop-in-thinking empty-step", says(DECOY, ANSWER)),
        fault("stop string in the thinking, verbose", "stop-in-thinking empty-step", says(DECOY, ANSWER, body=V)),
        fault("stop string in the thinking, streamed", "stop-in-thinking empty-step",
              says(DECOY, ANSWER, streamed=True)),
        fault("another stop string, verbose", "stop-in-thinking empty-step",
              says("I look.\nObservation: 58.\n</think>\n\nHm.", ANSWER, body=V)),
        fault("another stop string", "stop-in-thinking empty-step",
              says("I look.\nObservation: 58.\n</think>\n\nHm.", ANSWER)),
        fault("thinking cut", "thinking-cut empty-step", says(LONG, ANSWER, model={"max_tokens": 48})),
        fault("thinking cut, streamed", "thinking-cut empty-step",
              says(LONG, ANSWER, model={"max_tokens": 48}, streamed=True)),
        fault("answer cut", "answer-cut syntax-error",
              says(code(f"print('{LONG}')"), ANSWER, model={"max_tokens": 48})),
        fault("nothing after the thinking", "empty-response empty-step", says(THOUGHT, ANSWER)),
        fault("nothing after the thinking, verbose", "empty-response empty-step", says(THOUGHT, ANSWER, body=V)),
        fault("empty code block", "no-code-block", says(THOUGHT + "<code>\n</code>", ANSWER)),
        fault("comments only", "empty-step", says(code("# I think about it."), ANSWER)),
        fault("plain prose", "no-code-block", says(THOUGHT + "It takes about ten seconds.", ANSWER)),
        fault("a tool call in prose", "no-tool-call",
              tool_agent(THOUGHT + "It takes about ten seconds.", JSON_ANSWER, model=NO_TOOLS)),
        fault("not Python", "syntax-error", says(code("for in bridge: run"), ANSWER)),
        fault("import os", "forbidden-import", says(code("import os"), ANSWER)),
        fault("from os import", "forbidden-import", says(code("from os import path"), ANSWER, streamed=True)),
        fault("open a file", "forbidden-call", says(code("print(open('notes.txt'))"), ANSWER)),
        fault("unknown tool", "forbidden-call", says(code("visit_webpage('https://example.org')"), ANSWER)),
        fault("search for nothing", "empty-search", says(code("print(web_search('zzyzx qwrtz'))"), ANSWER)),
        fault("search, caught", "empty-search",
              says(code("try:\n    web_search('zzyzx qwrtz')\nexcept Exception as e:\n    print(e)"), ANSWER)),
        fault("division by zero", "action-failed", says(code("print(155 / 0)"), ANSWER)),
        fault("wrong arguments of a tool", "action-failed", says(code("print(web_search(words='leopard'))"), ANSWER)),
        fault("a tool, interrupted", "never-ended", says(code("wait()"), tools=[Doorbell()])),
        fault("the same search twice", "repeated-action", says(SEARCH, SEARCH, ANSWER)),
        fault("the same error twice", "action-failed repeated-action",
              says(code("print(speed)"), code("print(speed)"), ANSWER)),
        fault("a long print", "observation-truncated",
              says(code("print('leopard ' * 500)"), ANSWER, max_print_outputs_length=1000)),
        fault("out of steps", "max-steps", says(SEARCH, THOUGHT + "About ten seconds.", max_steps=1)),
        fault("out of steps, streamed", "max-steps",
              says(SEARCH, THOUGHT + "About ten seconds.", max_steps=1, streamed=True)),
        fault("tools without jinja", "tools-without-jinja", tool_agent(), changes=no_jinja),
        fault("no jinja", "thinking-not-opened", says(BARE), changes=no_jinja),
        fault("no jinja, thinking", "thinking-not-opened thinking-in-content", says(ANSWER, body=V), changes=no_jinja),
        fault("parsing skipped", "thinking-in-content", says(SEARCH, ANSWER), changes=unparsed),
        fault("parsing skipped, stopped", "thinking-in-content decoy-ran stop-in-thinking",
              says(DECOY, body=V), changes=unparsed),
        fault("another template", "thinking-not-opened", says(BARE, body=V), changes={"chat_template_file": bare}),
        fault("context full", "thinking-cut empty-step max-steps",
              says(LONG * 2, THOUGHT + "Ten seconds.", max_steps=1), changes=small),
        fault("server stopped", "connection-lost", server_dies(streamed=False), own=True),
        fault("server stopped, streamed", "connection-lost", server_dies(streamed=True), own=True),
        fault("server still loading", "busy", loading, own=True),
        # healthy
        fault("search, compute, answer", "", says(SEARCH, COMPUTE, ANSWER)),
        fault("search, compute, answer, verbose", "", says(SEARCH, COMPUTE, ANSWER, body=V)),
        fault("search, compute, answer, streamed", "", says(SEARCH, COMPUTE, ANSWER, streamed=True)),
        fault("two code blocks", "",
              says(THOUGHT + "<code>\na = 1\n</code>\nand\n<code>\nprint(a)\n</code>", ANSWER, base=NoStop)),
        fault("with a plan", "", says(THOUGHT + "1. Search.", SEARCH, COMPUTE, THOUGHT + "2. Answer.", ANSWER,
                                      planning_interval=2)),
        fault("an agent asks an agent", "", managed),
        fault("two runs of one question", "", two_runs),
        fault("a second question", "", follow_up),
        fault("waits for a change", "", waits),
        fault("catches an error", "",
              says(code("try:\n    print(1 / 0)\nexcept ZeroDivisionError as e:\n    print('Error:', e)"), ANSWER)),
        fault("talks about the tags", "",
              says(THOUGHT + "The tag </think> ends what <think> opens.\n<code>\nprint('</think>')\n</code>", ANSWER)),
        fault("an answer out of nothing", "", says(code("final_answer('I was here before')"))),
        fault("thinking switched off", "",
              says(BARE, body={"chat_template_kwargs": {"enable_thinking": False}, **V})),
        fault("tool calls as JSON", "", tool_agent(JSON_CALL, JSON_ANSWER, model=NO_TOOLS)),
        fault("the leopard, unforced", "", leopard),
    ]  # fmt: skip
