"""The steps of the schema: numbered files in one portable form, read by every engine with its own words.

They are written in the words of SQLite and PostgreSQL together. TEXT compares by bytes everywhere, JSON holds
an object; WITHOUT ROWID and PARTITION BY are for the engine that has them. A statement holds no semicolon.
"""

import re
from collections.abc import Mapping
from pathlib import Path

STEPS = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))


def statements(script: str, words: Mapping[str, str]) -> list[str]:
    """The statements of a step, without comments. `words` are patterns and what the engine has for them."""
    text = "\n".join(line.partition("--")[0] for line in script.splitlines())
    for pattern, word in words.items():
        text = re.sub(rf"\s*\b{pattern}" if not word else rf"\b{pattern}\b", word, text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]
