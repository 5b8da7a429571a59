"""The command `course replay`: parse the arguments, ask for a key if one is needed, send, print.

course/replay does the work.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from course import files
from course.errors import CourseError
from course.terminal import say

REFUSED = 3


def replay(
    tape: Annotated[Path, typer.Argument(metavar="TAPE", help="A tape (.tape.jsonl) or a HAR file.")],
    turn: Annotated[int, typer.Option(min=1, help="Number of the turn to send again.")],
    run: Annotated[
        int | None, typer.Option(min=1, help="Number of its run, on a tape with several runs.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Server to send it to: http://… or unix:///….sock (default: the recorded one). A path replaces "
            "everything before /chat/completions, as in a client's base URL."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Set a field of the request. FIELD can be a path like messages.0.content; VALUE is JSON, "
            "or else text. Can be repeated.",
        ),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Leave out a field. Can be repeated.")
    ] = None,
    message: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=TEXT",
            help="Replace the text of message K, counted from 1; -1 is the last. Can be repeated.",
        ),
    ] = None,
    key: Annotated[bool, typer.Option("--key", help="Ask for an API key to send.")] = False,
    key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable that holds the API key.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--tape", help="Tape file to write or append to (default: a new file in tapes/)."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the comparison to this HTML file.")
    ] = None,
) -> None:
    """Send one recorded request again with one thing changed, and compare both answers.

    course replay run.tape.jsonl --turn 2 --set reasoning_format=none

    The new exchange is recorded on a tape of its own. A key that the recorded request carried is not on the tape: for a
    server on another computer, you are asked for it.

    Exits with status 0 if the server answered, 3 if it refused the request or the response broke off, and 1 if the
    request could not be sent.
    """
    from course.replay import replay as send_again
    from course.replay.edits import value_of
    from course.tape import Tape
    from course.turns import turns

    if record is not None and record.exists() and record.samefile(tape):
        raise CourseError(
            f"{record} is the tape itself, which stays as it is.\nRecord to another file:  --tape again.tape.jsonl"
        )
    made = turns(Tape.read(tape, report=_problem).records())
    chosen = _chosen(made, turn, run, tape)
    values = {name: value_of(text) for name, text in _pairs(set_, "--set", "FIELD=VALUE")}
    messages = {_number(k): text for k, text in _pairs(message, "--message", "K=TEXT")}
    again = send_again(
        chosen,
        server,
        values,
        message=messages,
        remove=unset or (),
        key=_key(chosen, server, key, key_env),
        tape=record,
        source=tape,
        report=_problem,
    )
    say(again.text())
    if output:
        with files.output(output, f"course replay {tape} --turn {turn} … -o page.html"):
            files.write_private(output, again.page())
        say(output)
    say(f"tape: {again.tape}")
    if again.after.status in (401, 403) and not key_env and not key:
        say("The server wants an API key. Name the variable that holds it:  --key-env OPENAI_API_KEY")
    if not again.answered:
        raise typer.Exit(REFUSED)


def _chosen(made: list[Any], number: int, run: int | None, tape: Path) -> Any:
    """The turn with that number. CourseError if there is none, or several and no run is named."""
    if not made:
        raise CourseError(f"{tape} contains no exchanges, so there is nothing to send again.")
    fitting = [t for t in made if t.number == number and run in (None, t.run_number)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CourseError(
            f"{tape} has {made[-1].runs} runs with a turn {number}.\nSay which one:  --run 1 --turn {number}"
        )
    there = [t for t in made if run in (None, t.run_number)]
    of = f"run {run} of {tape}" if run else str(tape)
    if not there:
        raise CourseError(
            f"{tape} has no run {run}; it has {made[-1].runs}.\nLook at it:  course view {tape}"
        )
    most = max(t.number for t in there)
    raise CourseError(
        f"there is no turn {number} in {of}; the last is turn {most}.\nLook at them:  course view {tape}"
    )


def _pairs(given: list[str] | None, option: str, form: str) -> list[tuple[str, str]]:
    found = []
    for text in given or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise CourseError(f"{option} {text} is not understood.\nWrite it like this:  {option} {form}")
        found.append((name, value))
    return found


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise CourseError(
            f"--message takes the number of a message, not {text!r}.\nWrite it like this:  --message 2='Say hello.'"
        ) from None


def _key(turn: Any, server: str | None, ask: bool, variable: str | None) -> str | None:
    """The key from the variable, or typed in. None if no key is needed."""
    from course.addresses import is_loopback, split
    from course.replay.sending import had_key, recorded_address

    if variable:
        if not os.environ.get(variable):
            raise CourseError(
                f"the environment variable {variable} is not set.\nSet it:  {variable}=… course replay …"
            )
        return os.environ[variable]
    if turn.exchange is None:
        return None
    if server and server.startswith("unix:"):
        host, local = server, True
    else:
        at = (
            split(server, "--server http://127.0.0.1:8080") if server else recorded_address(turn.exchange.url)
        )
        host = at.hostname or ""
        local = is_loopback(host)
    needed = had_key(turn.exchange) and not local
    if ask or (needed and sys.stdin.isatty()):
        return getpass.getpass(f"API key for {host} (Enter for none): ") or None
    return None


def _problem(problem: str) -> None:
    say(f"course: {problem}", err=True)
