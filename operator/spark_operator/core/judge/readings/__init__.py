"""Counters of pods become increases and habits; nothing here weighs them."""
