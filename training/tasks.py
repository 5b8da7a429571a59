"""What a task is: a question, its tools, the moves of a careful agent, and what makes an answer right.

Tasks serve for training and for measuring. The modules of `families` draw them; traces.py and eval.py drive agents
with them.
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
        """In the form that the chat template writes and the server parses."""
        given = "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in self.arguments.items())
        return f"<tool_call>\n<function={self.name}>\n{given}</function>\n</tool_call>"


@dataclass(frozen=True)
class Move:
    """One wanted completion.

    Of a move that is not `trained`, only what follows from it is learned. With `cut`, the thinking ends in a stop sequence,
    where the server ends the completion.
    """

    thinking: str
    content: str = ""
    call: Call | None = None
    trained: bool = True
    cut: bool = False

    def completion(self) -> str:
        """What the model is to generate, without the end-of-turn token."""
        if self.cut:
            return self.thinking
        return f"{self.thinking}\n</think>\n\n{self.call.xml() if self.call else self.content}"


Script = Callable[[list[str]], Move]
"""The next wanted move, given the texts of all user messages after the task, in order."""


@dataclass(frozen=True)
class Task:
    """`right` judges the final answer. `fault` names what is wrong with one. `expected` tells a reader what is right."""

    family: str
    question: str
    script: Script
    right: Callable[[str], bool]
    tools: list[Tool] = field(default_factory=list)
    agent: type[MultiStepAgent] = CodeAgent
    fault: Callable[[str], str] = lambda answer: "wrong answer" if answer else "no answer"
    expected: str = ""

    def build(self, model: Model, max_steps: int) -> MultiStepAgent:
        """A new agent for this task.

        The error of a forbidden import lists the allowed modules. smolagents keeps these in a set, whose order differs
        between processes, so no run could be repeated to the byte; here the question decides the order.
        """
        agent = self.agent(self.tools, model, max_steps=max_steps, verbosity_level=-1)
        if isinstance(agent, CodeAgent):
            allowed = agent.python_executor.authorized_imports
            allowed.sort()
            random.Random(self.question).shuffle(allowed)
        return agent


def code(thought: str, *lines: str) -> str:
    """The content of a CodeAgent's turn: the thought and a code block."""
    return "\n".join([f"Thought: {thought}", "<code>", *lines, "</code>"])


def states(answer: str, number: float) -> bool:
    """Whether the answer contains this number, rounded to two decimals or better."""
    return any(abs(float(said) - number) < 0.00501 for said in re.findall(r"-?\d+(?:\.\d+)?", answer))
