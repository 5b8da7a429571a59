"""What the embedded model does after a fault: a grammar dictates one wrong turn, the rest is its own.

The questions of course/data/eval.json meet few faults; here each run has one.
"""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from smolagents.utils import AgentExecutionError, AgentParsingError

from course.agent import LEOPARD, code_agent, connect, forced

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

NO_CODE = "I look for both facts.\n</think>\n\nI search for the speed of the leopard."
NO_RESULTS = (
    "I look for the speed.\n</think>\n\nThought: I search for the speed.\n<code>\n"
    'speed_pages = web_search("maximum pace")\nprint("SPEED", speed_pages)\n</code>'
)
BROKEN = (
    "I have both pages.\n</think>\n\nThought: I compute.\n<code>\n"
    'speeds = figures(speed pages, "top speed of leopard", SPEED)\n</code>'
)


def slips(at: int, said: str) -> Iterator[str | None]:
    """The lines of a model whose response number `at`, from 0, is this; all others are its own words."""
    return chain(repeat(None, at), [said], repeat(None))


@pytest.mark.parametrize(
    ("at", "said", "error"),
    [(0, NO_CODE, AgentParsingError), (0, NO_RESULTS, AgentExecutionError), (1, BROKEN, AgentExecutionError)],
    ids=["no code block", "a search without results", "code that does not parse"],
)
def test_the_leopard_is_answered_after_a_fault(server, at, said, error):
    if not server.profile.deterministic:
        pytest.skip("not applicable: another model's words are its own")
    agent = code_agent(connect(server, model_class=forced(slips(at, said))), max_steps=6)
    answer = str(agent.run(LEOPARD))
    steps = [step for step in agent.memory.steps if hasattr(step, "step_number")]
    assert [type(step.error) for step in steps if step.error] == [error], [step.error for step in steps]
    assert isinstance(steps[at].error, error)
    assert "9.62" in answer, [step.model_output for step in steps]
