"""`python -m tests.conformance [OP ...]`: see `command`."""

from tests.conformance.command import main

if __name__ == "__main__":
    main(prog_name="python -m tests.conformance")
