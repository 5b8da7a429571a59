"""An agent of OpenAI's Agents SDK repeats a call until it gives up. The environment says where the server is.

python loop_openai_agents.py MODEL
"""

import sys
from typing import Literal

from agents import (
    Agent,
    MaxTurnsExceeded,
    Runner,
    function_tool,
    set_tracing_disabled,
)

(model,) = sys.argv[1:]
set_tracing_disabled(True)  # traces would go to OpenAI


@function_tool
def add(a: Literal[2], b: Literal[2]) -> int:
    """Add two numbers."""
    print(f"add({a}, {b})")
    return a + b


agent = Agent("adder", model=model, tools=[add])
try:
    Runner.run_sync(agent, "Call add.", max_turns=3)
except MaxTurnsExceeded as error:
    print(type(error).__name__)
