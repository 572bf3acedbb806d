"""`leadtrail backup`: the database as one file, while the server goes on."""

import io
import sys
import tarfile
import tempfile
from pathlib import Path

import click

from server.cli import environment
from server.keys import secret_files
from server.settings import Settings
from server.store.engines import is_postgres
from server.store.sqlite import path_of
from server.store.sqlite.backup import copy_into, remember_backup

DATABASE = "leadtrail.db"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-secrets", is_flag=True, help="Also the signing keys and API tokens that it made.")
def backup(file: Path, with_secrets: bool) -> None:
    """Back the database up to FILE, a tar archive; works while a server writes.

    Without the signing keys every visitor is a stranger after a restore: keep them apart, or say
    --with-secrets and keep FILE as safe as they are. Also keep FILE.erased, which comes into being beside it:
    it says who was erased since.
    """
    settings = environment.checked_settings()
    if is_postgres(settings.database):
        click.echo("On PostgreSQL take `pg_dump`, or its continuous archive: docs/scaling.md.", err=True)
        sys.exit(1)
    if file.exists():
        click.echo(f"{file} is there already; nothing was overwritten.", err=True)
        sys.exit(1)
    with environment.readable_errors():
        names = _write(settings, file, with_secrets=with_secrets)
    click.echo(f"{file}: {file.stat().st_size:,} bytes, {', '.join(names)}")
    if not with_secrets:
        click.echo("The signing keys are not in it (--with-secrets).", err=True)


def _write(settings: Settings, file: Path, *, with_secrets: bool) -> list[str]:
    database = path_of(settings.database)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        copy, archive = Path(folder) / DATABASE, Path(folder) / "archive"
        copy_into(database, copy)
        secrets = secret_files(settings.data_dir) if with_secrets else {}
        with tarfile.open(archive, "w") as tar:
            tar.add(copy, DATABASE)
            for name, content in secrets.items():
                described = tarfile.TarInfo(name)
                described.size, described.mode = len(content), 0o600
                tar.addfile(described, io.BytesIO(content))
        archive.chmod(0o600)
        archive.replace(file)
    remember_backup(database, file)
    return [DATABASE, *secrets]
