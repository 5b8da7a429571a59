"""Records with a canary in each text: markup that would run or show, if one place of a page forgot to escape it."""

import json

from course.turns import turns
from support.diagnosed import RUN, act, call, refused
from support.records import SYSTEM, entry
from support.wires import WIRES, sent

SHARP = "\"'`><!-- --></script></style></title></noscript></textarea></pre>"
"""Everything that could end the place in a page where a text is."""


class Canaries:
    """Texts that would be elements and attributes of their own, if one place forgot to escape them."""

    def __init__(self):
        self.count = 0

    def __call__(self, text=""):
        self.count += 1
        runs = "<img canary=1 src=x onerror=ran=1><script canary=1>ran=1</script><a canary=1 href='javascript:ran=1'>"
        return f"{text}{SHARP}<canary n={self.count} onload=ran=1></canary>{runs}\"canary='1' onfocus=ran=1 &lt;canary>"

    def everywhere(self, value, keep=()):
        """The same value with a canary behind each text and each key."""
        if isinstance(value, dict):
            return {
                k if k in keep else self(k) if k.startswith("x") else k: (
                    v if k in keep else self.everywhere(v, keep)
                )
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.everywhere(v, keep) for v in value]
        return self(value) if isinstance(value, str) else value


FORM = {"_type", "startedDateTime", "role", "type", "id", "response_id", "encoding"}
"""Values that a record needs as they are, to be read at all."""


def hostile_turns():
    """Turns of each API, refusals and steps with a canary in each text, and how many canaries there are."""
    canary = Canaries()
    records = [canary.everywhere({**RUN, "server": {"command": "c", "build": "b"}}, FORM)]
    for name, (path, request, response, events) in WIRES.items():
        for streamed in (False, True):
            made = canary.everywhere(entry(1, [], None), FORM | {"url", "method", "mimeType", "text"})
            made["request"]["url"] = f"http://h{path}?{canary()}"
            made["request"]["headers"] = made["response"]["headers"] = [
                {"name": canary("x"), "value": canary()}
            ]
            made["request"]["postData"]["text"] = json.dumps(canary.everywhere(request, FORM))
            lines = name.startswith("Ollama")
            kept = FORM | {"object", "event", "finish_reason", "stop_reason", "status"}
            content = {"mimeType": "application/json", "text": json.dumps(canary.everywhere(response, kept))}
            if streamed and events:
                mime = "application/x-ndjson" if lines else "text/event-stream"
                content = {"mimeType": mime, "text": sent(canary.everywhere(events, kept), lines)}
            made["response"]["content"] = content
            records.append(made)
    evil = canary.everywhere({"code": "c", "observation": "o", "error": "e", "model_output": "m", "x": ["l"]})
    records += [
        call(20, canary(), thinking=canary()),
        {**act(20), **evil, "tool_calls": [{"name": canary(), "arguments": canary(), "id": canary()}]},
        refused(400, {"message": canary("Unknown parameter: 'a'"), "param": canary("a")}),
        entry(22, [SYSTEM], canary(), status=500, error=canary()),
        act(23, canary(), is_final=True, action_output=canary()),
    ]
    return turns(records), canary.count
