"""The process: the watch, wiring, settings, probes and metrics; nothing of a resource's logic."""
