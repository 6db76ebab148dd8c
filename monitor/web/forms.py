"""Read what a form of ours may hold; whatever else comes is refused with what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from monitor.db import storable
from monitor.errors import BadInput

MAX_FORM = 64_000
MAX_FIELDS = 20
MAX_FILE = 2_000_000
FILE = "file"  # the field for one
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


class Form(Mapping[str, str]):
    """The fields of a form as they were typed; of one that came several times, the last. A file is its text."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._last = dict(pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be chosen several times."""
        return tuple(value for key, value in self.pairs if key == name)

    def text(self, name: str) -> str:
        """What was typed, without the blanks around it; a browser writes a line's end as two characters."""
        return self.get(name, "").replace("\r\n", "\n").strip()


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS, max_form: int = MAX_FORM) -> Form:
    """The form of a request. Raises BadInput for what no form of ours sends."""
    kind = request.headers.get("content-type", URLENCODED).partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return await _read_multipart(request, max_fields, max_form)
    raw = await _body(request, max_form)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=max_fields)
    except ValueError:
        raise BadInput("form", "bytes that are no form", f"a form in UTF-8 with at most {max_fields} fields") from None
    return Form([(name, storable(value)) for name, value in pairs])


async def _body(request: Request, max_form: int) -> bytes:
    """Given up on once it is larger than a form may be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > max_form:
            raise BadInput("form", f"more than {max_form} bytes", f"at most {max_form} bytes")
        parts.append(part)
    return b"".join(parts)


async def _read_multipart(request: Request, max_fields: int, max_form: int) -> Form:
    size = request.headers.get("content-length", "")
    if "charset" in request.headers.get("content-type", "").lower():
        # No browser names one, and some take minutes to read: nobody chooses how this program decodes.
        raise BadInput("form", "an encoding of its own", "a form in UTF-8")
    if not size.isdigit() or int(size) > MAX_FILE + max_form:
        raise BadInput("file", "a larger one", f"a file of at most {MAX_FILE} bytes")
    pairs = []
    try:
        async with request.form(max_files=1, max_fields=max_fields, max_part_size=max_form) as given:
            for name, value in given.multi_items():
                pairs.append((name, storable(await _text_of(name, value))))
    except HTTPException:
        allowed = f"a form with one file, and at most {max_form} bytes in each of its fields"
        raise BadInput("form", "more, or bytes that are no form", allowed) from None
    return Form(pairs)


async def _text_of(name: str, value: UploadFile | str) -> str:
    """A file comes in the one field that is for it: no other may be as large."""
    if isinstance(value, str):
        return value
    if name != FILE:
        raise BadInput(name[:40], "a file", "words")
    try:
        return (await value.read(MAX_FILE + 1)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("file", "a file that is not UTF-8", "a table saved as CSV in UTF-8") from None
