"""Which cluster is meant: one that is named, kind's, or the local one."""
