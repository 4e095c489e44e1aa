"""GA/T 1400 视图库: the wire in both directions, our link to a library above, and our own library for those below.

The printed standard was not at hand. What is emitted is the form in which five public implementations best agree; what is read
is every form in which they differ. `ids`, `codes`, `shapes`, `reading`, `dialects` and `digest` are pure.
"""
