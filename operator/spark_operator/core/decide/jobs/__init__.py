"""When a Job of a release must run and what its result means; how it looks is for ``render``."""
