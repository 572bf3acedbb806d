"""What became of the forms of a site, for every engine: totals over all people, by indexes of their own."""

from server.model import Kind
from server.store.base.forms import FieldTally, FormTally
from server.store.engine import Engine
from server.store.statement import Statement

MAX_KEYS = 2_000
"""Forms and fields of a site that are looked at."""

_COUNTS = """
SELECT {{key, count(*), CAST(sum(count) AS BIGINT), max(last)}} FROM totals
WHERE kind = {kind:d} AND site = ? GROUP BY key ORDER BY sum(count) DESC, key LIMIT ?"""

_ERRORS = Statement("form errors", _COUNTS.format(kind=Kind.form), tuple[str, int, int, int])

_SUBMITS = Statement("form submits", _COUNTS.format(kind=Kind.submit), tuple[str, int, int, int])

_THROUGH = Statement(
    "forms got through",
    f"""
SELECT {{failed.key, count(*)}} FROM totals AS failed JOIN totals AS sent
  ON sent.person_id = failed.person_id AND sent.kind = {Kind.submit:d} AND sent.key = failed.key
WHERE failed.kind = {Kind.form:d} AND failed.site = ? AND failed.key IN LIST (TEXT)
  AND sent.last > failed.last
GROUP BY failed.key""",
    tuple[str, int],
)


class SqlForms:
    """Implements `store.base.Forms`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of_site(self, site: str) -> list[FormTally]:
        errors = await self._engine.read(_ERRORS(site, MAX_KEYS))
        submits = {key: rest for key, *rest in await self._engine.read(_SUBMITS(site, MAX_KEYS))}
        failed = {key: (people, count, last) for key, people, count, last in errors if "\n" not in key}
        through = dict(await self._engine.read(_THROUGH(site, list(failed)))) if failed else {}
        fields: dict[str, list[FieldTally]] = {}
        for key, people, count, _ in errors:
            form, separator, name = key.partition("\n")
            # Without a form before it, a field's total is over all forms.
            if separator and form:
                fields.setdefault(form, []).append(FieldTally(name, count, people))
        tallies = []
        for form in failed.keys() | submits.keys():
            people, count, last = failed.get(form, (0, 0, 0))
            senders, sent, sent_last = submits.get(form, (0, 0, 0))
            tallies.append(
                FormTally(
                    form=form,
                    errors=count,
                    failed=people,
                    through=through.get(form, 0),
                    sent=sent,
                    senders=senders,
                    last=max(last, sent_last),
                    fields=tuple(fields.get(form, ())),
                )
            )
        return sorted(tallies, key=lambda tally: (-tally.errors, -tally.sent, tally.form))
