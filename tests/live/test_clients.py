"""The tap under clients that are not ours: LiteLLM, and an agent framework that is not smolagents.

They live in an environment of their own (`python3 bootstrap.py clients`) and know nothing about the tap.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course import ROOT
from course.tape import Tape
from course.turns import turns
from support import skips

PYTHON = ROOT / "build" / "clients" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
SCRIPTS = Path(__file__).parents[1] / "clients"
SAID = "I know that.\n</think>\n\nTwo and two is four."


@pytest.fixture
def tapped(server, tmp_path):
    """Run a script of tests/clients under the tap; its output, and the tape."""
    python = os.environ.get("CLIENTS_PYTHON", str(PYTHON))
    if not Path(python).exists():
        skips.missing("LiteLLM and pydantic-ai", "python3 bootstrap.py clients")

    def run(script, *arguments):
        tape = tmp_path / "t.tape.jsonl"
        tap = ["-m", "course.cli", "tap", "--upstream", server.url, "--tape", str(tape), "--"]
        done = subprocess.run(
            [sys.executable, *tap, python, str(SCRIPTS / script), server.model_id, *arguments],
            capture_output=True,
            text=True,
            timeout=280,
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": server.api_key or "none"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), turns(Tape.read(tape).records())

    return run


def test_litellm_is_recorded_whole_and_streamed(tapped):
    printed, made = tapped("ask_litellm.py", f"root ::= {json.dumps(SAID)}")
    assert printed == ["Two and two is four."] * 2
    assert [t.exchange.streamed for t in made] == [False, True]
    assert [t.content for t in made] == ["Two and two is four."] * 2
    assert all(t.error is None for t in made)


def test_an_agent_of_pydantic_ai_is_recorded_turn_by_turn(tapped):
    """Both turns are on the tape, the second with what came before it. (Its words are forced: no model is judged here.)"""
    printed, (first, second) = tapped("ask_pydantic_ai.py", f"root ::= {json.dumps(SAID)}")
    assert printed == ["Two and two is four."] * 2
    assert [m["role"] for m in first.new_messages] == ["system", "user"]
    assert [m["role"] for m in second.new_messages] == ["assistant", "user"]
    assert first.error is None
    assert second.error is None
