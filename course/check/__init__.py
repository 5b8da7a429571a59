"""Check what a lesson claims, and what a learner answers.

Only a false claim stops a notebook. Everything that a learner can get wrong (an answer left open, of another type,
that raises or never ends) is told in one sentence, and the notebook goes on. Attempts are recorded in a local file
(course/progress.py). Nothing is graded, and nothing is sent, unless the learner has joined an instructor's board
(course/board).

    check.claim("the thinking is in reasoning_content", "<think>" not in content, saw=content[:40])
    check.exercise("03.1", tokens, len(server.tokenize(prompt)), hint="server.tokenize counts them")
    check.function("05.2", wire_roles, [check.case(["system", "user"], gives=["system", "user"]), ...])
    check.prediction("01.p1", guess, was=timings["prompt_n"], unit="tokens")
    check.quiz("05", check.question("What ends a step?", right="...", why="...", wrong={"...": "..."}), ...)
    check.progress("05")
"""

from course.check.answers import Exact, Near, OneOf, exact, is_open, near, one_of, shortened
from course.check.claims import CheckFailed, claim, claims
from course.check.exercises import Case, case, exercise, function, prediction
from course.check.quizzes import Question, question, quiz
from course.progress import show as progress

__all__ = [
    "Case",
    "CheckFailed",
    "Exact",
    "Near",
    "OneOf",
    "Question",
    "case",
    "claim",
    "claims",
    "exact",
    "exercise",
    "function",
    "is_open",
    "near",
    "one_of",
    "prediction",
    "progress",
    "question",
    "quiz",
    "shortened",
]
