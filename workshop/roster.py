"""Who is in a workshop: a name and an API key for each learner, in one file for the hub and the model's server.

For hubs that are not started by `make hub` (which hands out keys by itself): The Littlest JupyterHub and Kubernetes. Needs
only Python's standard library, because their hubs run it without the course.

    python3 workshop/roster.py 30 > roster.json            # 30 names like learner-07-kx4m, and instructor-…
    python3 workshop/roster.py 30 --add roster.json        # the same with more learners; nobody's key changes
    python3 workshop/roster.py --keys roster.json > keys   # for llama-server --api-key-file

In a JupyterHub configuration, `apply(c, "roster.json")` lets only these names in and gives each server its own KEY.
"""

import argparse
import json
import re
import secrets
import sys
from pathlib import Path
from typing import Any

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike on a hand-out
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")  # also the name of a pod, a volume and a Unix account
INSTRUCTOR = "instructor-"
MOST = 500


class RosterError(Exception):
    """What is wrong with a roster, and the next command. JupyterHub shows `jupyterhub_message` to the learner."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.jupyterhub_message = message


def new_name(stem: str) -> str:
    """The stem and four letters that nobody guesses: with first-use passwords, whoever knows a name can take it."""
    return f"{stem}-{''.join(secrets.choice(LETTERS) for _ in range(4))}"


def filled(roster: dict[str, str], learners: int) -> dict[str, str]:
    """The roster with at least this many learners and an instructor. Who is there keeps name and key."""
    stems = {name.rpartition("-")[0] for name in roster}
    wanted = ["instructor", *(f"learner-{number:02}" for number in range(1, learners + 1))]
    fresh = {new_name(stem): f"key-{secrets.token_hex(16)}" for stem in wanted if stem not in stems}
    return {**roster, **fresh}


def read(path: "str | Path") -> dict[str, str]:
    """Name → key. RosterError if the file cannot be read or is not a roster."""
    again = f"Make one:  python3 workshop/roster.py 30 > {path}"
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RosterError(f"the roster {path} cannot be read ({error}).\n{again}") from error
    if not isinstance(found, dict) or not found:
        raise RosterError(f"the roster {path} is not a JSON object with a key for each name.\n{again}")
    for name, key in found.items():
        if not NAME.fullmatch(name) or not isinstance(key, str) or not re.fullmatch(r"[\w-]{16,}", key):
            raise RosterError(
                f"{name!r} in the roster {path} is wrong. A name has up to 30 letters a-z, digits and -, and begins with "
                f"a letter; a key has at least 16 letters, digits, _ and -.\n{again}"
            )
    if len(set(found.values())) < len(found):
        raise RosterError(f"two learners in the roster {path} have the same key.\n{again}")
    return found


def keys(roster: dict[str, str]) -> str:
    """The keys, one on each line, as llama-server's --api-key-file takes them."""
    return "".join(f"{key}\n" for key in roster.values())


def key(path: "str | Path", name: str) -> str:
    """The key of one learner, read when their server starts. RosterError if they were removed from the roster."""
    roster = read(path)
    if name not in roster:
        raise RosterError(f"{name} is not on the roster of this workshop. Ask the instructor.")
    return roster[name]


def apply(c: Any, path: "str | Path") -> None:
    """Let in only who is on the roster, and set KEY in each learner's server. `c` is JupyterHub's configuration.

    A hook, because KubeSpawner (7.0.0) passes a function among its `environment` on as it is.
    """
    roster = read(path)
    auth = c.Authenticator
    auth.allowed_users = {*auth.get("allowed_users", ()), *roster}
    auth.admin_users = {
        *auth.get("admin_users", ()),
        *(name for name in roster if name.startswith(INSTRUCTOR)),
    }

    def give_key(spawner: Any) -> None:
        spawner.environment = {**spawner.environment, "KEY": key(path, spawner.user.name)}

    c.Spawner.pre_spawn_hook = give_key


def main(arguments: "list[str]") -> int:
    parser = argparse.ArgumentParser(
        prog="roster.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("learners", nargs="?", type=int, help=f"how many learners there are, 1 to {MOST}")
    parser.add_argument("--add", metavar="FILE", help="keep the names and keys of this roster")
    parser.add_argument(
        "--keys", metavar="FILE", help="print the keys of this roster instead, one on each line"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.keys:
            sys.stdout.write(keys(read(chosen.keys)))
            return 0
        if chosen.learners is None or not 1 <= chosen.learners <= MOST:
            parser.error(f"say how many learners there are, from 1 to {MOST}:  python3 workshop/roster.py 30")
        made = filled(read(chosen.add) if chosen.add else {}, chosen.learners)
        print(json.dumps(made, indent=1))
        return 0
    except RosterError as error:
        print(f"roster: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
