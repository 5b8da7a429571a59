"""A server that answers with a script instead of a model, at the HTTP seam: smolagents, openai and httpx are real.

`Script` is a `course.agent.ModelServer`. To give the model of a real llama-server its words: `course.agent.forced`.
"""

import json
import time

import httpx
from smolagents import tool

from course.agent import connect

QUIET = {"verbosity_level": -1}


@tool
def look(what: str) -> str:
    """Look it up.

    Args:
        what: what to look up
    """
    return f"{what} is 4"


class Script:
    """Answers each chat completion with the next line: a content, a message, a Response, an exception, a function."""

    url, api_base, api_key, model_id, profile = (
        "http://scripted",
        "http://scripted/v1",
        None,
        "scripted",
        None,
    )

    def __init__(self, *lines, cached=0):
        self.lines, self.bodies, self.cached = list(lines), [], cached

    def props(self):
        return {"build_info": "scripted", "default_generation_settings": {"n_ctx": 8192}}

    def model(self, tape, **kw):
        return connect(self, tape, transport=self.transport, **kw)

    @property
    def transport(self):
        """What takes the place of the network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request):
        body = json.loads(request.content)
        self.bodies.append(body)
        line = self.lines.pop(0)
        if callable(line):
            line = line(body)
        if isinstance(line, Exception):
            raise line
        if isinstance(line, httpx.Response):
            return line
        message = {"role": "assistant", **(line if isinstance(line, dict) else {"content": line})}
        if body.get("stream"):
            return httpx.Response(
                200, headers={"content-type": "text/event-stream"}, content=self.events(message)
            )
        return httpx.Response(200, json=self.whole("message", message, "stop"))

    def whole(self, what, message, finish):
        n = sum(len(json.dumps(m)) for m in self.bodies[-1]["messages"]) // 4
        return {
            "id": f"chatcmpl-{len(self.bodies)}",
            "object": "chat.completion" + (".chunk" if what == "delta" else ""),
            "created": int(time.time()),
            "model": "scripted",
            "choices": [{"index": 0, what: message, "finish_reason": finish}],
            "usage": {"prompt_tokens": n, "completion_tokens": 5, "total_tokens": n + 5},
            "timings": {
                "cache_n": self.cached,
                "prompt_n": n - self.cached,
                "prompt_ms": 8.0,
                "predicted_ms": 2.0,
            },
        }

    def events(self, message):
        deltas = [{k: v[:3] if k == "content" and v else v for k, v in message.items()}]
        for call in message.get("tool_calls") or []:
            call["index"] = 0
        deltas += [{"content": message["content"][3:]}] if message.get("content") else []
        events = [self.whole("delta", d, None) for d in deltas]
        for event in events:
            del event["usage"]
        events.append(self.whole("delta", {}, "stop"))
        return "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"


def code(text):
    return f"Thought: so.\n<code>\n{text}\n"  # without the end: the stop string is not sent


def call(name, id="c1", **arguments):
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [{"id": id, "type": "function", "function": function}]}


def refused(status, said="too long"):
    return httpx.Response(status, json={"error": {"message": said, "type": "x"}})
