"""The loop: gather, decide, persist, apply, tell; every decision itself is made in ``core``."""
