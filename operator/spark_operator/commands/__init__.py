"""The command line; what a command does beyond reading and printing stands elsewhere."""
