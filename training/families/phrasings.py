"""How the questions of `speed` (ONE) and `compare` (TWO, THREE) are worded, trained-on and held-out.

There are many, since with a dozen the model took an unknown wording of one family for the other: words like "before" or
"between" have to occur in both. The first one is the course's own. {animals} are joined with "or", {both} with "and".
"""

import random

ONE = {
    True: (
        "How many seconds would it take for {animal} at full speed to run through {place}?",
        "How many seconds does {animal} need to cross {place} at top speed?",
        "How long, in seconds, would {animal} take to run the length of {place}?",
        "If {animal} runs at full speed along {place}, how many seconds pass?",
        "Running flat out, in how many seconds does {animal} get across {place}?",
        "In seconds, how quickly could {animal} run over {place}?",
        "Picture {animal} sprinting from one end of {place} to the other at top speed. How many seconds is that?",
        "Compute the seconds that {animal} needs for {place} at its top speed.",
        "Tell me how many seconds {place} takes {animal} at full speed.",
        "What time in seconds would {animal} need for the full length of {place}?",
        "{place}: how many seconds for {animal} that runs as fast as possible?",
        "I want to know how many seconds {animal} at maximum speed spends on {place}.",
        "How many seconds pass until {animal} has crossed {place} at full speed?",
        "How many seconds before {animal} has {place} behind it, running as fast as it can?",
        "{animal} runs along {place} as fast as it can. How many seconds does that last?",
        "{animal} races from the first meter of {place} to the last. How many seconds go by?",
        "After how many seconds has {animal} run all of {place} at its best speed?",
        "Say {animal} sprints down {place}: how many seconds until it is through?",
        "Imagine {animal} at full tilt on {place}. For how long, in seconds, does it run?",
        "What is the time in seconds of {animal} over {place} at maximum speed?",
        "Take the top speed of {animal} and the length of {place}: how many seconds is that?",
        "Divide the length of {place} by the top speed of {animal}. How many seconds come out?",
        "The length of {place} at the top speed of {animal}: how many seconds?",
        "How many seconds long is the run of {animal} from end to end of {place}?",
        "Could you work out in how many seconds {animal} runs past {place}?",
        "Find out how many seconds {animal} at top speed takes from this side of {place} to the far side.",
        "How many seconds lie between the first and the last step of {animal} on {place}, at full speed?",
        "If {animal} never slows down, how many seconds does {place} take it?",
        "With {animal} running flat out, how many seconds is {place} long?",
        "A stopwatch runs while {animal} crosses {place} at top speed. How many seconds does it show?",
        "How many seconds of running is {place} for {animal} at its fastest?",
        "Someone saw {animal} race through {place} at top speed. How many seconds did that take?",
        "{place} lies before {animal}, which runs as fast as it can. How many seconds to the far end?",
        "At top speed, {animal} is through {place} after how many seconds?",
        "What does the clock say, in seconds, when {animal} has run {place} from end to end?",
        "How long does {animal} at a sprint stay on {place}? In seconds, please.",
        "Estimate the seconds: {animal} at top speed, {place} in full length.",
        "I bet on {animal}. In how many seconds will it run through {place}?",
        "My child asks how many seconds {animal} would take to run across {place}.",
        "For a quiz: how many seconds does {animal} running at full speed need for {place}?",
        "Nothing stops {animal} on {place}. How many seconds from start to finish at top speed?",
        "How quickly, in seconds, is {animal} done with {place} if it runs its fastest?",
        "Let {animal} run through {place} at top speed. How many seconds does it need?",
        "Which time in seconds does {animal} need to run {place} at full speed?",
        "How many seconds would {place} cost {animal} in full run?",
        "We need a number of seconds: how long does {animal} at top speed take for {place}?",
    ),
    False: (
        "Suppose {animal} races across {place} as fast as it can. After how many seconds does it arrive?",
        "At its maximum speed, for how many seconds is {animal} on {place}?",
        "How many seconds before {animal} that starts at one end of {place} reaches the other at a dead run?",
        "Give me the number of seconds: {animal}, full speed, all the way along {place}.",
        "Somebody wonders about the seconds that {animal} spends crossing {place} with no pause.",
        "{animal} has all of {place} ahead and gives its best; what number of seconds later is it over?",
    ),
}
TWO = {
    True: (
        "Which of the two is faster over {place}, {animals}, and by how many seconds?",
        "Who wins a race along {place}, {animals}, and how many seconds is the loser behind?",
        "{animals}: which one crosses {place} first at top speed, and how many seconds before the other?",
        "By how many seconds does the faster of the two beat the slower over {place}: {animals}?",
        "{animals}: who is faster over {place}, and by how many seconds?",
        "At top speed over {place}, which one wins, {animals}? By how many seconds?",
        "Compare {both} over {place}. Which one is faster, and how many seconds apart are they?",
        "Two animals run along {place}: {both}. Which one is there first, and how many seconds does it wait?",
        "How many seconds faster over {place} is the faster one, {animals}, and which one is it?",
        "Which of them needs fewer seconds for {place}, {animals}, and how many fewer?",
        "Suppose {both} start together on {place}. Who is ahead at the end, and by how many seconds?",
        "Put {both} on {place} at full speed. Which one is first, and by how many seconds?",
        "Over {place}, what is the difference in seconds of {both} at top speed, and who is faster?",
        "Who crosses {place} sooner, {animals}, and how many seconds sooner?",
        "{animals}: name the faster one over {place} and its lead in seconds.",
        "If {both} race from end to end of {place}, which one wins and with what lead in seconds?",
        "How many seconds apart are {both} after {place}, and who is in front?",
        "How many seconds ahead is the faster of {both} when {place} is behind it, and which is it?",
        "How many seconds does the slower of {both} lose over {place}, and which one wins?",
        "How many seconds separate {both} over {place}? And who wins?",
        "How many seconds are there between the arrivals of {both} after {place}, and whose is the first?",
    ),
    False: (
        "Let {both} race over {place} at full speed. Which one arrives first, and how many seconds earlier?",
        "How many seconds lie between {both} at the end of {place}, and which one is ahead?",
        "Say which of {both} gets over {place} before its rival, and give the gap in seconds.",
    ),
}
THREE = {
    True: (
        "Which of the three is the fastest over {place}, {animals}, and how many seconds does it need?",
        "{animals}: which one crosses {place} first at top speed, and in how many seconds?",
        "Who of the three wins a race along {place}, and in what time in seconds: {animals}?",
        "Three animals run along {place}: {both}. Who is first, and in how many seconds?",
        "Among {both}, who needs the fewest seconds for {place}, and how many are they?",
        "Who is the quickest over {place}, {animals}, and how many seconds does the run take?",
        "Put {both} on {place} at full speed. Which one is first, and after how many seconds?",
        "Compare {both} over {place}. Which one is the fastest, and what is its time in seconds?",
        "If {both} race from end to end of {place}, who wins, and in how many seconds?",
        "Find the fastest of the three over {place}, {animals}, and its seconds.",
        "Suppose {both} start together on {place}. Who is there first, and in how many seconds?",
        "How many seconds does the fastest of {both} need for {place}, and which one is it?",
    ),
    False: (
        "Let {both} race over {place} at full speed. Which of the three arrives first, after how many seconds?",
        "Of {both}, which has the shortest time for {place}, and how many seconds is it?",
        "Which animal takes the least time to get over {place}, {animals}? Give its seconds.",
    ),
}
POLITE = (
    "Please answer: {q}",
    "Here is a question. {q}",
    "Hello! {q}",
    "{q} Thank you.",
    "I have a question for you. {q}",
)
AROUND = (*POLITE, "{q} Look it up.", "{q} Search first.", "{q} Give me the number.")
"""What people write around a question. Used in training only."""


def asked(rng: random.Random, table: dict[bool, tuple[str, ...]], training: bool, **names: str) -> str:
    """A question. In training, the first phrasing is a tenth more frequent, and some have words around them."""
    phrasings = table[training]
    chosen = phrasings[0] if training and rng.random() < 0.1 else rng.choice(phrasings)
    return around(rng, chosen.format(**names), training, AROUND)


def around(rng: random.Random, question: str, training: bool, words: tuple[str, ...] = POLITE) -> str:
    return rng.choice(words).format(q=question) if training and rng.random() < 0.15 else question
