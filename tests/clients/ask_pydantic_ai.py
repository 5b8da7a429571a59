"""An agent of pydantic-ai answers, and answers again with its history. Where the server is, the environment says.

python ask_pydantic_ai.py MODEL GRAMMAR
"""

import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

model, grammar = sys.argv[1:]
settings = {"temperature": 0, "max_tokens": 60, "extra_body": {"grammar": grammar}}
agent = Agent(OpenAIChatModel(model), instructions="Add numbers.", model_settings=settings)
first = agent.run_sync("What is two and two?")
print(first.output)
print(agent.run_sync("Sure?", message_history=first.all_messages()).output)
