"""Who is let in under load and limits; who a key belongs to is for ``core.keys``."""
