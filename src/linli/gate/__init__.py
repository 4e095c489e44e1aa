"""The shared kernel: what a gate knows, how it decides, what it writes down. No clock, no network, no disk."""
