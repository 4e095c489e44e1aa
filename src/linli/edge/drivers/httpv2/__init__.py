"""Terminals that call by themselves, as the document "HTTPv2" (6.0 of 12 June 2024) describes: the device asks, the box answers.

`Site` is the port on which they call; one `HttpV2Terminal` stands for one device at one gate.
"""

from linli.edge.drivers.httpv2.people import CardWriting
from linli.edge.drivers.httpv2.settings import Manner
from linli.edge.drivers.httpv2.site import Site
from linli.edge.drivers.httpv2.terminal import HttpV2Terminal

__all__ = ["CardWriting", "HttpV2Terminal", "Manner", "Site"]
