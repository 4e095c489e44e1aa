"""The platform of the folder above, also in this one."""

from tests.sim.conftest import client, platform

__all__ = ["client", "platform"]
