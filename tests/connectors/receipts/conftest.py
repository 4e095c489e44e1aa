"""The evening of the reconciliation, for these tests too."""

from tests.connectors.reconciling.conftest import books, evening, other_side

__all__ = ["books", "evening", "other_side"]
