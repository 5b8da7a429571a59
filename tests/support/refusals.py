"""The cases of tests/unit/refusals.toml, as records of a tape."""

import json
import tomllib
from functools import cache
from pathlib import Path

CASES = Path(__file__).parents[1] / "unit" / "refusals.toml"
PLAIN = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ADDRESS = "http://127.0.0.1:8000/v1/chat/completions"


@cache
def cases():
    """All cases by name."""
    given = tomllib.loads(CASES.read_text(encoding="utf-8"))["case"]
    return {case["name"]: case for case in given}


def exchange(case, n=1):
    """The exchange of a case, as a tape's record number n."""
    return response(
        case["status"],
        case.get("sse", case.get("body", "")),
        n=n,
        url=case.get("url", ADDRESS),
        headers=case.get("headers", {}),
        sent={"user-agent": case["agent"]} if "agent" in case else {},
        request=json.loads(case.get("request", "{}")),
        streamed="sse" in case,
    )


def response(status, body, n=1, url=ADDRESS, headers=(), sent=(), request=(), streamed=False):
    """A call of a model and this response, as a tape's record. `request` is added to a plain one."""
    plain = {"model": "m"} if "input" in dict(request) else PLAIN
    mime = "text/event-stream" if streamed else dict(headers).get("Content-Type", "application/json")
    return {
        "_type": "entry",
        "_id": n,
        "startedDateTime": f"2026-01-01T00:00:{n:02}.000+00:00",
        "time": 5.0,
        "request": {
            "method": "POST",
            "url": url,
            "headers": [{"name": k, "value": v} for k, v in dict(sent).items()],
            "postData": {"text": json.dumps(plain | dict(request))},
        },
        "response": {
            "status": status,
            "headers": [{"name": k, "value": v} for k, v in dict(headers).items()],
            "content": {"mimeType": mime, "text": body if isinstance(body, str) else json.dumps(body)},
        },
    }
