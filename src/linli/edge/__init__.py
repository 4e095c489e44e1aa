"""The agent on a gate box: it decides alone, forgets nothing, locks nobody in and converges with the server."""
