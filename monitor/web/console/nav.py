"""The pages that somebody finds in the bar, and what is said once something was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.access import Permission
from monitor.web.auth import Person


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    name: str
    needs: Permission
    beside: str = ""  # where else its pages begin

    def holds(self, here: str) -> bool:
        """Whether an address is one of this entry's pages.

        >>> entry = Entry("/", "Worklist", Permission.PATIENTS, beside="/alerts/")
        >>> entry.holds("/"), entry.holds("/alerts/3"), entry.holds("/rota")
        (True, True, False)
        """
        inside = here.startswith(f"{self.path}/") if self.path != "/" else False
        return here == self.path or inside or bool(self.beside and here.startswith(self.beside))


ENTRIES = (
    Entry("/", "Worklist", Permission.PATIENTS, beside="/alerts/"),
    Entry("/patients", "Patients", Permission.PATIENTS, beside="/episodes/"),
    Entry("/enrol", "Enrol", Permission.ENROL),
    Entry("/inbox", "Inbox", Permission.DESK),
    Entry("/rota", "Rota", Permission.ROTA),
    Entry("/messages", "Messages", Permission.DESK),
    Entry("/reports", "Reports", Permission.REPORTS),
    Entry("/protocol", "Protocol", Permission.PROTOCOL),
    Entry("/settings", "Settings", Permission.SETTINGS),
    Entry("/staff", "Staff", Permission.STAFF),
    Entry("/audit", "Audit log", Permission.AUDIT),
)

# By the word in the address to which a form leads: the address holds no more than that word.
SAID: Mapping[str, str] = {
    "taken": "It is yours. Call the patient, then record what came of it.",
    "yours": "You have it already. Call the patient, then record what came of it.",
    "already": "Somebody has taken it before you: see who below.",
    "handed": "Handed over; they have been told by text.",
    "outcome": "Recorded. The alert is closed.",
    "back": "Recorded. Paging goes on until the patient has been helped.",
    "noted": "The note is in the record.",
    "texted": "The text is on its way.",
    "saved": "Saved.",
    "stopped": "Stopped: no more scheduled texts. What the patient writes is still read.",
    "paused": "Paused. What the patient writes is still read.",
    "resumed": "Texts go on as planned below.",
    "planned": "Changed, and planned anew: see the texts below.",
    "overruled": "Recorded. The correction stands in the timeline, beside what was read before.",
    "enrolled": "Enrolled. What will be sent when stands below.",
    "enrolled-silent": "Enrolled, but they have opted out: no text leaves until they text START to the clinic.",
    "done": "Done.",
    "removed": "Removed.",
    "covered": "The rota is changed.",
    "signed-out": "Signed out everywhere else.",
    "password": "The password is changed, and every other browser is signed out.",
    "spent": "That link has opened its alert before, or is a colleague’s. Here is what is open now.",
}


def nav_of(person: Person) -> Sequence[Entry]:
    """What this person may open."""
    return [entry for entry in ENTRIES if person.may(entry.needs)]
