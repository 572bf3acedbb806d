"""Which lines of a log are page views of people, and why the others are not."""

import enum
import re

from server.collect.agents import agent_of
from server.importing.line import Line


class Skip(enum.Enum):
    """Why a line is no page view, in the words of the tally and in the order in which they are asked."""

    unreadable = "not readable as combined format"
    method = "no GET request"
    status = "status other than 200 and 304"
    asset = "assets, downloads and feeds"
    bot = "bots"
    url = "no usable URL"
    future = "a time in the future"


SHOWN = frozenset({200, 304})
"""304 is a view too: the browser shows the page that it kept."""

_PARTS = "css js mjs map json jsonld xml xsl xslt webmanifest appcache wasm swf woff woff2 ttf otf eot"
_PICTURES = "png jpg jpeg gif svg svgz webp avif ico cur bmp tif tiff"
_MEDIA = "mp3 mp4 m4a m4v ogg oga ogv webm wav flac avi mov mpg mpeg mkv wmv flv m3u8"
_ARCHIVES = "zip gz tgz bz2 xz zst 7z rar tar jar war deb rpm gem whl exe msi dmg pkg apk iso bin"
_DOCUMENTS = "txt log conf csv pdf doc docx xls xlsx ppt pptx odt ods odp rtf ps epub tex"
_FEEDS = "rss atom rdf"

ASSETS = frozenset(" ".join((_PARTS, _PICTURES, _MEDIA, _ARCHIVES, _DOCUMENTS, _FEEDS)).split())
"""Endings of files that are part of a page or no page; HTML under any name is a page."""

_ENDING = re.compile(r"\.([A-Za-z0-9]{1,11})$")
_FEED_PATH = re.compile(r"/(feed|rss|atom)/?$", re.IGNORECASE)
# WordPress says ?feed=rss2, Blosxom ?flav=atom, Joomla ?format=feed.
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|flav|format)=(?:feed|rss|atom|rdf)", re.IGNORECASE)


def skip_of(line: Line) -> Skip | None:
    """Why this line is no person's page view, or None if it is one."""
    if line.method != "GET":
        return Skip.method
    if line.status not in SHOWN:
        return Skip.status
    if is_asset(line.target):
        return Skip.asset
    if agent_of(line.user_agent).bot:
        return Skip.bot
    return None


def is_asset(target: str) -> bool:
    """Whether the target names a file that is no page, or a feed."""
    path, _, query = target.partition("#")[0].partition("?")
    ending = _ENDING.search(path)
    if ending and ending[1].lower() in ASSETS:
        return True
    return bool(_FEED_PATH.search(path) or _FEED_QUERY.search(query))
