"""The anthropic package asks one question, whole and streamed. Where the server is, the environment says.

python ask_anthropic.py MODEL GRAMMAR

The server takes no grammar for messages, so the words are its model's.
"""

import sys

from anthropic import Anthropic

model, _ = sys.argv[1:]
asked = {
    "model": model,
    "messages": [{"role": "user", "content": "What is two and two?"}],
    "extra_body": {"temperature": 0},
    "max_tokens": 300,
}
client = Anthropic()
print("".join(block.text for block in client.messages.create(**asked).content if block.type == "text"))
with client.messages.stream(**asked) as stream:
    print("".join(stream.text_stream))
