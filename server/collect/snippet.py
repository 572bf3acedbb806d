"""The snippet as it is given out: the same bytes for all, compressed beforehand, named by their hash."""

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple


class Encoded(NamedTuple):
    """One compressed form of the script; `encoding` is empty for the plain one."""

    encoding: str
    body: bytes


class Snippet:
    """The built script, read once at the start."""

    def __init__(self, built: Path) -> None:
        plain = built.read_bytes()
        self.hash = hashlib.sha256(plain).hexdigest()[:12]
        self.path = f"/t.{self.hash}.js"
        """Its immutable address, for Subresource Integrity."""
        self.etag = f'"{self.hash}"'
        self._plain = Encoded("", plain)
        self._gzip = Encoded("gzip", gzip.compress(plain, 9, mtime=0))
        brotli = built.with_name(built.name + ".br")
        self._brotli = Encoded("br", brotli.read_bytes()) if brotli.exists() else None

    def encoded(self, accept_encoding: str) -> Encoded:
        """The smallest form that the browser takes."""
        accepted = set()
        for part in accept_encoding.lower().split(","):
            coding, _, weight = part.partition(";")
            if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
                accepted.add(coding.strip())
        if self._brotli is not None and "br" in accepted:
            return self._brotli
        return self._gzip if accepted & {"gzip", "*"} else self._plain
