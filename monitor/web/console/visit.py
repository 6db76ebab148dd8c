"""One request of somebody who is signed in: who it is, what of their clinic they may reach, what they typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.convertors import IntegerConvertor, register_url_convertor

from monitor.bootstrap import App
from monitor.db import Base
from monitor.domain.access import Permission
from monitor.errors import BadInput, Denied, NotFound, Stale
from monitor.models import Clinic, Episode, Staff
from monitor.web.auth import Person
from monitor.web.forms import Form
from monitor.web.why_not import label_of, why_not

MAX_ID = 2**31 - 1


class RowNumber(IntegerConvertor):
    """A row's number in an address, `{number:row}`: of an endless one nobody makes a number."""

    regex = "[0-9]{1,12}"


register_url_convertor("row", RowNumber())
Row = TypeVar("Row", bound=Base)


@dataclass
class Visit:
    """One request of somebody who is signed in, and what is to be remembered of it."""

    request: Request
    app: App
    person: Person
    now: datetime
    form: Form = field(default_factory=Form)
    error: BadInput | None = None
    mistakes: Mapping[str, BadInput] = field(default_factory=dict)  # where a page checks all of its fields at once
    viewed: set[int] = field(default_factory=set)  # patients whose record is shown
    looked_into: str = ""  # at what, for the log
    waiting: int = 0  # for the front desk, as the bar shows
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)  # of a refused form's fields, with each one's id
    focused: str = ""  # the first field of the page that was refused

    @property
    def clinic_id(self) -> int:
        return self.person.clinic_id

    def clinic(self, session: Session) -> Clinic:
        return session.get_one(Clinic, self.clinic_id)

    def staff(self, session: Session) -> Staff:
        return session.get_one(Staff, self.person.id)

    @property
    def number(self) -> int:
        """The number in the page's address."""
        return self._checked(int(self.request.path_params["number"]))

    def own(self, session: Session, table: type[Row], number: int | None = None) -> Row:
        """A row of this person's own clinic. What is another's is not there, as if it had never been."""
        wanted = self.number if number is None else self._checked(number)
        found = session.get(table, wanted)
        if found is None or _clinic_of(found) != self.clinic_id:
            raise NotFound(table.__tablename__, wanted, "one of your clinic's")
        return found

    def may(self, permission: Permission) -> bool:
        return self.person.may(permission)

    def require(self, permission: Permission) -> None:
        if not self.may(permission):
            raise Denied(f"your role ({self.person.role}) may not do this: {permission}")

    def require_unchanged(self, version: str, since: str) -> None:
        """Refuse a form that was filled in before somebody else acted. `since` says what they did."""
        if self.form.get("seen", "") != version:
            raise Stale(since)

    def view(self, patients: Iterable[int | None], what: str) -> None:
        """Note that these patients' records are shown: it is logged before anybody sees the page."""
        self.viewed |= {patient for patient in patients if patient is not None}
        self.looked_into = what

    def asked(self, name: str, allowed: Iterable[str], default: str) -> str:
        """A word in the address, one of these; anything else is as if it were not there."""
        given = self.request.query_params.get(name, default)
        return given if given in set(allowed) else default

    def chosen(self, name: str) -> int:
        """A number that a form has chosen from a list of ours."""
        typed = self.form.get(name, "")
        if not (typed.isascii() and typed.isdigit() and len(typed) < 12):
            raise BadInput(name, typed[:40], "one of the list")
        return self._checked(int(typed))

    @staticmethod
    def _checked(number: int) -> int:
        if not 0 <= number <= MAX_ID:
            raise NotFound("number", "a very large one", "one that is on a page")
        return number

    # --- what templates ask

    def kept(self, do: str, name: str, default: object = "") -> str:
        """What a field shows: what was typed, if this form was refused, else what stands there."""
        if self.form.get("do") == do and name in self.form:
            return self.form[name]
        return "" if default is None else str(default)

    def kept_all(self, do: str, name: str, default: Iterable[str] = ()) -> tuple[str, ...]:
        return self.form.all(name) if self.form.get("do") == do else tuple(default)

    def wrong(self, do: str, name: str) -> str:
        """What is said beside a field that was refused."""
        found = self.mistakes.get(name, self.error)
        if found is None or found.field != name or self.form.get("do") != do:
            return ""
        return why_not(found, typed=self.form.text(name))

    def named(self, do: str, name: str, label: str, at: str = "") -> str:
        """Note what a field is called, and its id: what is said on top of a refused form leads to it."""
        if self.form.get("do") == do:
            self.labels[name] = (label, at or f"{do}-{name}")
        return ""

    def focuses(self, do: str, name: str) -> bool:
        """Whether the page opens at this field: the first of those that were refused."""
        if not self.wrong(do, name) or self.focused not in {"", name}:
            return False
        self.focused = name
        return True

    def problems(self) -> Sequence[tuple[str, str]]:
        """All that is wrong in a refused form, in a sentence each with the id of its field; in the page's order."""
        found = dict(self.mistakes)
        if self.error is not None:
            found.setdefault(self.error.field, self.error)
        order = {name: n for n, name in enumerate(self.labels)}
        problems = []
        for name, error in sorted(found.items(), key=lambda one: order.get(one[0], len(order))):
            label, at = self.labels.get(name, (label_of(name), ""))
            problems.append((at, why_not(error, label=label, typed=self.form.text(name))))
        return problems


def version_of(*values: object) -> str:
    """What stood on a page, in a few letters: a form brings it back, and whatever changed meanwhile shows.

    >>> version_of("open", None) == version_of("open", None), version_of("open", None) == version_of("taken", 3)
    (True, False)
    """
    return sha256(repr(values).encode()).hexdigest()[:12]


def _clinic_of(row: Any) -> int | None:
    if isinstance(row, Episode):
        return row.patient.clinic_id
    return getattr(row, "clinic_id", None)
