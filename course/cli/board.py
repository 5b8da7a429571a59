"""The `course board` commands: join an instructor's board, see what was sent, share a tape, leave.

course/board does the work.

    course board join http://192.168.1.5:8787/room/k7p2-m9xq --name Ada
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from course.errors import CourseError
from course.terminal import say

board = typer.Typer(
    no_args_is_help=True,
    help="Let an instructor see where you are. Nothing is sent unless you join.",
)

SENT = """\
From now on it gets, for each attempt at an exercise: lesson, exercise, solved or tried, number of attempts, time;
for each error: lesson, name of the exception's type, time. It gets no answer, no code, no message and no tape."""
NEWEST = 10  # events that `status` lists


@board.command()
def join(
    url: Annotated[
        str | None,
        typer.Argument(metavar="[URL]", help="Address of the board's room (default: $COURSE_BOARD)."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name that the board shows; it need not be your own.")] = "",
    days: Annotated[
        int, typer.Option(min=1, max=366, help="After so many days, nothing is sent any more.")
    ] = 7,
) -> None:
    """Join an instructor's board, and print what it gets from now on."""
    from course import board as own

    url = url or os.environ.get("COURSE_BOARD")
    if not url:
        raise CourseError(
            "which board? Ask for its address:  course board join http://192.168.1.5:8787/room/k7p2-m9xq --name Ada"
        )
    member = own.join(url, name, days)
    say(f"You have joined {member.url} as {member.name}, until {member.until[:10]}.\n{SENT}")
    say("See what was sent:  course board status\nStop it:            course board leave")


@board.command()
def status() -> None:
    """Send what waits, and show what the board has got so far."""
    from course.board import membership, outbox, sending

    member = membership.read()
    if member is None:
        if (left := membership.read("left.json")) is not None:
            say(f"You have left {left.url}, which could not be told. Try again:  course board leave")
        else:
            say("You have not joined a board, so nothing is sent.")
        return
    if member.over:
        say(f"Your membership of {member.url} is over since {member.until[:10]}. Nothing is sent any more.")
    else:
        say(f"You have joined {member.url} as {member.name}, until {member.until[:10]}.")
        if not sending.flush(5.0):
            say(f"{outbox.count()} waiting to be sent: {sending.trouble or 'there was no time'}")
    if lost := outbox.dropped():
        say(f"{lost} dropped: more than {outbox.MOST} were waiting, and the oldest gave way")
    events = list(membership.sent())
    say(f"{len(events)} sent" + (", the newest:" if events else " so far"))
    for event in events[-NEWEST:]:
        say(f"  {json.dumps(event)}")
    if len(events) > NEWEST:
        say(f"All of them: {membership.folder() / 'sent.jsonl'}")


@board.command()
def share(
    tape: Annotated[
        Path, typer.Argument(metavar="TAPE", help="The tape (.tape.jsonl) that the instructor may read.")
    ],
) -> None:
    """Share one tape, with everything that is on it: prompts, answers, code, results."""
    from course import board as own

    number = own.share(tape)
    say(
        f"{tape} is shared: the instructor can read all of it, as in  course view {tape}\nIt is tape {number} there."
    )


@board.command()
def leave() -> None:
    """Leave the board, which removes what it has of you. Nothing is sent any more, even if it cannot be reached."""
    from course import board as own

    member, problem = own.leave()
    if problem:
        raise CourseError(
            f"you have left, and nothing is sent any more. But {member.url} could not be told, so it still has what "
            f"was sent: {problem}.\nTry again later:  course board leave"
        )
    say(f"You have left {member.url}. It has removed your name, your attempts and your tapes.")
