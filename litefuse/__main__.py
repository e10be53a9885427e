"""``python -m litefuse``: the same command line as the ``litefuse`` script."""

from __future__ import annotations

from litefuse.cli import main

if __name__ == "__main__":
    main()
