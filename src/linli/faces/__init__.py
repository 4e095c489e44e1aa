"""The face engine: detect, align, judge quality and liveness, embed, compare. No Django, no database, no network at run time."""
