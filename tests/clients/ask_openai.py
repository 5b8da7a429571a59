"""The openai package asks one question, whole and streamed. Where the server is, the environment says.

python ask_openai.py MODEL GRAMMAR
"""

import sys

from openai import OpenAI

model, grammar = sys.argv[1:]
asked = {
    "model": model,
    "messages": [{"role": "user", "content": "What is two and two?"}],
    "extra_body": {"grammar": grammar},
    "max_tokens": 60,
}
client = OpenAI()
print(client.chat.completions.create(**asked).choices[0].message.content)
parts = client.chat.completions.create(**asked, stream=True)
print("".join(part.choices[0].delta.content or "" for part in parts))
