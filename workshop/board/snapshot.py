"""What the page shows, from what the store knows: who is where, who seems stuck, who has been quiet. A value for JSON.

Stuck: the exercise that was tried last was tried `TRIES` times or more, and is not solved. Quiet: nothing came for `QUIET`
seconds from somebody who is not stuck. Only exercises count as solved; predictions and questions say where somebody is.

    snapshot(store, lessons(), time.time())["learners"][0]["stuck"]     # {"exercise": "05.2", "attempts": 4}
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from course.progress import Lesson, kind_of
from workshop.board.store import Store

TRIES = 3
QUIET = 600.0
ERRORS = 20  # types of errors that are listed of each learner, the latest first


def snapshot(store: Store, lessons: Mapping[str, Lesson], now: float) -> dict[str, Any]:
    """Everything that the page shows at `now`, in seconds since 1970."""
    done: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    last: dict[int, tuple[float, str, int, bool]] = {}
    for learner, exercise, attempts, solved, when in store.rows(
        "SELECT learner, exercise, attempts, solved, last FROM exercises"
    ):
        if kind_of(exercise) != "exercise":
            continue
        counts = done[learner][exercise.partition(".")[0]]
        counts[0] += solved
        counts[1] += 1
        last[learner] = max(last.get(learner, (0.0, "", 0, True)), (when, exercise, attempts, bool(solved)))
    errors: dict[int, list[list[Any]]] = defaultdict(list)
    for learner, *error in store.rows("SELECT learner, lesson, error, count FROM errors ORDER BY last DESC"):
        if len(errors[learner]) < ERRORS:
            errors[learner].append(error)
    return {
        "now": now,
        "lessons": [
            {
                "number": each.number,
                "title": each.title,
                "exercises": sum(kind_of(id) == "exercise" for id in each.ids),
            }
            for each in lessons.values()
        ],
        "learners": [
            {
                "id": id,
                "name": name,
                "lesson": lesson,
                "seen": seen,
                "done": done[id],
                "errors": errors[id],
                **_state(last.get(id), seen, now),
            }
            for id, name, lesson, seen in store.rows(
                "SELECT id, name, lesson, seen FROM learners ORDER BY folded"
            )
        ],
        "tapes": [
            {"id": id, "name": name, "size": size, "time": when}
            for id, name, size, when in store.rows(
                "SELECT tapes.id, name, size, time FROM tapes JOIN learners ON learner = learners.id ORDER BY time DESC"
            )
        ],
    }


def _state(last: tuple[float, str, int, bool] | None, seen: float, now: float) -> dict[str, Any]:
    if last and last[2] >= TRIES and not last[3]:
        return {"stuck": {"exercise": last[1], "attempts": last[2]}, "quiet": False}
    return {"stuck": None, "quiet": now - seen >= QUIET}
