"""`leadtrail` and `python -m server`."""

from server.cli import commands


def main() -> None:
    """Run the command line."""
    commands(prog_name="leadtrail")


if __name__ == "__main__":
    main()
