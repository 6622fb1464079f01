"""Files on disk: written whole or not at all, locked by one writer, read without trust."""
