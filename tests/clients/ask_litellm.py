"""LiteLLM asks one question, whole and streamed. Where the server is, the environment says.

python ask_litellm.py MODEL GRAMMAR
"""

import sys

import litellm

model, grammar = sys.argv[1:]
asked = {
    "model": f"openai/{model}",
    "messages": [{"role": "user", "content": "What is two and two?"}],
    "extra_body": {"grammar": grammar},
    "max_tokens": 60,
}
print(litellm.completion(**asked).choices[0].message.content)
parts = litellm.completion(**asked, stream=True)
print("".join(part.choices[0].delta.content or "" for part in parts))
