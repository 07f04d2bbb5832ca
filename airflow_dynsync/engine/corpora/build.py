"""Makes the word lists anew from Faker's: ``python -m airflow_dynsync.engine.corpora.build``.

Faker (MIT licence, see ``NOTICE``) is needed only here. After a change of the lists, raise ``CORPUS_VERSION``.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Final

SOURCES: Final = {"en": ("en_US", "en_GB", "en_IE", "en_NZ")}
"""The Faker locales that make up each locale of ours."""

_ONE_WORD = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*|[^\W\d_]'[^\W\d_]+")


def build(folder: Path) -> None:
    """Write ``<locale>/<list>.txt`` below ``folder``: single words, each once, sorted by code points."""
    for locale, sources in SOURCES.items():
        providers = [import_module(f"faker.providers.person.{source}").Provider for source in sources]
        (folder / locale).mkdir(exist_ok=True)
        for name in ("first_names", "last_names"):
            found = {word for provider in providers for word in getattr(provider, name)}
            lines = sorted(word for word in found if _ONE_WORD.fullmatch(word))
            (folder / locale / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    build(Path(__file__).parent)
