"""A log file as lines of bytes, plain or gzipped, never the whole of it in memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

MAX_LINE = 64 * 1024
"""Bytes; a longer line is cut, and so not readable."""

_GZIP = b"\x1f\x8b"


class LogFile:
    """An open log. `size` and `position` are bytes as they lie on the disk, compressed or not."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._raw: BinaryIO = path.open("rb")
        self.size = path.stat().st_size
        gzipped = self._raw.read(len(_GZIP)) == _GZIP
        self._raw.seek(0)
        self.damage: str | None = None
        """Why the lines ended before the file does."""
        self._text = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if gzipped else self._raw

    @property
    def position(self) -> int:
        return self._raw.tell()

    def lines(self) -> Iterator[bytes]:
        """Each line without its end or what goes beyond MAX_LINE. Where the file is broken they end."""
        try:
            while line := self._text.readline(MAX_LINE):
                rest = line
                while not rest.endswith(b"\n") and (rest := self._text.readline(MAX_LINE)):
                    pass
                yield line.rstrip(b"\r\n")
        except (EOFError, zlib.error, OSError) as error:
            self.damage = str(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()
