"""What each stretch of the transition table does; what holds in every phase is in ``guards``."""
