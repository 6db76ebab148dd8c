"""Phrases of a lexicon, compiled once into a tree that is walked along a text's words.

A phrase is words separated by spaces. In it,
`bleed*` stands for any ending, `loose|wobbly` for either word, `@part` for any word of the group `part`,
`b_c` among those for the two words `b c`, `my?` for a word that may be missing, `#` for any number in digits,
and `..` for up to three words of anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.normalise import Shape, Token, fold

GAP = ".."
NUMBER = "#"
_LONGEST_GAP = 3


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase says: the list of the lexicon that holds it, and the sign it is about, if any."""

    kind: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found in a text: its words' places in the token list (gaps are left out)."""

    meaning: Meaning
    places: tuple[int, ...]


@dataclass(slots=True)
class _Node:
    following: dict[str, _Node] | None = None  # made when the first word follows: most nodes end a phrase
    gap: _Node | None = None
    meaning: Meaning | None = None


class Vocabulary:
    """The words and stems that the phrases of one language use, and what each word of a text can stand for."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups
        self._words: dict[str, tuple[str, ...]] = {}
        self._stems: dict[str, tuple[str, ...]] = {}
        self._shortest_stem = 99
        self._atoms: dict[bool, dict[str, str]] = {True: {}, False: {}}  # by whether its words may be mended
        self._mended_words: set[str] = set()
        self._mended_stems: set[str] = set()

    @property
    def words(self) -> frozenset[str]:
        """Every whole word that a misspelled one may be brought back to."""
        return frozenset(self._mended_words)

    @property
    def stems(self) -> frozenset[str]:
        """Every stem that a misspelled word may be brought back to, without its star."""
        return frozenset(self._mended_stems)

    def known(self, *, mended: bool) -> Mapping[str, str]:
        """The elements learned so far and how each is looked up."""
        return self._atoms[mended]

    def atom(self, element: str, *, mended: bool = True) -> str:
        """An element of a phrase as it is looked up; learns its words. KeyError for an unknown group.

        A misspelled word is brought back to one of those that were learned as `mended`.
        """
        known = self._atoms[mended].get(element)
        if known is None:
            known = self._atoms[mended][element] = self._learn(element, mended=mended)
        return known

    def _learn(self, element: str, *, mended: bool) -> str:
        plain = element.isalpha()
        words = (
            {fold(element)} if plain else {word if word == NUMBER else fold(word) for word in self._spelled(element)}
        )
        atom = min(words) if plain else "|".join(sorted(words))
        for word in words:
            stem = word.removesuffix("*")
            if stem != word:
                self._shortest_stem = min(self._shortest_stem, len(stem))
            known = self._words if stem == word else self._stems
            if atom not in known.get(stem, ()):
                known[stem] = (*known.get(stem, ()), atom)
            if mended:
                (self._mended_words if stem == word else self._mended_stems).add(stem)
        return atom

    def _spelled(self, element: str) -> Iterator[str]:
        for word in element.split("|"):
            if word.startswith("@"):
                yield from self._groups[word[1:]]
            else:
                yield word

    def atoms(self, word: str) -> tuple[str, ...]:
        """The elements of phrases that a word can stand for, in a fixed order; none if no phrase uses it.

        >>> vocabulary = Vocabulary({})
        >>> vocabulary.atom("bleed*"), vocabulary.atoms("bleeding"), vocabulary.atoms("blood")
        ('bleed*', ('bleed*',), ())
        """
        atoms = set(self._words.get(word, ()))
        for length in range(self._shortest_stem, len(word) + 1):
            atoms.update(self._stems.get(word[:length], ()))
        return tuple(sorted(atoms))


class Everyday:
    """Single words and beginnings of words that are known and say nothing of the body."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self._stems: set[str] = set()
        self._shortest = 99

    def takes(self, phrase: str) -> bool:
        """Remembers a phrase if it is one plain word, `cat`, or one beginning, `cat*`; whether it did.

        >>> everyday = Everyday()
        >>> everyday.takes("cat*"), everyday.takes("the cat"), "cats" in everyday
        (True, False, True)
        """
        if phrase.isalpha():
            self.words.add(fold(phrase))
            return True
        stem = phrase.removesuffix("*")
        if not stem.isalpha():
            return False
        self._stems.add(fold(stem))
        self._shortest = min(self._shortest, len(stem))
        return True

    def __contains__(self, word: str) -> bool:
        return word in self.words or any(word[:end] in self._stems for end in range(self._shortest, len(word) + 1))


