"""The table of sources: which text, under which licence, with which weight, in which role, per language pair.

A source that may not be shipped inside a permissively licensed model (share-alike, research only) is not in the
table, so it cannot get into a model by accident.
"""

from __future__ import annotations

from dataclasses import dataclass

HUMAN, BACK, FORWARD, TECHNICAL = range(4)
"""Roles of a pair, given to the model as a learned vector added to its embeddings (see `model.py`)."""


@dataclass(frozen=True)
class Source:
    """One source of pairs. `share` is the relative number of sentences drawn from it, per direction."""

    name: str
    licence: str
    share: float
    role: int = HUMAN


@dataclass(frozen=True)
class Monolingual:
    """Text of one language whose other side Apertium writes; `share` as above, for its synthetic pairs."""

    language: str
    name: str
    licence: str
    share: float


_BOTH = [
    Source("storybooks", "CC BY 3.0 (globalstorybooks.net)", 0.8),
    Source("mintaka", "CC BY 4.0 (Amazon)", 1.2),
    Source("sdg", "MIT (open-sdg)", 0.6),
    Source("refugee-phrasebook", "CC0 1.0", 1),
    Source("tico19-terms", "CC0 1.0 (TICO-19 terminologies)", 0.8),
    Source("osm-place-types", "ISC (OpenStreetMap iD)", 0.6),
    Source("cldr-names", "Unicode License v3", 0.5),
    Source("bible-web", "public domain", 0.6),
    Source("php-manual", "CC BY 3.0 (PHP Documentation Group)", 1, TECHNICAL),
    Source("python-docs", "translations CC0, original PSF", 2, TECHNICAL),
]

PARALLEL = {
    "en-es": [
        Source("tatoeba-manythings", "CC BY 2.0 FR (tatoeba.org, manythings.org/anki)", 24),
        Source("europarl-sample", "no known restriction (European Parliament)", 3),
        Source("vita-min", "MIT (Code for America)", 1.5),
        Source("mozilla-www", "MPL-2.0 (Mozilla)", 2),
        Source("justice-crt-portal", "public domain (US government)", 0.4),
        Source("libreoffice-help", "MPL-2.0 (The Document Foundation)", 1.5, TECHNICAL),
        *_BOTH,
    ],
    "en-fr": [
        Source("tatoeba-manythings", "CC BY 2.0 FR (tatoeba.org, manythings.org/anki)", 24),
        Source("canada-notify", "MIT (Canadian Digital Service)", 1.5),
        *_BOTH,
    ],
}
"""login-gov and login-gov-help are left out on purpose: they are the unseen domain on which adaptation to a user's
own sentences is measured."""

_WINDOWS = "excerpts of the texts of this table (`windows.py`)"

_ENGLISH = [
    Monolingual("en", "windows", _WINDOWS, 20.0),
    Monolingual("en", "commonvoice", "CC0 1.0 (Mozilla Common Voice)", 9.0),
    Monolingual("en", "medquad", "CC BY 4.0 (MedQuAD; NIH and CDC text)", 9.0),
    Monolingual("en", "govuk-smart-answers", "MIT (GOV.UK)", 0.8),
    Monolingual("en", "queries-polyai", "CC BY 4.0 (PolyAI)", 2.0),
    Monolingual("en", "queries-clinc150", "CC BY 3.0 (CLINC150)", 1.5),
    Monolingual("en", "self-dialogues", "BSD-3-Clause (Self-dialogue Corpus)", 6.0),
    Monolingual("en", "openstax-anatomy", "CC BY 4.0 (OpenStax, revision before the licence change)", 3.0),
    Monolingual("en", "openstax-psychology", "CC BY 4.0 (OpenStax, revision before the licence change)", 2.5),
    Monolingual("en", "canada-digital-service", "MIT (Canadian Digital Service)", 2.5),
    Monolingual("en", "taskmaster", "CC BY 4.0 (Google Taskmaster)", 1.5),
]

MONOLINGUAL = {
    "en-es": [
        Monolingual("es", "windows", _WINDOWS, 20.0),
        Monolingual("es", "commonvoice", "CC0 1.0 (Mozilla Common Voice)", 3.0),
        Monolingual("es", "ancora-news", "CC BY 4.0 (UD AnCora)", 2.0),
        Monolingual("es", "spaccc-clinical", "CC BY 4.0 (SPACCC)", 3.5),
        Monolingual("es", "novels-eltec", "texts public domain, mark-up CC BY 4.0 (ELTeC)", 6.0),
        Monolingual("es", "opensource-guide", "CC BY 4.0 (GitHub)", 0.8),
        Monolingual("en", "opensource-guide", "CC BY 4.0 (GitHub)", 0.8),
        *_ENGLISH,
    ],
    "en-fr": [
        Monolingual("fr", "windows", _WINDOWS, 20.0),
        Monolingual("fr", "commonvoice", "CC0 1.0 (Mozilla Common Voice)", 6.0),
        Monolingual("fr", "service-public", "Licence Ouverte 2.0 (DILA, service-public.fr)", 8.0),
        Monolingual("fr", "litterature-theatre", "public domain texts, CC0 prompt lists", 6.0),
        Monolingual("fr", "assemblee-nationale", "Licence Ouverte (assemblee-nationale.fr)", 3.0),
        Monolingual("fr", "mesconseilscovid", "MIT (mesconseilscovid)", 0.8),
        Monolingual("fr", "canada-digital-service", "MIT (Canadian Digital Service)", 2.5),
        Monolingual("fr", "opensource-guide", "CC BY 4.0 (GitHub)", 0.8),
        *_ENGLISH,
    ],
}

CHAINS = {
    ("en", "es"): ["eng-spa"],
    ("es", "en"): ["spa-eng"],
    ("en", "fr"): ["eng-spa", "es-fr"],
    ("fr", "en"): ["fr-es", "spa-eng"],
}
"""Apertium modes from one language to the other; French goes through Spanish."""


def directions(pair: str) -> tuple[str, str]:
    """"en-es" -> ("en-es", "es-en"): index 0 is the direction from the first language."""
    first, second = pair.split("-")
    return f"{first}-{second}", f"{second}-{first}"
