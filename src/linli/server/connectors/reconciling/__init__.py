"""Every night held against itself and against the other side: booked, registered, entered, reported, receipted, counted."""
