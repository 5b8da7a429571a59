"""An agent of pydantic-ai that has a tool, uses it and answers. Where the server is, the environment says.

python ask_pydantic_ai.py MODEL
"""

import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

agent = Agent(OpenAIChatModel(sys.argv[1]), model_settings={"temperature": 0, "max_tokens": 200})
called = []


@agent.tool_plain
def speed(animal: str) -> str:
    """How fast an animal runs."""
    called.append(animal)
    return "58 km/h"


print(agent.run_sync("How fast is a leopard? Use the tool.").output)
print("called", len(called))
