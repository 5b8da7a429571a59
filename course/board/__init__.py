"""Let an instructor see where a learner is, if the learner joins the instructor's board.

Nothing is sent before `join`, nor after `leave` or the day that was agreed on. What is sent then is listed in
course/board/events.py: the chosen name; for each attempt the lesson, the exercise, solved or tried, the number of attempts
and the time; for each error the lesson, the name of the exception's type and the time. Predictions and quiz answers count
as tried, right or wrong. A tape is sent only by `share`.

`attempted` and `attend` are called by course/progress.py and course/check. They never raise, and never wait for a network:
events are kept in files beside the recorded progress, and a thread sends them (course/board/sending.py).

    join("http://192.168.1.5:8787/room/k7p2-m9xq", "Ada")
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from course import progress
from course.board import membership
from course.errors import CourseError

if TYPE_CHECKING:
    from course.board.membership import Member

DAYS = 7
"""How long a membership lasts, unless the learner says otherwise."""
MOST_TAPE = 8 * 2**20
"""Bytes of a tape that can be shared."""
_told = False


def attempted(id: str, solved: bool, kind: str) -> None:
    """An attempt was recorded: tell the board, if the learner has joined one."""
    if not membership.joined():
        return
    try:
        from course.board import events, sending

        attend(id.partition(".")[0])
        solved = solved and kind == "exercise"  # nobody else's business how a quiz was answered
        sending.note(events.attempt(id, solved, _tries(id), datetime.now(UTC)))
    except Exception as error:  # a bug here must not stop a lesson
        _report(error)


def attend(lesson: str | None = None) -> None:
    """A check runs: from now on, notice the errors of this kernel's cells, if the learner has joined a board."""
    if not membership.joined():
        return
    try:
        from course.board import hook

        hook.watch(lesson, _report)
    except Exception as error:
        _report(error)


def join(url: str, name: str, days: int = DAYS) -> "Member":
    """Join the board's room under this name. CourseError if it cannot be reached or does not know the room."""
    from course.addresses import masked  # not at import: lessons do not need httpx for their checks
    from course.board import client, events, outbox

    base, room = client.address(url)
    if not (chosen := events.clean_name(name)):
        raise CourseError("the name is empty.\nChoose what the board shows:  course board join … --name Ada")
    before = membership.read() or membership.read("left.json")
    same = before is not None and (before.base, before.room) == (base, room)
    try:
        answer = client.join(base, room, chosen, before.key if before and same else None)
    except client.Unanswered as error:
        raise CourseError(
            f"{masked(url)} could not be joined: {error}.\nCheck the address and the network, then try again."
        ) from error
    now = datetime.now(UTC)
    until = (now + timedelta(days=days)).isoformat(timespec="seconds")
    member = membership.Member(
        base, room, answer["name"], answer["key"], now.isoformat(timespec="seconds"), until
    )
    if not same:
        outbox.clear()  # it was for another board
        membership.forget("sent.jsonl", "dropped.txt")
    try:
        membership.write(member)
        membership.forget("left.json")
    except OSError as error:
        with suppress(client.Unanswered):
            client.leave(member)
        raise CourseError(
            f"the membership cannot be saved in {membership.folder()} ({error.strerror or error}). You have not joined.\n"
            "Use another folder:  COURSE_PROGRESS=/another/folder/progress.jsonl course board join …"
        ) from error
    return member


def leave() -> "tuple[Member, str]":
    """Stop sending, remove what waits, and ask the board to remove what it has. Returns who left, and why the board could
    not be told (empty if it was). CourseError if there is nothing to leave.
    """
    from course.board import client, outbox

    member = membership.read() or membership.read("left.json")
    if member is None and not membership.joined():
        raise CourseError("you have not joined a board.\nTo join one:  course board join ADDRESS --name NAME")
    membership.forget("joined.json", "sent.jsonl", "dropped.txt")
    outbox.clear()
    if member is None:
        raise CourseError(
            "the note of your membership was damaged. It is removed, and nothing is sent any more.\n"
            "The board still has what was sent: ask the instructor to remove it."
        )
    try:
        client.leave(member)
    except client.Unanswered as error:
        if error.status != 401:  # the board knows nobody with this key: nothing is left to remove
            with suppress(OSError):
                membership.write(member, "left.json")
            return member, str(error)
    membership.forget("left.json")
    return member, ""


def share(path: Path) -> str:
    """Send one tape to the board; returns the number that it has there. CourseError if that is not possible."""
    from course.board import client
    from course.tape import Tape

    member = membership.read()
    if member is None or member.over:
        raise CourseError("you have not joined a board.\nTo join one:  course board join ADDRESS --name NAME")
    record = Tape.read(path, report=lambda _: None)
    if not record.entries and not record.steps:
        raise CourseError(f"{path} has no exchange and no step.\nRecord one:  course ask 'your question'")
    data = path.read_bytes()
    if len(data) > MOST_TAPE:
        raise CourseError(
            f"{path} has {len(data) / 2**20:.1f} MB, and a board takes at most {MOST_TAPE / 2**20:.0f}.\n"
            "Record a shorter run on a tape of its own:  course ask --tape short.tape.jsonl 'your question'"
        )
    try:
        return client.share(member, data)
    except client.Unanswered as error:
        raise CourseError(
            f"the tape could not be shared: {error}.\nTry again:  course board share {path}"
        ) from error


def _tries(id: str) -> int:
    """The attempts so far, as `course progress` counts them."""
    try:
        attempts, _ = progress.read(progress.path())
    except OSError:
        return 1
    return max(sum(1 for each in attempts if each["id"] == id), 1)


def _report(error: BaseException) -> None:
    """Say it once in this kernel: a lesson goes on without its board."""
    global _told
    if not _told:
        _told = True
        print(f"(the board gets nothing from this kernel: {type(error).__name__}: {error})")
