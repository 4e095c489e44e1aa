"""A view library 视图库 of its own: GA/T 1400 over HTTP, written a second time and apart from the server's half.

The printed standard was not at hand. Every shape here is the best supported one among the public implementations, and
each way in which those differ is a trait of a dialect (`dialects`): we say it in one dialect and read all of them.
"""
