"""Answers to the exercises of lesson 07. The responses and tapes are made up here; no server runs."""

import tempfile
from pathlib import Path

from course.diagnose import diagnose
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply

# --- 07.1


def ask(words, max_tokens=None, stop=(), **_):
    """What llama-server returns for these forced words. `max_tokens` is read as words of the text."""
    kind, word = "eos", ""
    if max_tokens:
        kind, words = "limit", " ".join(words.split(" ")[:max_tokens])
    for given in stop:
        if given in words:
            kind, word, words = "word", given, words.partition(given)[0]
    thinking, _, content = words.partition("\n</think>\n\n")
    message = {"role": "assistant", "content": content, "reasoning_content": thinking}
    choice = {"message": message, "finish_reason": "length" if kind == "limit" else "stop"}
    return {"choices": [choice], "__verbose": {"stop_type": kind, "stopping_word": word}}


def by_table(response):
    names = {"limit": "limit", "word": "stop sequence", "eos": "model"}
    content = response["choices"][0]["message"]["content"]
    return "not empty" if content.strip() else names[response["__verbose"]["stop_type"]]


def by_finish_reason_and_word(response):
    choice, verbose = response["choices"][0], response["__verbose"]
    if choice["message"]["content"].strip() != "":
        return "not empty"
    if choice["finish_reason"] == "length":
        return "limit"
    return "stop sequence" if verbose["stopping_word"] else "model"


def match(response):
    if not (response["choices"][0]["message"].get("content") or "").isspace() and by_length(response):
        return "Not empty"
    match response["__verbose"]["stop_type"]:
        case "limit":
            return "limit"
        case "word":
            return "stop sequence"
    return "model"


def by_length(response):
    return len(response["choices"][0]["message"]["content"]) > 0


def finish_reason_only(response):
    choice = response["choices"][0]
    if choice["message"]["content"].strip():
        return "not empty"
    return "limit" if choice["finish_reason"] == "length" else "stop sequence"


def never_looks_at_content(response):
    return {"limit": "limit", "word": "stop sequence", "eos": "model"}[response["__verbose"]["stop_type"]]


def space_is_content(response):
    return "not empty" if by_length(response) else never_looks_at_content(response)


# --- 07.2

DRAWN = {"A": "healthy", "B": "empty-search", "C": "decoy-ran", "D": "thinking-cut"}

# --- 07.3

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


def mine(path, fault, where):
    return {"tape": path, "fault": fault, "where": where}


ANSWERS = {
    "07.1": Answers(
        right=[by_table, by_finish_reason_and_word, match],
        wrong=[finish_reason_only, never_looks_at_content, space_is_content, "limit"],
        given={"ask": ask},
    ),
    "07.2": Answers(
        right=[DRAWN, DRAWN | {"A": "Healthy"}, dict(reversed(DRAWN.items()))],
        wrong=[DRAWN | {"A": "observation-truncated"}, DRAWN | {"D": "stop-in-thinking"}, "healthy"],
        given={"drawn": DRAWN},
    ),
    "07.3": Answers(
        right=[
            mine(REFUSED, *proof(REFUSED)),
            mine(str(GONE), f"({proof(GONE)[0]})", proof(GONE)[1].partition("[0:")[0]),
            mine(GONE, "Unreachable", "request.url"),
        ],
        wrong=[
            mine(REFUSED, "context-overflow", "request.messages"),
            mine(REFUSED, "answer-cut", "status"),
            mine(GONE, "connection-lost", "error"),
            mine(WHOLE, "healthy", "status"),
            mine(CUT, "thinking-cut", "response.choices[0].finish_reason"),
            mine(FOLDER / "nowhere.tape.jsonl", "unreachable", "error"),
            "context-overflow",
        ],
        given={"Path": Path, "Tape": Tape, "turns": turns, "diagnose": diagnose},
    ),
}
