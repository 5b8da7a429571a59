"""The commands behind `make hub` and `make hub-update`:  python -m workshop.hub [update]

Prints what the instructor has to know, then runs until Ctrl-C or SIGTERM.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from course import ROOT
from course.errors import CourseError
from course.server.serving import ended_by_signals
from workshop import board
from workshop.hub import launch, lessons
from workshop.hub.run import Hub, running
from workshop.hub.settings import INSTRUCTOR, MB, Settings, from_environment
from workshop.hub.state import State


def serve(settings: Settings, parallel: int | None) -> None:
    """Run the hub until it is told to stop."""
    changes = {} if parallel is None else {"parallel": parallel}
    with ended_by_signals(), running(settings, say, **changes) as hub:
        say(told(hub))
        try:
            while hub.failed is None:
                time.sleep(0.3)
        except KeyboardInterrupt:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would leave something running
            say("stopping all servers …")
            return
        raise hub.failed


def told(hub: Hub) -> str:
    """What an instructor has to know, when everything runs."""
    chosen, home = hub.settings, hub.state.home
    first, *others = launch.addresses(chosen)
    lines = [
        "",
        f"address:          {first}{'' if chosen.local else '   (write it on the whiteboard)'}",
        *(f"                  {other}   (the same, in another network)" for other in others),
        f"room code:        {hub.room_code}   (write it on the whiteboard: each learner types it once)",
        f"instructor:       log in as {INSTRUCTOR} with this code, the first time: {hub.instructor_code}",
        f"board:            {board.instructor(home / 'board', first)}   (who is where; for you only)",
        f"model:            {hub.model.profile or 'of'} at {hub.model.url}, {keys(hub)}",
        f"work is kept in:  {home}",
        f"per learner:      {chosen.memory / MB:,.0f} MB of memory, {chosen.disk / MB:,.0f} MB of files, "
        f"{chosen.processes} processes and threads; stopped after {chosen.idle // 60} idle minutes",
        f"update lessons:   {updating(home, os.geteuid())}   (then learners open the address again)",
        "stop:             Ctrl-C",
        "",
    ]
    return "\n".join([*lines, *warnings(chosen), *([""] if warnings(chosen) else [])])


def updating(home: Path, owner: int) -> str:
    """The command that brings changed lessons to the hub in this folder, which belongs to the user `owner`."""
    where = "" if home == ROOT / "build" / "hub-state" else f" HUB_HOME={shlex.quote(str(home))}"
    return f"{'' if owner else 'sudo '}make hub-update{where}"


def keys(hub: Hub) -> str:
    if hub.settings.server is None or hub.settings.keys:
        return "a key for each learner"
    return "one key for all" if hub.settings.key else "without a key"


def warnings(settings: Settings, root: bool | None = None) -> list[str]:
    """What is less safe than it could be."""
    root = os.geteuid() == 0 if root is None else root
    found = []
    if not settings.local and not settings.encrypted:
        found.append(
            "NOT ENCRYPTED: everybody on this network can read the learners' passwords and work as they travel.\n"
            "  Encrypt:  make hub HOST=… CERT=room.crt CERT_KEY=room.key   (a certificate: workshop/hub/README.md)"
        )
    if not root:
        found.append(
            "NOT SEPARATED: without root, all learners are the same user of this machine. Each can read and change the\n"
            "  others' files, keys and programs, and this hub's. For a room whose people trust each other. Separate:\n"
            "  sudo make hub"
        )
    return found


def update(settings: Settings) -> None:
    """Bring what changed in this checkout to the learners' repository."""
    state = State(settings.home)
    if not state.launch.exists():
        raise CourseError(
            f"there is no hub in {settings.home}.\n"
            "Start one:  make hub   (or name the folder of one that runs:  make hub-update HUB_HOME=…)"
        )
    if (owner := state.launch.stat().st_uid) != os.geteuid():
        raise CourseError(
            f"the hub in {settings.home} was started by another user (uid {owner}), and you are uid {os.geteuid()}.\n"
            f"Update it as that user:  {updating(settings.home, owner)}"
        )
    changed = lessons.update(state)
    if not changed:
        say("the learners' lessons are up to date already.")
        return
    chosen = launch.Launch.read(state).settings
    say(
        f"{changed}.\nLearners get it when they open {launch.addresses(chosen)[0]} again, or at their next login. A "
        "notebook that they changed stays as it is: to get the new one, they rename theirs first."
    )


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m workshop.hub", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["update"])
    parser.add_argument("--parallel", type=int, help="slots of the llama-server that is started here")
    given = parser.parse_args(arguments)
    try:
        settings = from_environment()
        update(settings) if given.command else serve(settings, given.parallel)
    except CourseError as error:
        print(f"hub: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
