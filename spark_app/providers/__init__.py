"""The AI providers, each behind the protocol in ``port``."""
