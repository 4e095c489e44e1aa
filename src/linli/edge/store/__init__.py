"""What a box keeps on its disk: the list it decides by and the journal it writes, in two SQLite files.

Two files, because a long list coming in must not hold up a line of the journal, and because damage to one must not take
the other along. Both are written through to the disk (WAL, synchronous=FULL) before anything is promised on them.
"""

from linli.edge.store.database import StoreFailed
from linli.edge.store.journals import JournalStore, Row
from linli.edge.store.lists import ListStore

__all__ = ["JournalStore", "ListStore", "Row", "StoreFailed"]
