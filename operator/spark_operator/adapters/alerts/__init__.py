"""Where alerts come in: the receiver and what it holds; what they mean is for ``decide``."""
