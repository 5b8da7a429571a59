"""Conversations as other clients write them: healthy ones have no fault, and loops are named from the wire alone.

The bodies are shaped after the clients' and the APIs' public documentation; all texts are made up. Clients that run for
real are in tests/live/test_clients.py.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from course.diagnose.ends import Ends
from course.turns import turns
from support.diagnosed import found, kinds
from support.records import entry

Body = dict[str, Any]
Past = list[tuple[str, str, str]]
"""The calls so far: id, arguments, result."""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
RULES, ASKED = "Answer briefly.", "Does it rain in Bergen?"
FUNCTION = {"name": "look", "description": "The weather.", "parameters": SCHEMA}
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


def chat_request(past: Past, extra: Body, parts: bool = False, **more: Any) -> Body:
    """`extra` are the fields that the client keeps in an assistant message beside its calls."""
    text = [{"type": "text", "text": ASKED}] if parts else ASKED
    messages: list[Body] = [{"role": "system", "content": RULES}, {"role": "user", "content": text}]
    for id_, arguments, result in past:
        calls = [{"id": id_, "type": "function", "function": {"name": "look", "arguments": arguments}}]
        messages += [{"role": "assistant", "content": None, "tool_calls": calls, **extra}]
        messages += [{"role": "tool", "tool_call_id": id_, "content": result}]
    return {"model": "m", "messages": messages, "tools": [{"type": "function", "function": FUNCTION}], **more}


def chat_response(call: tuple[str, str] | None) -> Body:
    message: Body = {"role": "assistant", "content": None if call else "It does."}
    if call:
        function = {"name": "look", "arguments": call[1]}
        message["tool_calls"] = [{"id": call[0], "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1790000000, "model": "m", "choices": [choice],
            "usage": {"prompt_tokens": 90, "completion_tokens": 12, "total_tokens": 102}}  # fmt: skip


def responses_request(past: Past) -> Body:
    items: list[Body] = [{"role": "user", "content": ASKED}]
    for id_, arguments, result in past:
        items += [
            {"type": "function_call", "id": f"fc_{id_}", "call_id": id_, "name": "look", "arguments": arguments,
             "status": "completed"},
            {"type": "function_call_output", "call_id": id_, "output": result},
        ]  # fmt: skip
    tools = [{"type": "function", "strict": True, **FUNCTION}]
    return {
        "model": "m",
        "instructions": RULES,
        "input": items,
        "tools": tools,
        "include": [],
        "stream": False,
    }


def responses_response(call: tuple[str, str] | None) -> Body:
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "It does.", "annotations": []}]}  # fmt: skip
    called = call and {"type": "function_call", "id": f"fc_{call[0]}", "call_id": call[0], "name": "look",
                       "arguments": call[1], "status": "completed"}  # fmt: skip
    return {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [called or said],
            "usage": {"input_tokens": 90, "output_tokens": 12, "total_tokens": 102}}  # fmt: skip


def messages_request(past: Past) -> Body:
    """The mark for the cache moves to the newest message with each request."""
    messages: list[Body] = [{"role": "user", "content": [{"type": "text", "text": ASKED}]}]
    for id_, arguments, result in past:
        use = {"type": "tool_use", "id": id_, "name": "look", "input": json.loads(arguments)}
        answer = {"type": "tool_result", "tool_use_id": id_, "content": [{"type": "text", "text": result}]}
        messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [answer]}]
    messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    tools = [{"name": "look", "description": "The weather.", "input_schema": SCHEMA}]
    system = [{"type": "text", "text": RULES}]
    return {"model": "m", "max_tokens": 1024, "system": system, "messages": messages, "tools": tools}


def messages_response(call: tuple[str, str] | None) -> Body:
    block: Body = {"type": "text", "text": "It does."}
    if call:
        block = {"type": "tool_use", "id": call[0], "name": "look", "input": json.loads(call[1])}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [block],
            "stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 90, "output_tokens": 12}}  # fmt: skip


@dataclass(frozen=True)
class Client:
    agent: str
    peer: str
    path: str
    ask: Callable[[Past], Body]
    say: Callable[[tuple[str, str] | None], Body]


DUMPED = {"refusal": None, "annotations": [], "audio": None, "function_call": None}


def chats(agent: str, peer: str, extra: Body | None = None, **more: Any) -> Client:
    """A client of chat completions; `extra` are the fields of its assistant messages."""
    return Client(agent, peer, CHAT, lambda past: chat_request(past, extra or {}, **more), chat_response)


def anthropic(agent: str, peer: str) -> Client:
    return Client(agent, peer, MESSAGES, messages_request, messages_response)


CLIENTS = {
    "openai for Python": chats("OpenAI/Python 2.9.0", "openai-python", DUMPED),
    "openai for Node": chats("OpenAI/JS 6.9.1", "openai-node", {"refusal": None}),
    "anthropic for Python": anthropic("Anthropic/Python 0.74.1", "anthropic-python"),
    "anthropic for Node": anthropic("Anthropic/JS 0.70.1", "anthropic-node"),
    "AI SDK": chats(
        "ai-sdk/openai-compatible/1.0.27 runtime/node.js/22", "ai-sdk", {"content": ""}, tool_choice="auto"
    ),
    "LangGraph": chats("OpenAI/Python 2.9.0", "openai-python", {"content": ""}, stream=False),
    "OpenAI's Agents SDK": Client(
        "Agents/Python 0.6.1", "openai-agents", RESPONSES, responses_request, responses_response
    ),
    "pydantic-ai": chats("pydantic-ai/1.27.0", "pydantic-ai", tool_choice="auto"),
    "LiteLLM": chats("litellm/1.80.7", "litellm-sdk", {"function_call": None}),
    "llm": chats("OpenAI/Python 2.9.0", "openai-python", parts=True),
}


def exchange(client: Client, n: int, past: Past, call: tuple[str, str] | None, status: int = 200) -> Body:
    refused = {
        "error": {
            "message": "Incorrect API key provided",
            "type": "invalid_request_error",
            "code": "invalid_api_key",
        }
    }
    made: Body = entry(n, [], client.say(call) if status == 200 else refused, status=status)
    made["request"] |= {
        "url": f"http://127.0.0.1:8080{client.path}",
        "headers": [{"name": "User-Agent", "value": client.agent}],
        "postData": {"text": json.dumps(client.ask(past))},
    }
    return made


def talk(client: Client, cities: list[str]) -> list[Body]:
    """A conversation that calls the tool once for each city, and then answers."""
    records, past = [], []
    for n, city in enumerate(cities, 1):
        call = (f"call_{n}", json.dumps({"city": city}))
        records.append(exchange(client, n, list(past), call))
        past.append((*call, f"{city}: rain"))
    return [*records, exchange(client, len(cities) + 1, past, None)]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_healthy_conversation_is_read_and_has_no_fault(name):
    client = CLIENTS[name]
    made = turns(talk(client, ["Bergen", "Oslo"]))
    assert kinds(talk(client, ["Bergen", "Oslo"])) == []
    assert [t.outcome.kind for t in made] == ["tool call", "tool call", "answered"]
    assert [t.deviations for t in made] == [()] * 3
    assert [t.diff.continues for t in made] == [None, 1, 2]
    results = [r.text for m in made[2].exchange.asked.messages for r in m.results]
    assert results == ["Bergen: rain", "Oslo: rain"]
    assert made[1].tool_calls[0].arguments == {"city": "Oslo"}


@pytest.mark.parametrize("name", CLIENTS)
def test_an_agent_that_repeats_its_call_is_named(name):
    assert kinds(talk(CLIENTS[name], ["Bergen"] * 4)) == ["repeated-action"] * 3


@pytest.mark.parametrize("name", CLIENTS)
def test_the_client_is_recognized_and_told_in_its_own_terms(name):
    client = CLIENTS[name]
    records = [exchange(client, 1, [], None, status=401)]
    (finding,) = found(records)
    peers = Ends(turns(records)).of(1, 1)
    assert (finding.kind, peers.client and peers.client.name) == ("wrong-key", client.peer)
    assert peers.how["key"].replace("{{", "{").replace("}}", "}") in finding.next
