"""Start the processes of an instance in order, keep them running, stop them cleanly, and leave no orphan."""
