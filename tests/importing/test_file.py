"""A log on the disk, plain or gzipped, whole or not."""

import gzip
from pathlib import Path

from server.importing.file import MAX_LINE, LogFile


def lines(path: Path) -> list[bytes]:
    with LogFile(path) as file:
        read = list(file.lines())
        assert file.damage is None
        assert file.position == file.size
        return read


def test_lines_lose_their_end_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\n two \r\n\n\xffthree")
    assert lines(path) == [b"one", b" two ", b"", b"\xffthree"]


def test_gzip_is_known_by_its_beginning_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(gzip.compress(b"one\ntwo\n") + gzip.compress(b"three\n"))
    assert lines(path) == [b"one", b"two", b"three"]
    plain = tmp_path / "access.log.gz"
    plain.write_bytes(b"one\n")
    assert lines(plain) == [b"one"]


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"a" * (3 * MAX_LINE) + b"\nnext\n")
    assert lines(path) == [b"a" * MAX_LINE, b"next"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.touch()
    assert lines(path) == []


def test_a_torn_archive_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    whole = gzip.compress(b"".join(b"%d\n" % number for number in range(100_000)))
    path.write_bytes(whole[: len(whole) // 2])
    with LogFile(path) as file:
        read = list(file.lines())
        assert 1_000 < len(read) < 100_000
        assert read[1_000] == b"1000"
        assert file.damage
