"""The other side of a booking feed: a channel with orders of its own that publishes them as iCal, with every fault of the field."""
