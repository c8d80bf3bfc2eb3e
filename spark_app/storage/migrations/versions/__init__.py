"""The schema, version by version; named by the time of writing."""
