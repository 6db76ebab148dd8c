from tests.story import Story


def test_a_patient_with_pus_is_helped(story: Story) -> None:
    nurse = story.staff()
    ann = story.patient(day=7)
    story.until("2026-11-01 11:30")
    ann.inbox()
    ann.texts("2")
    ann.expects("Pain 2")
    ann.texts("going down")
    ann.expects("Gum going down")
    ann.texts("there is pus")
    code = nurse.expects_page("URGENT", "A.C.", "pus")
    nurse.texts(code)
    nurse.expects("It is yours")
    nurse.texts(f"{code} A")
    nurse.expects("Recorded")
    assert story.holes() == []
