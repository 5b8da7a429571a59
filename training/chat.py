"""Plain chat for training: short questions with short answers, with and without the think block."""

import random

CAPITALS = (
    "France Paris, Italy Rome, Spain Madrid, Portugal Lisbon, Austria Vienna, Poland Warsaw, Greece Athens, Norway Oslo, "
    "Sweden Stockholm, Finland Helsinki, Japan Tokyo, Egypt Cairo, Kenya Nairobi, Peru Lima, Canada Ottawa, Cuba Havana"
)
WORDS = (
    "bread=pain, water=eau, house=maison, cat=chat, dog=chien, tree=arbre, sun=soleil, moon=lune, book=livre, "
    "river=rivière"
)
THINGS = {
    "a server": "A server is a program that waits for requests and answers each of them.",
    "a token": "A token is a piece of text, often part of a word, that a language model reads or writes as one unit.",
    "a chat template": "A chat template turns a list of messages into the one text that the model reads.",
    "an agent": "An agent is a language model in a loop: it writes an action, a program runs it, "
    "and the result is its next input.",
    "a stop sequence": "A stop sequence is a text at which the server ends a completion.",
    "a prompt": "A prompt is the text that a model is asked to continue.",
}
GREETINGS = (
    "Hello!",
    "Hi there",
    "Good morning",
    "Say hello.",
    "Hey, are you there?",
    "Greet me in one short sentence.",
)


def exchange(rng: random.Random) -> tuple[str, str, str]:
    """One (question, thinking, answer)."""
    kind = rng.choice(["capital", "sum", "word", "thing", "greeting", "who"])
    if kind == "capital":
        country, city = rng.choice([pair.strip().split() for pair in CAPITALS.split(",")])
        ask = rng.choice(
            ["What is the capital of {}?", "Name the capital of {}.", "Which city is the capital of {}?"]
        )
        return (
            ask.format(country),
            f"The capital of {country} is {city}.",
            f"The capital of {country} is {city}.",
        )
    if kind == "sum":
        a, b = rng.randint(1, 20), rng.randint(1, 20)
        ask = rng.choice(["What is {} plus {}?", "How much is {} + {}?", "Add {} and {}."])
        return ask.format(a, b), f"{a} plus {b} is {a + b}.", f"{a} plus {b} is {a + b}."
    if kind == "word":
        english, french = rng.choice([pair.strip().split("=") for pair in WORDS.split(",")])
        return (
            f'What is "{english}" in French?',
            f"The French word for {english} is {french}.",
            f'"{english}" is "{french}" in French.',
        )
    if kind == "thing":
        thing = rng.choice(list(THINGS))
        ask = rng.choice(["What is {}?", "Explain {} in one sentence.", "In one sentence: what is {}?"])
        return ask.format(thing), f"The question is what {thing} is. One sentence is enough.", THINGS[thing]
    if kind == "greeting":
        return (
            rng.choice(GREETINGS),
            "This is a greeting. A short greeting back is fine.",
            "Hello! How can I help you?",
        )
    return (
        rng.choice(["Who are you?", "What are you?", "What model is this?"]),
        "The question is about me. I am the small model of this course.",
        "I am the embedded model of this course: 135 million parameters, trained for its lessons and little else.",
    )
