"""`python -m linli.sim` is `linli-sim`."""

import sys

from linli.sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
