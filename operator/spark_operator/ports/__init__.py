"""The world as the reconciler sees it: a protocol for each edge; no implementation."""
