"""What may change while the service runs: mounted files and the life of the process."""
