"""The other side of every wire: platforms, readers and people, with faults on demand. Never imports the server."""
