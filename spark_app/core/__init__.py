"""What the service decides: no I/O, no framework, time and chance handed in."""
