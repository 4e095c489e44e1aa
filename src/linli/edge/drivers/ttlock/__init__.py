"""Cloud locks by the maker's form interface: a `TtlockTerminal` for each lock of a `TtlockAccount`'s `TtlockCloud`."""

from linli.edge.drivers.ttlock.cloud import TtlockAccount, TtlockCloud, TtlockClouds
from linli.edge.drivers.ttlock.lockcodes import IssuedCode
from linli.edge.drivers.ttlock.terminal import TtlockTerminal

__all__ = ["IssuedCode", "TtlockAccount", "TtlockCloud", "TtlockClouds", "TtlockTerminal"]
