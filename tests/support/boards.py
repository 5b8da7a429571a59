"""A real board in a process of its own, and learners who have joined it, for tests.

with Running(folder) as board:
    ada = board.learner("Ada")
    ada.send([attempt("05.2", True, 1, now)])
    board.kill(); board.start()       # the same address
"""

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from course import ROOT
from course.board import client, events
from course.board.membership import Member
from workshop.board.board import PAUSE

PATIENCE = 90  # seconds for what takes one on an idle machine


class Running:
    """The board of a folder. `url` ends with a slash."""

    def __init__(self, folder, *options, environment=None):
        self.folder, self.options, self.environment = folder, options, environment
        self.process, self.port, self.learners = None, 0, []

    def start(self):
        command = [
            sys.executable,
            "-m",
            "workshop.board",
            "--data",
            str(self.folder),
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(
            [*command, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
        said = ""
        while not said.endswith("stays.\n") and "for the hub" not in said:
            line = self.process.stdout.readline()
            assert line, f"the board ended: {said}"
            said += line
        codes = json.loads((self.folder / "codes.json").read_text())
        self.room, self.token = codes["room"], codes["token"]
        if found := re.search(r"instructor: (http://\S+:(\d+)/)\?", said):
            self.url, self.port = found[1], int(found[2])
        return self

    def kill(self):
        """As if the machine had stopped it: no time to tidy up."""
        self._end(self.process.kill)

    def stop(self):
        return self._end(self.process.terminate)

    def _end(self, how):
        how()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        for learner in self.learners:
            learner.http.close()
        if self.process.returncode is None:
            self.stop()

    @property
    def join_url(self):
        return f"{self.url}room/{self.room}"

    def learner(self, name):
        base, room = client.address(self.join_url)
        answer = client.join(base, room, name)
        member = Member(base, room, answer["name"], answer["key"], "", "9999-01-01T00:00:00+00:00")
        self.learners.append(Learner(member))
        return self.learners[-1]

    @contextmanager
    def instructor(self):
        """A client with the instructor's cookie."""
        with httpx.Client(base_url=self.url, verify=False, trust_env=False, timeout=PATIENCE) as opened:
            assert opened.get("", params={"token": self.token}).status_code == 302
            yield opened

    def state(self):
        """What a page would show now. The board makes it twice a second at most."""
        time.sleep(1.1 * PAUSE)
        with self.instructor() as opened, opened.stream("GET", "stream") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream ended")

    def until(self, settled, seconds=PATIENCE):
        """The first state for which `settled` holds."""
        end = time.monotonic() + seconds
        while not settled(state := self.state()):
            assert time.monotonic() < end, f"after {seconds} s the board shows {state['learners']}"
        return state


class Learner:
    """Somebody who has joined. It keeps its connection, as nothing in the course does: a test sends often."""

    def __init__(self, member):
        self.member, self.name = member, member.name
        headers = {"Authorization": f"Bearer {member.key}"}
        self.http = httpx.Client(
            base_url=member.base + "/", headers=headers, verify=False, trust_env=False, timeout=PATIENCE
        )

    def send(self, sent):
        """Send events, whatever they are; the response."""
        body = {"events": sent, "now": events.stamp(datetime.now(UTC))}
        return self.http.post("events", content=json.dumps(body))
