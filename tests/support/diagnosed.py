"""Shared by the tests of the diagnosis: records of a run, and findings whose quotes are checked."""

import json
import re

from course.diagnose import diagnose
from course.diagnose.finding import MOST
from course.turns import turns
from support.records import SYSTEM, TASK, entry, step

RUN = {"_type": "run", "question": "How fast?", "model": "embedded-135m", "when": "2026-01-01T00:00:00+00:00"}
STOPS = ["Observation:", "Calling tools:", "</code>"]
NOTHING = "Execution logs:\nLast output from code snippet:\nNone"
SEARCHED = "Execution logs:\n## Search Results\n\n[Leopard](https://x)\nTop speed 58 km/h.\n" + NOTHING[16:]
CALL = '<code>\nprint(web_search("leopard top speed"))\n</code>'
ANSWER = "<code>\nfinal_answer(9.62)\n</code>"
ERROR = "Code execution failed at line '{}' due to: {}"


def call(n, content="", messages=(SYSTEM, TASK), finish="stop", thinking=None, calls=None, ask=None, **more):
    """One exchange, a chat completion. `ask`: further fields of the request, `more`: of the response."""
    message = {"role": "assistant", "content": content}
    message |= {"reasoning_content": thinking} if thinking is not None else {}
    message |= {"tool_calls": calls} if calls else {}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    made = entry(n, list(messages), {"id": f"r{n}", "model": "m", "choices": [choice], **more})
    body = json.loads(made["request"]["postData"]["text"]) | {"stop": STOPS, **(ask or {})}
    made["request"]["postData"]["text"] = json.dumps(body)
    return made


def refused(status, error):
    return entry(1, [SYSTEM, TASK], {"error": error}, status=status)


def act(n, code=None, observation=None, error=None, **more):
    """The step of exchange n, as course.agent writes it."""
    given = {"kind": "action", "code": code, "observation": observation, "error": error, "is_final": False}
    return step(f"r{n}", n, **given | more)


def fails(code, error):
    """A step whose code, or parsing, ends in this error."""
    return [RUN, call(1, f"<code>\n{code}\n</code>"), act(1, code, error=error)]


def verbose(prompt_end, **more):
    return {"__verbose": {"prompt": f"<|im_start|>assistant\n{prompt_end}", **more}}


def history(n):
    """The messages of the n-th request of a run: two more each time."""
    past = [{"role": "assistant", "content": CALL}, {"role": "user", "content": "Observation: …"}]
    return [SYSTEM, TASK, *past * (n - 1)]


def found(records):
    """The findings. Each of their quotes is checked against the place that it names."""
    made = turns(records)
    findings = diagnose(made)
    for finding in findings:
        assert finding.evidence, f"{finding.kind} has no evidence"
        for quote in finding.evidence:
            assert at(made, (finding.run, finding.turn), quote.where) == quote.text, quote
            assert 0 < len(quote.text) <= MOST or quote.where.endswith(("content", "[0:0]")), quote
        assert finding.why and finding.next, f"{finding.kind} has no text"  # noqa: PT018
    return findings


def at(made, place, where):
    """What a path of a quote leads to, as text. `place`: (number of the run, number of the turn)."""
    if other := re.match(r"(?:run (\d+), )?turn (\d+): ", where):
        place, where = (int(other[1] or 1), int(other[2])), where[other.end() :]
    (turn,) = (t for t in made if (t.run_number, t.number) == place)
    exchange = turn.exchange
    roots = {"step": turn.step, "run": turn.run}
    if exchange:
        names = ("request", "response", "events", "status", "error", "raw_response")
        roots |= {k: getattr(exchange, k) for k in names} | {
            "content": turn.content,
            "thinking": turn.thinking,
        }
    roots["request.url"] = exchange and exchange.url
    where, start, end = re.fullmatch(r"(.*?)(?:\[(\d+):(\d+)\])?", where).groups()
    if where in roots:
        value = roots[where]
    else:
        root, *path = re.findall(r"\w+", where)
        value = roots[root]
        for key in path:
            value = value[int(key) if key.isdigit() else key]
    if start is not None:
        return value[int(start) : int(end)]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:MOST]


def kinds(records):
    return [f.kind for f in found(records)]


def command(flags):
    return {**RUN, "server": {"command": f"llama-server -m x.gguf {flags} --port 8080", "n_ctx": 8192}}


def healthy():
    """Search, compute, answer: a run with thinking, the rendered prompt, and a working cache."""
    opened, answer = verbose("<think>\n"), "final_answer(9.62)"
    return [
        command("--jinja"),
        call(1, CALL, history(1), thinking="First the speed.", usage={"prompt_tokens": 2400},
             timings={"cache_n": 0}, **opened),
        act(1, 'print(web_search("leopard top speed"))', SEARCHED),
        call(2, "<code>\nt = 155 / (58 / 3.6)\n</code>", history(2), thinking="Now compute.", usage={"prompt_tokens": 2600},
             timings={"cache_n": 2390}, **opened),
        act(2, "t = 155 / (58 / 3.6)", NOTHING.replace("None", "9.620689655172415")),
        call(3, ANSWER, history(3), thinking="I say it with </code> in mind? No: done.", usage={"prompt_tokens": 2700},
             timings={"cache_n": 2590}, **opened),
        act(3, answer, NOTHING.replace("None", "9.62"), is_final=True, action_output=9.62),
    ]  # fmt: skip
