"""What `course tap` does: listen, run a command whose requests go through the tap, and report what was recorded.

Sets the variables that clients read to find their server, for that command only:
  OPENAI_BASE_URL                      the openai packages and what is built on them (smolagents, pydantic-ai,
                                       the OpenAI Agents SDK, LiteLLM …), the AI SDK's createOpenAI
  OPENAI_API_BASE                      LangChain, LiteLLM, LlamaIndex, aider
  ANTHROPIC_BASE_URL                   the anthropic packages, Claude Code; without /v1
  ANTHROPIC_API_BASE                   LiteLLM for models named anthropic/…; without /v1
  LITELLM_PROXY_API_BASE               LiteLLM for models named litellm_proxy/…
It also sets OPENAI_API_KEY=none if there is none, because clients refuse to start without one, and NO_PROXY for this
machine's address. If a client's own code or configuration names a server, name the tap there instead.

Standard output belongs to the command; everything here goes to standard error.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course.addresses import is_loopback, origin
from course.diagnose import diagnose, text
from course.errors import CourseError
from course.server import registry
from course.tap import Tap, child
from course.tape import Tape
from course.terminal import say
from course.turns import turns

PORT = 8081


def tap(upstream: str, port: int | None, host: str, path: Path | None, command: list[str]) -> int:
    """Run the tap. Returns the command's exit status, or 0 after Ctrl-C if there is no command."""
    movable = port is None
    if port is None:
        port = PORT if registry.is_free(PORT, host) else 0
    tape = Tape(path, keep=False, report=lambda problem: _say(f"course: {problem}"))
    before = len(tape.records())
    passed = Tap(upstream, tape, port=port, host=host, report=_nothing if command else _line)
    if not is_loopback(host):
        _say(
            f"course: warning: everyone who can reach {host} port {passed.port or '(a free one)'} can use "
            f"{upstream}, and what they send is recorded. Without --host, only this computer can."
        )
    with _listening(passed, movable):
        there = passed.server.geturl().removesuffix(passed.server.path) + passed.path
        _say(f"tap: base URL {passed.base_url} → {there}, recording to {tape.path}")
        if passed.path == "/v1":
            _say(f"     ({passed.url} for clients that add /v1 or /api themselves: Anthropic's, Ollama's)")
        if command:
            status = child.run(command, environment(passed))
        else:
            _say(f"Point a client at it:  OPENAI_BASE_URL={passed.base_url}\nCtrl-C ends the tap.")
            status = _until_told()
    _report(tape, before)
    return status


@contextmanager
def _listening(tap: Tap, movable: bool) -> Iterator[None]:
    """The tap, started. A port that was free may have been taken since: then at another, if it is `movable`."""
    try:
        tap.start()
    except CourseError:
        if not movable:
            raise
        tap.port = 0
        tap.start()
    try:
        yield
    finally:
        tap.stop()


def _report(tape: Tape, before: int) -> None:
    """Close the tape and say what is on it. Nothing that goes wrong here changes how the command ended."""
    try:
        tape.close()
        said = summary(tape, before)
    except KeyboardInterrupt:
        said = f"{tape.path}: recorded; the summary was interrupted.\nTo get it:  course diagnose {tape.path}"
    except Exception as e:
        said = (
            f"{tape.path}: recorded, but it could not be summarized ({type(e).__name__}: {e}).\n"
            f"Look at it:  course view {tape.path}"
        )
    with suppress(OSError, ValueError):  # standard error may be closed
        _say(said)


def environment(tap: Tap, given: dict[str, str] | None = None) -> dict[str, str]:
    """The environment for a command whose requests should go through the tap."""
    result = dict(os.environ if given is None else given)
    root = tap.base_url.removesuffix("/v1")
    result |= {
        "OPENAI_BASE_URL": tap.base_url,
        "OPENAI_API_BASE": tap.base_url,
        "ANTHROPIC_BASE_URL": root,
        "ANTHROPIC_API_BASE": root,
        "LITELLM_PROXY_API_BASE": tap.base_url,
    }
    result.setdefault("OPENAI_API_KEY", _key(tap, result) or "none")
    for name in ("NO_PROXY", "no_proxy"):
        result[name] = ",".join(filter(None, [result.get(name), "127.0.0.1", "localhost", "::1"]))
    return result


