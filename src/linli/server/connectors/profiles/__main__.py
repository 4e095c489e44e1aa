"""`python -m linli.server.connectors.profiles FILE…`: say whether mapping profiles hold, and what would leave by them."""

import sys
from collections.abc import Sequence

from linli.server.connectors.profiles.reading import ProfileRefused, load_profile


def main(named: Sequence[str]) -> int:
    """This will check each profile, and return 0 when all hold, else 1."""
    wrong = 0
    for name in named:
        try:
            profile = load_profile(name)
        except ProfileRefused as refused:
            wrong += 1
            print(refused, file=sys.stderr)
            continue
        print(f"{profile.name} {profile.version}, from {profile.effective_date}: {profile.source}")
        for kind, rows in profile.messages.items():
            print(f"  {kind.value}: {' '.join(row.name if row.required else f'[{row.name}]' for row in rows)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["sichuan"]))
