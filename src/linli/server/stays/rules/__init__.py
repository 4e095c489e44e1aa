"""Is this allowed, and why not? Pure functions about check-in, beds, minors and booking feeds."""
