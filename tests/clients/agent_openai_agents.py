"""An agent of OpenAI's Agents SDK calls a tool, then answers. Where the server is, the environment says.

python agent_openai_agents.py MODEL GRAMMAR
"""

import sys
from typing import Literal

from agents import (
    Agent,
    AgentHooks,
    ModelSettings,
    Runner,
    function_tool,
    set_tracing_disabled,
)

model, grammar = sys.argv[1:]
set_tracing_disabled(True)  # traces would go to OpenAI


@function_tool
def add(a: Literal[2], b: Literal[2]) -> int:
    """Add two numbers."""
    print(f"add({a}, {b})")
    return a + b


class Answer(AgentHooks):
    """After the call, the agent answers. (The server takes no grammar where it reads tool calls.)"""

    async def on_tool_end(self, context, agent, tool, result):
        agent.model_settings = ModelSettings(
            tool_choice="none", temperature=0, max_tokens=400, extra_body={"grammar": grammar}
        )


agent = Agent(
    "adder",
    model=model,
    tools=[add],
    hooks=Answer(),
    model_settings=ModelSettings(tool_choice="required", temperature=0, max_tokens=400),
    reset_tool_choice=False,
)
print(Runner.run_sync(agent, "Call add.").final_output)
