"""Where the files that are no code lie: in the package once it is installed, at the top of the tree in a
checkout.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def path(*parts: str) -> Path:
    """The file or folder, e.g. `path("static", "t.min.js")`."""
    packaged = _PACKAGE.joinpath(*parts)
    return packaged if _PACKAGE.joinpath(parts[0]).exists() else _PACKAGE.parent.joinpath(*parts)
