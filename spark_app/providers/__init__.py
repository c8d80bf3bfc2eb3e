"""The AI providers, each behind the port in ``base``."""
