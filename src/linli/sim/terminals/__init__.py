"""Simulated terminals: the other side of each driver, speaking its maker's protocol over real HTTP."""
