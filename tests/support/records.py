"""Records as a tape holds them, made by hand: exchanges, the completions in them, and steps."""

import json

SYSTEM = {"role": "system", "content": "You run code."}
TASK = {"role": "user", "content": [{"type": "text", "text": "How "}, {"type": "text", "text": "fast?"}]}


def entry(n, messages, response, status=200, error=None, sse=None, second=None):
    """The n-th exchange: a request with these messages, and what came back. `sse`: the text of a stream instead."""
    mime = "text/event-stream" if sse else "application/json"
    return {
        "_type": "entry",
        "_id": n,
        "startedDateTime": f"2026-01-01T00:00:{n if second is None else second:02}.000+00:00",
        "time": 1500.0,
        "request": {
            "method": "POST",
            "url": "http://127.0.0.1:8080/v1/chat/completions",
            "postData": {"text": json.dumps({"messages": messages})},
        },
        "response": {"status": status, "content": {"mimeType": mime, "text": sse or json.dumps(response)}},
        "_error": error,
    }


def reply(id, content="<code>1</code>", **more):
    """A chat completion."""
    message = {"role": "assistant", "content": content, "reasoning_content": "hm"}
    return {"id": id, "choices": [{"message": message, "finish_reason": "stop"}], **more}


def step(id, number=1, **more):
    """What the agent made of the response with this id."""
    return {"_type": "step", "response_id": id, "step_number": number, "code": f"code of {id}", **more}
