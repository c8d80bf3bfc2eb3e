"""The operator's edges: everything that does I/O, behind the protocols of ``ports``."""
