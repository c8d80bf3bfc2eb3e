"""Schema versions that releases of the tests bring beside the product's own.

An image with one of them in ``MIGRATIONS`` has it among the product's (``dev/Dockerfile``).
"""
