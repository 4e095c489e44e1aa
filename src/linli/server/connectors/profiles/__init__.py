"""Mapping profiles: what a region's platform wants to be told, under which names and in which forms, as data and not as code."""

from linli.server.connectors.profiles.facts import flat_facts
from linli.server.connectors.profiles.profile import Profile
from linli.server.connectors.profiles.reading import ProfileRefused, load_profile, read_profile

__all__ = ["Profile", "ProfileRefused", "flat_facts", "load_profile", "read_profile"]
