"""Answers to the exercises of lesson 07. The tapes are made up here; no server runs."""

import tempfile
from pathlib import Path

from course.diagnose import diagnose
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply

# --- 07.1

DRAWN = {"A": "healthy", "B": "empty-search", "C": "decoy-ran", "D": "thinking-cut"}

# --- 07.2

HI = [{"role": "user", "content": "Who are you?"}]
FOLDER = Path(tempfile.mkdtemp(prefix="lesson-07-"))


def tape(name, *records):
    """The path of a tape with these records."""
    made = Tape(FOLDER / name)
    for record in records:
        made.add(record)
    return made.path


FULL = {
    "message": "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"
}
FULL |= {"type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192}
THOUGHT = {"role": "assistant", "content": "", "reasoning_content": "I am"}
REFUSED = tape("refused.tape.jsonl", entry(1, HI, {"error": FULL}, status=400))
GONE = tape(
    "gone.tape.jsonl", entry(1, HI, "", status=0, error="ConnectError: [Errno 111] Connection refused")
)
WHOLE = tape("whole.tape.jsonl", entry(1, HI, reply("chatcmpl-1", "I am a model.")))
CUT = tape(
    "cut.tape.jsonl", entry(1, HI, {"id": "c", "choices": [{"message": THOUGHT, "finish_reason": "length"}]})
)


def proof(path):
    """A finding on a tape, and where it says that its first proof is."""
    finding = diagnose(turns(Tape.read(path).records()))[0]
    return finding.kind, finding.evidence[0].where


def mine(path, fault, where, repaired=WHOLE):
    return {"broken": path, "fault": fault, "where": where, "repaired": repaired}


ANSWERS = {
    "07.1": Answers(
        right=[DRAWN, DRAWN | {"A": "Healthy"}, dict(reversed(DRAWN.items()))],
        wrong=[DRAWN | {"A": "observation-truncated"}, DRAWN | {"D": "stop-in-thinking"}, "healthy"],
        given={"drawn": DRAWN},
    ),
    "07.2": Answers(
        right=[
            mine(REFUSED, *proof(REFUSED)),
            mine(str(GONE), f"({proof(GONE)[0]})", proof(GONE)[1].partition("[0:")[0]),
            mine(GONE, "Unreachable", "request.url", repaired=str(WHOLE)),
        ],
        wrong=[
            mine(REFUSED, "context-overflow", "request.messages"),
            mine(REFUSED, "answer-cut", "status"),
            mine(GONE, "connection-lost", "error"),
            mine(WHOLE, "healthy", "status"),
            mine(CUT, "thinking-cut", "response.choices[0].finish_reason"),
            mine(FOLDER / "nowhere.tape.jsonl", "unreachable", "error"),
            mine(REFUSED, *proof(REFUSED), repaired=REFUSED),
            mine(REFUSED, *proof(REFUSED), repaired=GONE),
            mine(REFUSED, *proof(REFUSED), repaired=FOLDER / "nowhere.tape.jsonl"),
            "context-overflow",
        ],
        given={"Path": Path, "Tape": Tape, "turns": turns, "diagnose": diagnose},
    ),
}
