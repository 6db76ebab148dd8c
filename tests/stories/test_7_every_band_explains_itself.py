"""Promise 7: rule, words, threshold, source and protocol version stand behind every band."""

from __future__ import annotations

import pytest

from monitor.models import Assessment, Inbound, ProtocolVersion
from tests.story import Story


def test_an_assessment_names_rule_words_threshold_source_and_version(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("no fever but there's some yellow stuff coming out")
    nurse.takes(nurse.expects_page("URGENT", "pus"))
    ann.expects("The team has been told: pus")
    (assessment,) = story.all(Assessment)
    (reason,) = assessment.reasons
    assert reason["rule"] == "pus"
    assert "yellow stuff" in reason["said"]
    assert reason["text"] == "Pus on any day."
    assert reason["source"] == "S0"
    assert assessment.protocol_version_id == story.all(ProtocolVersion)[-1].id
    assert assessment.day == 30


def test_the_evidence_points_at_the_words_as_they_came(story: Story) -> None:
    ann = story.patient(day=30)
    text = "no fever but there's some yellow stuff coming out"
    ann.texts(text)
    ann.expects("The team has been told")
    (assessment,) = story.all(Assessment)
    shown = {sign: text[start:end] for sign, start, end in assessment.reading["evidence"]}
    assert "fever" in shown["fever"]
    assert "yellow" in shown["pus"]
    story.phone("+12025550199").expects_page("URGENT")
    story.phone("+12025550199").expects_call()


def test_the_score_is_the_sum_of_the_reasons_points(story: Story) -> None:
    story.forget_last_resort()
    ann = story.asked(day=7, risks=("smoking", "bone_graft"))
    ann.texts("pain 5 and the swelling is the same")
    ann.new_texts()
    (assessment,) = story.all(Assessment)
    assert assessment.score == sum(reason["points"] for reason in assessment.reasons)
    assert assessment.band == max(assessment.reasons, key=lambda r: r["points"])["band"] or assessment.band == "urgent"
    rules = [reason["rule"] for reason in assessment.reasons]
    assert {"pain-lasting", "swelling-same", "two-soon", "risk-smoking", "risk-bone_graft"} == set(rules)


@pytest.mark.parametrize(
    ("answers", "closing"),
    [
        (["0", "0", "0"], "Next check-in: Mon 9 Nov"),
        (["5", "0", "0"], "We will call you by Tue 3 Nov 18:00 about: pain"),
        (["0", "0", "2"], "The team has been told: pus. They will call you by Mon 2 Nov 16:00"),
        (["0", "0", "10"], "Please call 911 now: hard to breathe or swallow. Do not wait for us."),
    ],
)
def test_the_closing_text_says_what_happens_next_and_never_that_all_is_fine(
    story: Story, answers: list[str], closing: str
) -> None:
    story.forget_last_resort()
    ann = story.asked(day=7)
    for answer in answers:
        ann.new_texts()
        ann.texts(answer)
    texts = ann.new_texts()
    assert any(closing in text for text in texts), texts
    assert not any("fine" in text or "healthy" in text for text in texts)
    assert all("911" in text for text in texts if text.startswith(("Thank you", "The team", "Please call")))


def test_after_the_last_check_in_the_patient_learns_that_texts_are_still_read(story: Story) -> None:
    ann = story.asked(day=14)
    ann.texts("0")
    ann.texts("0")
    ann.texts("0")
    assert "we read every text you send" in ann.new_texts()[-1]


def test_what_the_patient_was_told_is_written_down(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=30)
    ann.texts("there is pus")
    ann.expects("by Mon 2 Nov 16:00")
    (told,) = story.events("patient_told")
    assert story.alert().told_by_at == story.moment("2026-11-02 16:00")
    assert told.detail["by"].startswith("2026-11-02T21:00")
    nurse.takes(nurse.expects_page("URGENT"))


def test_a_silence_explains_itself(story: Story) -> None:
    story.asked(day=7)
    story.until("2026-11-03 10:05")
    (reason,) = story.alert().reasons
    assert reason["rule"] == "silence:checkin-7"
    assert "day 7" in reason["text"]
    story.unread("+12025550101")


def test_a_stranger_explains_itself_too(story: Story) -> None:
    nurse = story.staff()
    stranger = story.phone()
    stranger.texts("pus around the implant")
    stranger.expects("We do not know this number")
    nurse.takes(nurse.expects_page("URGENT", "unknown number"))
    (reason,) = story.alert().reasons
    assert (reason["rule"], reason["source"]) == ("pus", "S0")
    assert "pus" in reason["said"]


def test_history_counts_a_sign_that_stays_is_known(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=5)
    story.forward(seconds=6)
    ann.new_texts()
    ann.texts("my lip is numb")
    code = nurse.expects_page("URGENT", "numbness")
    nurse.takes(code)
    nurse.closes(code)
    ann.new_texts()
    story.until("2026-11-04 15:00")
    nurse.new_texts()
    ann.new_texts()
    ann.texts("my lip is still numb")
    rules = {reason["rule"] for reason in story.all(Assessment)[-1].reasons}
    assert rules == {"numbness-known"}
    ann.new_texts()
    assert all(row.handled_at for row in story.all(Inbound))
