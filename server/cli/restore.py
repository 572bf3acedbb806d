"""`leadtrail restore`: a backup becomes the database of an empty data directory."""

import asyncio
import os
import sys
import tarfile
from pathlib import Path

import click

from server.cli import environment
from server.cli.backup import DATABASE
from server.clock import system_clock
from server.errors import StoreDamaged, StoreError
from server.keys import SECRET_FILES
from server.store.engines import is_postgres
from server.store.sqlite import open_sqlite, path_of
from server.store.sqlite.backup import check_whole, tombs_beside
from server.trail.erasing import erase_again


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Restore FILE, which `leadtrail backup` made, into an empty data directory.

    Who was erased since the backup (FILE.erased) is erased from it again. Refuses a data directory that is in
    use or holds anything.
    """
    settings = environment.checked_settings()
    if is_postgres(settings.database):
        click.echo("On PostgreSQL restore what `pg_dump` made: docs/scaling.md.", err=True)
        sys.exit(1)
    database = path_of(settings.database)
    with environment.readable_errors():
        _refuse_what_is_there(settings.data_dir, database)
        names = _unpack(file, settings.data_dir, database)
        erased = asyncio.run(_finish(database, file))
    click.echo(f"{database} is restored" + (f", with {', '.join(names)}." if names else "."))
    if erased:
        click.echo(f"{erased} who were erased since the backup were erased from it again.")
    if "secret_keys" not in names and not settings.secret_keys:
        click.echo(
            "The backup holds no signing keys. Put secret_keys back before the first start, or every visitor"
            " is a stranger.",
            err=True,
        )


def _refuse_what_is_there(folder: Path, database: Path) -> None:
    """Raises StoreError."""
    for place in {folder, database.parent}:
        found = sorted(path.name for path in place.iterdir()) if place.exists() else []
        if found:
            raise StoreError(
                f"{place} is not empty ({', '.join(found[:3])}{', …' if len(found) > 3 else ''}):"
                " nothing is overwritten. Stop the server, move it away, and restore again."
            )


def _unpack(file: Path, folder: Path, database: Path) -> list[str]:
    """The names of the secrets that were in it. Raises StoreDamaged."""
    try:
        with tarfile.open(file) as tar:
            members = {member.name: member for member in tar if member.isfile()}
            if DATABASE not in members:
                raise StoreDamaged(f"{file} is no backup of Leadtrail: there is no {DATABASE} in it.")
            for place in (folder, database.parent):
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(tar, members[DATABASE], database)
            secrets = [name for name in SECRET_FILES if name in members]
            for name in secrets:
                _write(tar, members[name], folder / name)
        check_whole(database)
    except (tarfile.TarError, OSError, StoreError) as error:
        for path in (database, *(folder / name for name in SECRET_FILES)):
            path.unlink(missing_ok=True)
        raise StoreDamaged(f"{file} cannot be read as a backup ({error}).") from error
    return secrets


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with content, os.fdopen(descriptor, "wb") as target:
        while chunk := content.read(1 << 20):
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())


async def _finish(database: Path, file: Path) -> int:
    """Bring it to this program's schema, and erase who was erased since; how many that were."""
    store = await open_sqlite(database)
    try:
        return await erase_again(store, tombs_beside(file), system_clock())
    finally:
        await store.close()
