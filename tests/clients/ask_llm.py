"""`llm` asks one question, whole and streamed. Where the server is, the environment says.

python ask_llm.py MODEL GRAMMAR
"""

import os
import sys

from llm.default_plugins.openai_models import Chat

model, grammar = sys.argv[1:]


class Forced(Chat):
    """`llm` has no option for fields that only some servers know."""

    def build_kwargs(self, prompt, stream):
        return {**super().build_kwargs(prompt, stream), "extra_body": {"grammar": grammar}}


chat = Forced(model, api_base=os.environ["OPENAI_BASE_URL"])
for stream in (False, True):
    print(chat.prompt("What is two and two?", stream=stream, max_tokens=60).text())
