"""One version of everything a clinic may edit: protocol, messages, lexicons, escalation policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from monitor.domain.check_protocol import check_protocol
from monitor.domain.language.lexicon import Lexicon, load_lexicons
from monitor.domain.load_protocol import load_protocol
from monitor.domain.messages import Catalogue, load_catalogue
from monitor.domain.policy import Policy, load_policy
from monitor.domain.protocol import Protocol
from monitor.errors import BadInput, ProtocolError

PROTOCOL_FILE = "protocols/dental-implant.toml"
POLICY_FILE = "escalation.toml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an episode keeps from its first day to its last."""

    protocol: Protocol
    catalogues: Mapping[str, Catalogue]
    lexicons: Mapping[str, Lexicon]
    policy: Policy

    @property
    def languages(self) -> list[str]:
        """The languages that can both be read and written."""
        return sorted(set(self.catalogues) & set(self.lexicons))

    def catalogue(self, language: str) -> Catalogue:
        return self.catalogues.get(language) or self.catalogues["en"]


def digest_of(files: Mapping[str, str]) -> str:
    """One fingerprint for a set of files, whatever their order.

    >>> digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    True
    """
    return sha256("\0".join(f"{name}\0{files[name]}" for name in sorted(files)).encode()).hexdigest()


def load_bundle(files: Mapping[str, str]) -> Bundle:
    """Read a set of files, by their path below the folder. Raises ProtocolError at the first that is unusable."""
    return _load(tuple(sorted(files.items())))


@lru_cache(maxsize=8)
def _load(items: tuple[tuple[str, str], ...]) -> Bundle:
    files = dict(items)
    for needed in (PROTOCOL_FILE, POLICY_FILE, "messages/en.toml", "lexicon/en.toml"):
        if needed not in files:
            raise ProtocolError(needed, "(the file)", "nothing", "this file beside the others, as in seeds/")
    return Bundle(
        protocol=load_protocol(files[PROTOCOL_FILE], file=PROTOCOL_FILE),
        catalogues={
            _stem(name): load_catalogue(text, file=name) for name, text in files.items() if name.startswith("messages/")
        },
        lexicons=load_lexicons({n.removeprefix("lexicon/"): t for n, t in files.items() if n.startswith("lexicon/")}),
        policy=load_policy(files[POLICY_FILE], file=POLICY_FILE),
    )


def check_bundle(files: Mapping[str, str]) -> list[BadInput]:
    """Everything that is wrong with a set of files: what cannot be read, else every contradiction."""
    try:
        bundle = load_bundle(files)
    except ProtocolError as error:
        return [error]
    return list(check_protocol(bundle.protocol, file=PROTOCOL_FILE, catalogues=bundle.catalogues))


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".toml")
