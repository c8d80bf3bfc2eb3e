"""How long users see a bad release, on a real cluster."""
