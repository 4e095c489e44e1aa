"""Hikvision terminals by ISAPI: `IsapiTerminal` at an `IsapiAddress`."""

from linli.edge.drivers.isapi.address import IsapiAddress
from linli.edge.drivers.isapi.terminal import IsapiTerminal

__all__ = ["IsapiAddress", "IsapiTerminal"]
