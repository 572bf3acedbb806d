"""What becomes of a person's rows is said for every table that has some."""

import re

from server.store.belongings import BELONGINGS
from server.store.schema import STEPS

TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)


def test_every_table_of_a_persons_data_says_what_becomes_of_its_rows() -> None:
    script = "\n".join(step.read_text() for step in STEPS)
    of_people = {
        name for name, columns in TABLE.findall(script) if re.search(r"^\s+person_id\b", columns, re.M)
    }
    assert of_people == set(BELONGINGS)
