"""`python -m sknoisy`."""

from __future__ import annotations

import sys

from sknoisy._audit import main

if __name__ == "__main__":
    sys.exit(main())
