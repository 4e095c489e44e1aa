"""Hikvision terminals by ISAPI: `IsapiTerminal` at an `IsapiAddress`."""

from linli.edge.drivers.isapi.terminal import IsapiAddress, IsapiTerminal

__all__ = ["IsapiAddress", "IsapiTerminal"]
