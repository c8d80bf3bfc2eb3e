"""The API server, its Lease and its watches; nothing else knows the Kubernetes client."""
