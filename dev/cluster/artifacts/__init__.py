"""Binaries and images, built from sources and kept in the cache; nothing is started here."""
