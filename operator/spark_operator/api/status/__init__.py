"""Everything that status holds, as models with their bounds; nothing that a user writes."""
