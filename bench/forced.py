"""A run of four steps, each the same on any model, a random one included: `forced` gives the model these words."""

THOUGHT = "I look for one figure, then for the other.\n</think>\n\n"
STEPS = (
    THOUGHT + 'Thought: first the speed.\n<code>\nprint(web_search(query="leopard top speed"))\n</code>',
    THOUGHT + 'Thought: now the length.\n<code>\nprint(web_search(query="Pont des Arts length"))\n</code>',
    THOUGHT + "Thought: I check the speed.\n<code>\nspeed = 58 / 3.6\nprint(round(speed, 3))\n</code>",
    THOUGHT + "Thought: I compute.\n<code>\nfinal_answer(round(155 / speed, 2))\n</code>",
)
