"""The authorities' platforms as simulators: one module a platform, each with its own books."""
