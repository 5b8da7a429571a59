"""Check a workshop's room from a learner's machine: are the hub and the model server there, and fast enough?

Sends a few requests and one real question, and stops after BUDGET seconds whatever happens. Changes and keeps nothing,
and logs in nowhere. `course doctor --workshop URL --hub URL` prints the checks.

    [check for check in checks("http://10.0.0.5:8080", hub="https://hub.example.org") if not check.ok]

The question travels as an agent's does, and what goes wrong with it has the name that `course diagnose` gives it.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from course.addresses import is_loopback, masked, split, with_scheme
from course.diagnose import diagnose
from course.diagnose.finding import dig
from course.doctor import Check
from course.errors import CourseError
from course.model import profiles
from course.server import Server
from course.server.asking import described, got, sent
from course.server.connection import Connection, calls_itself_llama, parsed, socket_path, transport
from course.server.transports import built
from course.tape import RecordingTransport, Tape, release
from course.tape.redact import redacted_url
from course.turns import turns

BUDGET = 90.0
"""Seconds that all checks together may take."""
REACH = 10.0
"""Seconds that a server has for anything but the question."""
ASK = 60.0
"""Seconds that it has for the question. In a full room, an answer may have to wait for others."""
SAMPLES = 7
SLOWEST = 0.2
"""Seconds: the median that a request without work may take. A lesson makes hundreds of them."""
QUESTION = "What is the capital of France?"
MOST = 128
"""Tokens of the answer: enough for a speed, and soon over."""

Look = Callable[[], Check]


def checks(url: str | None = None, hub: str | None = None) -> list[Check]:
    """Those of the hub, then those of the model server. After one that makes the next pointless, the rest is left out.

    The key is $KEY. CourseError if an address is malformed.
    """
    groups = []
    if hub:
        groups.append(_hub(hub_address(hub)))
    if url:
        server = Server(url=url, quiet=True)
        _checked(server.url, "SERVER=http://127.0.0.1:8080")
        groups.append(_model(server))
    until = time.monotonic() + BUDGET
    found = []
    for group in groups:
        for name, look, seconds in group:
            found.append(_within(min(seconds, until - time.monotonic()), name, look))
            if not found[-1].ok and name not in ("latency", "context"):
                break
    return found


def _hub(url: str) -> Iterator[tuple[str, Look, float]]:
    yield "hub", lambda: hub_answers(url), 2 * REACH


def _model(server: Server) -> Iterator[tuple[str, Look, float]]:
    yield "model server", lambda: reached(server), 2 * REACH
    yield "API key", lambda: key_accepted(server), 2 * REACH
    yield "versions", lambda: versions(server), 2 * REACH
    yield "latency", lambda: latency(server), 2 * REACH
    yield "context", lambda: context(server), 2 * REACH
    yield "question", lambda: question(server), ASK + REACH


def _within(seconds: float, name: str, look: Look) -> Check:
    """The check, or a failed one if it takes longer or raises. A server that drips outlasts every timeout of a client, so
    the look has a thread of its own, which ends with the program.
    """
    made: list[Check] = []

    def run() -> None:
        try:
            made.append(look())
        except CourseError as error:
            saw, _, command = str(error).partition("\n")
            made.append(Check(name, False, saw, "an answer", command or "course doctor"))
        except Exception as error:  # a bug of ours, or an answer that nobody thought of
            saw = f"{type(error).__name__}: {' '.join(redacted_url(str(error)).split())}"
            made.append(Check(name, False, saw, "an answer", "course doctor"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if made:
        return made[0]
    return Check(
        name,
        False,
        f"no result after {max(seconds, 0):.0f} s",
        "an answer in that time",
        "course doctor --help",
    )


def hub_address(url: str) -> str:
    """The hub's address without what a browser adds to it, so that /hub/api can follow."""
    return _checked(with_scheme(url).partition("/hub")[0].rstrip("/"), "--hub https://hub.example.org")


def _checked(url: str, example: str) -> str:
    if not socket_path(url):
        split(url, example)
    return url


def hub_answers(url: str) -> Check:
    """JupyterHub says its version to everybody, at /hub/api."""
    needs = "a JupyterHub at this address"
    began = time.perf_counter()
    client = httpx.Client(
        base_url=url,
        timeout=REACH,
        follow_redirects=True,
        transport=built(httpx.HTTPTransport, url),
        mounts={
            "https://": built(httpx.HTTPTransport, f"https://{urlsplit(url).netloc}")
        },  # after a redirect,
    )
    answer = got(client, url, "/hub/api")
    took, run = 1000 * (time.perf_counter() - began), f"curl -si {masked(url)}/hub/api"
    version = dig(_parsed(answer), "version")
    if answer.is_success and isinstance(version, str):
        return Check(
            "hub", True, f"{masked(url)} is JupyterHub {version} (answered in {took:.0f} ms)", needs, run
        )
    return Check("hub", False, f"{masked(url)} is not a JupyterHub: {described(answer)}", needs, run)


