"""Copies of the file: made while a server writes it, and told of who is erased later.

A backup knows of no erasure that comes after it. So beside the database stands where backups went
(`leadtrail.db.backups`), and an erasure leaves its tombs beside each of those that is still there
(`FILE.erased`), where restoring finds them.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from server.errors import StoreDamaged, StoreError
from server.store.sqlite.engine import translated_errors


def copy_into(path: Path, copy: Path) -> None:
    """The database as it is at this moment, as one file of its own.

    Raises StoreError. Who writes meanwhile goes on; the connection only reads.
    """
    if not path.exists():
        raise StoreError(f"{path} is not there; nothing was backed up.")
    with translated_errors(path), closing(_only_read(path)) as connection:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    check_whole(copy)


def check_whole(path: Path) -> None:
    """Raises StoreDamaged unless the file is an intact database."""
    with translated_errors(path), closing(_only_read(path)) as connection:
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise StoreDamaged(f"{path} is damaged ({said}).")


def _only_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)


def remember_backup(database: Path, backup: Path) -> None:
    """That there is a backup, for erasures to come."""
    known = _backups(database)
    if (line := str(backup.resolve())) not in known:
        _list_of(database).write_text("".join(f"{each}\n" for each in (*known, line)))


def tell_backups(database: Path, tombs: Mapping[str, int]) -> None:
    """Leave the tombs beside every backup that is still where it was put."""
    for backup in map(Path, _backups(database)):
        if backup.exists():
            with erased_since(backup).open("a") as file:
                file.writelines(f"{json.dumps([tomb, at])}\n" for tomb, at in sorted(tombs.items()))


def tombs_beside(backup: Path) -> dict[str, int]:
    """Who was erased since the backup was made, as far as it was told."""
    path = erased_since(backup)
    return dict(json.loads(line) for line in path.read_text().splitlines()) if path.exists() else {}


def erased_since(backup: Path) -> Path:
    """The file beside a backup that says who was erased since."""
    return backup.with_name(f"{backup.name}.erased")


def _backups(database: Path) -> list[str]:
    path = _list_of(database)
    return path.read_text().splitlines() if path.exists() else []


def _list_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.backups")
