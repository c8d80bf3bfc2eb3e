"""HTTP: pure ASGI middleware and the endpoints."""