def reached(server: Connection) -> Check:
    """Whether a llama-server answers, and has loaded its model."""
    needs = "a llama-server at this address, with its model loaded"
    answer = got(server.client(REACH), server.url, "/health")
    if calls_itself_llama(answer) and answer.status_code == 503:
        saw = f"{server.shown} is still loading its model"
        return Check("model server", False, saw, needs, f"curl {server.shown}/health   until it says ok")
    if answer.is_success and (calls_itself_llama(answer) or _lists_models(server)):
        return Check("model server", True, f"{server.shown} is up", needs, f"curl {server.shown}/health")
    saw = f"{server.shown} is not a llama-server: {described(answer)}"
    return Check("model server", False, saw, needs, f"curl -si {server.shown}/v1/models")


def key_accepted(server: Connection) -> Check:
    """Whether the server wants a key, and takes ours."""
    needs = "no key required, or the right one in KEY"
    run = f"KEY=… course doctor --workshop {server.shown}"
    without = got(Connection(server.url).client(REACH), server.url, "/props")
    if without.status_code not in (401, 403):
        open_to = "this computer" if _local(server.url) else "everybody who can reach it"
        given = "; yours is not looked at" if server.api_key else ""
        return Check("API key", True, f"none required: the server is open to {open_to}{given}", needs, run)
    if not server.api_key:
        return Check("API key", False, "the server requires one, and KEY is not set", needs, run)
    answer = got(server.client(REACH), server.url, "/props")
    ok = answer.status_code not in (401, 403)
    return Check("API key", ok, f"required, and yours is {'accepted' if ok else 'rejected'}", needs, run)


def versions(server: Connection) -> Check:
    """Ours, llama-server's and the model's: what to say when you ask for help."""
    needs = "the same course for everybody, and one model"
    run, model = f"curl -s {server.shown}/v1/models", _model_id(server)
    build = dig(_parsed(got(server.client(REACH), server.url, "/props")), "build_info")
    saw = f"course {release()}, llama.cpp build {build or 'unknown'}, model {model or 'unknown'}"
    return Check("versions", isinstance(model, str), saw, needs, run)


def latency(server: Connection) -> Check:
    """The median of several requests that need no work, over one connection."""
    times = []
    with server.client(REACH) as client:
        for _ in range(SAMPLES + 1):  # the first one also connects
            began = time.perf_counter()
            sent(client, server.url, "/health")
            times.append(time.perf_counter() - began)
    median, slowest = statistics.median(times[1:]), max(times[1:])
    saw = f"{1000 * median:.1f} ms (median of {SAMPLES}; the slowest took {1000 * slowest:.1f} ms)"
    needs = f"a median of at most {1000 * SLOWEST:.0f} ms"
    return Check(
        "latency", median <= SLOWEST, saw, needs, f"ping {urlsplit(server.url).hostname or 'localhost'}"
    )


def context(server: Connection) -> Check:
    """How many tokens one request may have, against what the lessons were written for."""
    wanted = profiles.load("embedded").context or 0
    props = _parsed(got(server.client(REACH), server.url, "/props"))
    room, slots = dig(props, "default_generation_settings", "n_ctx"), dig(props, "total_slots")
    needs = f"{wanted:,} tokens for each slot, as the lessons assume"
    if not isinstance(room, int):
        return Check("context", False, "/props does not say", needs, f"curl -s {server.shown}/props")
    many = slots if isinstance(slots, int) else 1
    saw = f"{room:,} tokens for each of {many} slot{'s' * (many != 1)}"
    run = f"on the server's machine:  llama-server … -np {many} -c {wanted * many}"
    return Check("context", room >= wanted, saw, needs, run)


def question(server: Connection) -> Check:
    """One real question, recorded on the way; a fault has the name that `course diagnose` gives it."""
    needs = f"a whole answer within {ASK:.0f} s"
    body = {
        "model": _model_id(server),
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": MOST,
    }
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tape = Tape(Path(folder) / "question.tape.jsonl")
        head = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        way = RecordingTransport(transport(server.url), tape)
        try:
            with httpx.Client(transport=way, headers=head, timeout=httpx.Timeout(ASK, connect=5)) as client:
                answer = client.post(f"{server.api_base}/chat/completions", json=body)
        except httpx.HTTPError:
            answer = None
        took = time.perf_counter() - began
        tape.close()
        found = [one for one in diagnose(turns(tape.records())) if not one.remark]
    found = [one for one in found if one.kind not in ("answer-cut", "thinking-cut")]  # MOST is ours
    if found:
        saw = f"{found[0].title} ({found[0].kind}), after {took:.1f} s"
        return Check("question", False, saw, needs, found[0].next.partition("\n")[0])
    made = _parsed(answer) if answer is not None else None
    tokens = dig(made, "usage", "completion_tokens")
    if not tokens:
        return Check("question", False, f"an answer without text after {took:.1f} s", needs, "course doctor")
    speed = dig(made, "timings", "predicted_per_second") or tokens / took
    saw = f"{tokens} tokens in {took:.1f} s, generated at {speed:.0f} tokens per second"
    return Check("question", True, saw, needs, f"course ask --server {server.shown}")


def _model_id(server: Connection) -> Any:
    return dig(_parsed(got(server.client(REACH), server.url, "/v1/models")), "data", 0, "id")


def _lists_models(server: Connection) -> bool:
    return calls_itself_llama(got(server.client(REACH), server.url, "/v1/models"))


def _parsed(answer: httpx.Response) -> Any:
    try:
        return parsed(answer)
    except ValueError:
        return None


def _local(url: str) -> bool:
    return url.startswith("unix://") or is_loopback(urlsplit(url).hostname or "")
