"""Orders as booking sites tell them: calendars, order lists and workbooks, read line by line, each an order or a problem with a reason.

Stale feeds are the first cause of double bookings: a digest leaves out the timestamps that change at every fetch, the newest of
two tellings of one order counts, and an order that is missing is never cancelled by its absence.
"""

from linli.server.stays.rules.feeds.lines import HARMLESS, WHOLE_FILE, FeedOrder, FeedProblem
from linli.server.stays.rules.feeds.reading import read_calendar, read_feed

__all__ = ["HARMLESS", "WHOLE_FILE", "FeedOrder", "FeedProblem", "read_calendar", "read_feed"]