class Phrases:
    """A set of phrases that can be found in a list of tokens."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._root = _Node()

    def add(self, phrase: str, meaning: Meaning, *, mended: bool = True) -> Meaning | None:
        """Teach a phrase; the meaning it already had, if that is another one.

        >>> phrases = Phrases(Vocabulary({"part": ("cap", "screw")}))
        >>> phrases.add("@part fell .. out", Meaning("event", "fell_out"))
        >>> phrases.add("@part fell .. out", Meaning("event", "pus"))
        Meaning(kind='event', about='fell_out')
        """
        plain = "_" not in phrase and "?" not in phrase
        known = self._vocabulary.known(mended=mended)
        for variant in (phrase.split(),) if plain else _variants(phrase.split()):
            node = self._root
            for element in variant:
                if element == GAP:
                    node.gap = node = node.gap or _Node()
                    continue
                atom = known.get(element) or self._vocabulary.atom(element, mended=mended)
                if node.following is None:
                    node.following = {}
                following = node.following.get(atom)
                if following is None:
                    following = node.following[atom] = _Node()
                node = following
            if node.meaning not in (None, meaning):
                return node.meaning
            node.meaning = meaning
        return None

    def meaning_of(self, word: str) -> Meaning | None:
        """The meaning of a phrase that is this one word and nothing else."""
        node = (self._root.following or {}).get(word)
        return node.meaning if node is not None else None

    def find(self, tokens: Sequence[Token], atoms: Sequence[tuple[str, ...]]) -> list[Found]:
        """All phrases in a text, overlapping ones included; `atoms` are those of each token.

        >>> from monitor.domain.normalise import tokenise
        >>> vocabulary = Vocabulary({})
        >>> phrases = Phrases(vocabulary)
        >>> phrases.add("fell .. out", Meaning("events", "fell_out"))
        >>> tokens = tokenise("it fell right out")
        >>> [found.places for found in phrases.find(tokens, [vocabulary.atoms(token.text) for token in tokens])]
        [(1, 3)]
        """
        found: list[Found] = []
        for start in range(len(tokens)):
            if atoms[start]:
                self._walk(self._root, start, (), tokens=tokens, atoms=atoms, found=found)
        return found

    def _walk(
        self,
        node: _Node,
        at: int,
        places: tuple[int, ...],
        *,
        tokens: Sequence[Token],
        atoms: Sequence[tuple[str, ...]],
        found: list[Found],
    ) -> None:
        if node.meaning is not None:
            found.append(Found(node.meaning, places))
        if at < len(tokens) and node.following is not None:
            for atom in atoms[at]:
                child = node.following.get(atom)
                if child is not None:
                    self._walk(child, at + 1, (*places, at), tokens=tokens, atoms=atoms, found=found)
        if node.gap is not None:
            for skipped in range(_LONGEST_GAP + 1):
                if at + skipped >= len(tokens) or _ends_phrase(tokens, at, at + skipped):
                    break
                self._walk(node.gap, at + skipped, places, tokens=tokens, atoms=atoms, found=found)


def _ends_phrase(tokens: Sequence[Token], first: int, last: int) -> bool:
    return any(token.shape not in (Shape.WORD, Shape.NUMBER) for token in tokens[first:last])


def _variants(elements: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every way to read a phrase: elements ending in `?` may be missing, `a|b_c` is `a` or the two words `b c`.

    >>> sorted(_variants(["my?", "gum|roof_top"]))
    [('gum',), ('my', 'gum'), ('my', 'roof', 'top'), ('roof', 'top')]
    """
    if not any("_" in element or element.endswith("?") for element in elements):
        yield tuple(elements)
        return
    first, rest = elements[0].rstrip("?"), elements[1:]
    single = "|".join(word for word in first.split("|") if "_" not in word)
    several = [tuple(word.split("_")) for word in first.split("|") if "_" in word]
    heads = [(single,)] * bool(single) + several + [()] * elements[0].endswith("?")
    for tail in _variants(rest):
        yield from ((*head, *tail) for head in heads)


def longest(found: Sequence[Found]) -> list[Found]:
    """The phrases that stand, in order: where two overlap, the one of more words wins, then the earlier one.

    >>> temp, crown = Found(Meaning("name", "fever"), (0,)), Found(Meaning("part"), (0, 1))
    >>> longest([temp, crown]) == [crown]
    True
    """
    taken: set[int] = set()
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (-len(f.places), f.places)):
        if taken.isdisjoint(one.places):
            taken.update(one.places)
            kept.append(one)
    return sorted(kept, key=lambda f: f.places)
