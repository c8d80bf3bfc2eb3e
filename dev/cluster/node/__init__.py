"""The node's components, from certificates to start and stop."""
