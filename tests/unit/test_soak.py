"""What a soak compares: the end of many runs with their beginning, from samples that are given."""

from bench.soak import LIMITS, QUESTIONS, WARM_UP, Sample, drifted, grown


def samples(count, own=lambda n: 100.0, answer=lambda n: "9.62"):
    return [
        Sample(QUESTIONS[n % len(QUESTIONS)], answer(n), 10.0, own(n), 500.0, 40, n / 10)
        for n in range(count)
    ]


def test_what_stays_as_it_is_has_not_grown():
    assert all(after <= before * LIMITS[name] for name, (before, after) in grown(samples(300)).items())


def test_a_leak_is_seen_and_the_warm_up_is_none():
    before, after = grown(samples(300, own=lambda n: 100.0 + n))["memory of this process"]
    assert after > before * LIMITS["memory of this process"]
    before, after = grown(samples(300, own=lambda n: 50.0 if n < WARM_UP else 100.0))[
        "memory of this process"
    ]
    assert before == after


def test_an_answer_that_changes_is_named_with_its_run():
    found = drifted(samples(20, answer=lambda n: "10" if n == 12 else "9.62"))
    assert found == [(13, "9.62", "10")]
    by_question = samples(20, answer=lambda n: QUESTIONS[n % len(QUESTIONS)])
    assert drifted(by_question) == []
