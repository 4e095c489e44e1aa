"""Runs the view library's script against any peer, and says step by step what was sent, what came and whether it will do."""
