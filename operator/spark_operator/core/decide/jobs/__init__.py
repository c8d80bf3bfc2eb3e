"""When a Job of a release shall run and what its result means; how it looks is for ``render``."""
