"""From a prompt to a checked script; which provider answers is for ``providers``."""