def _key(tap: Tap, given: dict[str, str]) -> str | None:
    """$KEY, if the tap's server is $SERVER: the key belongs to that server and to no other."""
    with suppress(CourseError):  # $SERVER is not an address, or a socket's
        if origin(given.get("SERVER", "")) == origin(tap.server.geturl()):
            return given.get("KEY")
    return None


def summary(tape: Tape, before: int = 0) -> str:
    """What was recorded after the first `before` records: how many turns, which statuses, and the diagnosis.

    Counts only what is on the tape's file. What the disk refused is counted apart, with the place where it is.
    """
    writer, unsaved = tape.writer, tape.unsaved
    records, before = tape.records(), 0 if tape.writer.replaced else before
    entries = [r for r in records[before:] if r.get("_type") == "entry"]
    missing = sum(r.get("_type") == "entry" for r in unsaved)
    if not entries:
        return "\n".join(
            [
                f"{tape.path}: nothing was recorded, so no request went through the tap."
                if not writer.lost
                else f"{tape.path}: nothing is on this tape.",
                *_apart(tape, missing, 0),
                "Give the client the tap's base URL, as shown in:  course tap --help",
            ]
        )
    made = turns(records, since=before)
    entries = entries[: len(entries) - missing]  # what waits comes last
    counts = Counter((e.get("response") or {}).get("status") or 0 for e in entries)
    said = [f"{n} × {f'HTTP {status}' if status else 'no response'}" for status, n in sorted(counts.items())]
    if broken := sum(
        bool(e.get("_error")) and bool((e.get("response") or {}).get("status")) for e in entries
    ):
        said.append(f"{broken} incomplete")
    there = len(made) - missing
    turned = f"{there} turn{'' if there == 1 else 's'}"
    return "\n".join(
        [
            f"{tape.path}: {turned}: {', '.join(said)}"
            if entries
            else f"{tape.path}: nothing is on this tape.",
            *_apart(tape, missing, len(entries) - writer.written if writer.shared else 0),
            text(diagnose(made), made),
            f"Look at it:  course view {tape.path if entries else writer.rescued or tape.path}",
        ]
    )


def _apart(tape: Tape, missing: int, others: int) -> list[str]:
    """What is not on the tape, and what another program put there."""
    writer, said = tape.writer, []
    if missing:
        where = f"they are in {writer.rescued}" if writer.rescued else "they are lost"
        why = f" ({writer.trouble.strerror or writer.trouble})" if writer.trouble else ""
        said.append(f"Not on the tape: {_exchanges(missing)} that could not be written{why}; {where}.")
    if writer.lost:
        said.append(f"Not on the tape: {_exchanges(writer.lost)} recorded before it was removed or emptied.")
    if others > 0:
        said.append(f"{_exchanges(others)} on it came from another program that records to the same tape.")
    return said


def _exchanges(count: int) -> str:
    return f"{count} exchange{'' if count == 1 else 's'}"


def _line(method: str, path: str, status: int, seconds: float) -> None:
    _say(f"{method} {path}  {status or 'no response'}  {seconds:.2f} s")


def _nothing(*_: object) -> None:
    """With a command, its own output is enough."""


def _say(text: str) -> None:
    say(text, err=True)


def _until_told() -> int:
    """Wait for Ctrl-C or another signal to end."""
    told = threading.Event()
    numbers = [n for name in ("SIGINT", "SIGTERM", "SIGHUP") if (n := getattr(signal, name, None))]
    before = {n: signal.signal(n, lambda *_: told.set()) for n in numbers}
    try:
        while not told.wait(0.2):  # on Windows, a wait without a timeout can't be interrupted
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def default_upstream() -> str:
    return os.environ.get("SERVER") or "http://127.0.0.1:8080"
