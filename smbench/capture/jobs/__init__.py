"""The work of one reader as a value, the processes that carry several out at once, and what comes of it."""
