"""What one training or measuring task is: a question, its tools, the moves of a careful agent, and when it is right.

Does not: draw tasks (the modules of the families do), drive agents (traces.py, eval.py).
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from smolagents import CodeAgent, Model, MultiStepAgent, Tool


@dataclass(frozen=True)
class Call:
    """One tool call, its arguments as strings."""

    name: str
    arguments: dict[str, str]

    def xml(self) -> str:
        """As the chat template writes it and as the server reads it."""
        given = "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in self.arguments.items())
        return f"<tool_call>\n<function={self.name}>\n{given}</function>\n</tool_call>"


@dataclass(frozen=True)
class Move:
    """One completion as wanted. Of a move that is not `trained`, only the consequences are.

    `cut`: the thinking ends in a stop string, where the server ends the completion.
    """

    thinking: str
    content: str = ""
    call: Call | None = None
    trained: bool = True
    cut: bool = False

    def completion(self) -> str:
        """As the model writes it, without the end-of-turn token."""
        if self.cut:
            return self.thinking
        return f"{self.thinking}\n</think>\n\n{self.call.xml() if self.call else self.content}"


Script = Callable[[list[str]], Move]
"""What is wanted next, given the texts of all user messages after the task, in order."""


@dataclass(frozen=True)
class Task:
    """`right` judges the final answer; `fault` names what is wrong, given the answer."""

    family: str
    question: str
    script: Script
    right: Callable[[str], bool]
    tools: list[Tool] = field(default_factory=list)
    agent: type[MultiStepAgent] = CodeAgent
    fault: Callable[[str], str] = lambda answer: "wrong answer" if answer else "no answer"
    expected: str = ""

    def build(self, model: Model, max_steps: int) -> MultiStepAgent:
        """A new agent. What the error of a forbidden import lists is in the order that the question decides: smolagents
        has it from a set, so that each process would have its own, and no run could be made again to the byte.
        """
        agent = self.agent(self.tools, model, max_steps=max_steps, verbosity_level=-1)
        if isinstance(agent, CodeAgent):
            allowed = agent.python_executor.authorized_imports
            allowed.sort()
            random.Random(self.question).shuffle(allowed)
        return agent


def code(thought: str, *lines: str) -> str:
    """The content of a CodeAgent's turn."""
    return "\n".join([f"Thought: {thought}", "<code>", *lines, "</code>"])


def states(answer: str, number: float) -> bool:
    """Whether the answer contains this number, rounded to two decimals or better."""
    return any(abs(float(said) - number) < 0.00501 for said in re.findall(r"-?\d+(?:\.\d+)?", answer))
