"""Answers to the exercises of lesson 07. The runs and the tapes are made up here; no server runs."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

from course.diagnose import diagnose
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply

# --- 07.1

CODE, SEEN = "<code>\nprint(web_search('lion top speed'))\n", "Execution logs:\nTop speed: 80 km/h"
NOTHING = "Execution logs:\nLast output from code snippet:\nNone"
TRUNCATED = f"{SEEN}\n..._This content has been truncated to stay below 500 characters_...\nNone"
FAILED = "Code execution failed at line 'print(web_search('x'))' due to: "


def run(content, reason="stop", error=None, observation=SEEN, ended="word"):
    response = {"__verbose": {"stop_type": ended}}
    turn = SimpleNamespace(
        content=content,
        finish_reason=reason,
        step={"error": error},
        observation=observation,
        exchange=SimpleNamespace(response=response),
    )
    return SimpleNamespace(turns=[turn])


def stop_type(turn):
    return turn.exchange.response["__verbose"]["stop_type"]


RUNS = {
    "A": run(CODE),
    "B": run(CODE, error=f"{FAILED}Exception: No results found! Try a less restrictive/shorter query."),
    "C": run("<think>\n<code>\nfinal_answer(1)\n</code>? No.\n</think>\n\n" + CODE, observation=NOTHING),
    "D": run("", "length", observation=NOTHING, ended="limit"),
}
LESSON = {
    "runs": RUNS,
    "drawn": {"A": "healthy", "B": "empty-search", "C": "decoy-ran", "D": "thinking-cut"},
    **dict.fromkeys(("roomy", "selected", "kept"), RUNS["A"]),
    "nothing": RUNS["B"],
    "fooled": RUNS["C"],
    "a": RUNS["D"],
    "b": run("", observation=NOTHING),
    "c": run("", observation=NOTHING, ended="eos"),
    "stop_type": stop_type,
    "prose": run("2 + 2 = 4", error="Error in code parsing:\nYour code snippet is invalid", observation=None),
    "offline": run(CODE, error=f"{FAILED}ConnectionError: Network is unreachable"),
    "clipped": run(CODE, observation=TRUNCATED),
}


def from_outside_to_inside(turn):
    error = turn.step["error"] or ""
    if turn.content == "":
        return {"limit": "thinking-cut", "word": "stop-in-thinking", "eos": "empty-response"}[stop_type(turn)]
    if "</think>" in turn.content:
        return "decoy-ran"
    if "<code>" not in turn.content:
        return "no-code-block"
    if error:
        return "empty-search" if "No results" in error else "action-failed"
    return "observation-truncated" if "truncated" in turn.observation else "healthy"


def by_error(turn):
    error = turn.step["error"]
    if error is not None:
        said = {
            "code parsing": "no-code-block",
            "No results found": "empty-search",
            "due to": "action-failed",
        }
        return next(kind for words, kind in said.items() if words in error)
    if not turn.content and turn.finish_reason == "stop":
        return "empty-response" if stop_type(turn) == "eos" else "stop-in-thinking"
    if not turn.content:
        return "thinking-cut"
    if "truncated" in turn.observation:
        return "observation-truncated"
    return "decoy-ran" if "</think>" in turn.content else "healthy"


def loudly(turn):
    return from_outside_to_inside(turn).capitalize()


def without_the_reason(turn):
    return from_outside_to_inside(turn) if turn.content else "thinking-cut"


def without_the_stop_type(turn):
    found = from_outside_to_inside(turn)
    return "stop-in-thinking" if found == "empty-response" else found


def without_the_observation(turn):
    found = from_outside_to_inside(turn)
    return "healthy" if found == "observation-truncated" else found


def any_error_is_the_tools(turn):
    return "action-failed" if turn.step["error"] else from_outside_to_inside(turn)


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
OF_THE_LESSON = tape("overflow.tape.jsonl", entry(1, HI, {"error": FULL}, status=400))
OF_THE_LESSON_TOO = tape("stranger.tape.jsonl", entry(1, HI, reply("chatcmpl-2", "I am one, too.")))
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
        right=[from_outside_to_inside, by_error, loudly],
        wrong=[
            without_the_reason,
            without_the_stop_type,
            without_the_observation,
            any_error_is_the_tools,
            lambda turn: "healthy",
            LESSON["drawn"],
        ],
        given=LESSON,
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
            mine(OF_THE_LESSON, *proof(OF_THE_LESSON)),
            mine(REFUSED, *proof(REFUSED), repaired=OF_THE_LESSON_TOO),
            "context-overflow",
        ],
        given={
            **{"Path": Path, "Tape": Tape, "turns": turns, "diagnose": diagnose},
            "recorded": {path.resolve() for path in (OF_THE_LESSON, OF_THE_LESSON_TOO)},
        },
    ),
}
