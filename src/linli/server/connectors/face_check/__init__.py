"""One-to-one: is this the holder of this document? Asked of the face layer with a separate yes, and never necessary."""
