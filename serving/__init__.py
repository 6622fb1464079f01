"""Serving: the HTTP side of recommendations. `server.py` is the program."""
