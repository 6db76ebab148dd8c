"""Numbers that only count the points of an answer, as in "1) 2  2) no  3) no"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.domain.normalise import Shape, Token

_BRACKETS = (")", ".", ":")


def without_list_marks(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Tokens less the numbers 1, 2, 3 ... that stand before points, if at least two do.

    >>> from monitor.domain.normalise import tokenise
    >>> [token.text for token in without_list_marks(tokenise("1) 3 2) no"))]
    ['3', '\\n', 'no']
    """
    marks = _marks(tokens)
    if len(marks) < 2:
        return tuple(tokens)
    kept = list(tokens)
    for at in reversed(marks):
        kept[at : at + 2] = [Token("\n", Shape.MARK, tokens[at].start, tokens[at + 1].end)] if at else []
    return tuple(kept)


def with_lines(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Tokens with a slash that stands free between words read as a comma: "fever no / pus no".

    >>> from monitor.domain.normalise import tokenise
    >>> [token.text for token in with_lines(tokenise("pus no / pain 7 / 10"))]
    ['pus', 'no', ',', 'pain', '7', '/', '10']
    """
    read = list(tokens)
    for at in range(1, len(read) - 1):
        before, token, after = read[at - 1 : at + 2]
        free = token.text == "/" and before.end < token.start and token.end < after.start
        if free and Shape.NUMBER not in (before.shape, after.shape):
            read[at] = replace(token, text=",")
    aside = [at for at in range(1, len(read) - 1) if read[at].shape is Shape.NUMBER and _in_brackets(read, at)]
    brackets = {place for at in aside for place in (at - 1, at + 1)}  # "my last implant (2019) fell out"
    return tuple(token for at, token in enumerate(read) if at not in brackets)


def _in_brackets(tokens: Sequence[Token], at: int) -> bool:
    return tokens[at - 1].text == "(" and tokens[at + 1].text == ")"


def _marks(tokens: Sequence[Token]) -> list[int]:
    """Places of the numbers 1, 2, 3 ... in order, each with a bracket or dot right after it and more to come."""
    marks: list[int] = []
    for at, token in enumerate(tokens[:-2]):
        after = tokens[at + 1]
        marked = after.text in _BRACKETS and after.start == token.end and tokens[at + 2].start > after.end
        if token.text == str(len(marks) + 1) and (marked or after.text == ")"):
            marks.append(at)
    return marks
