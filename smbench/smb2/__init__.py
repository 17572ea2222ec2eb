"""SMB2 by its documents: numbers, statuses, names and times as they stand on the wire."""
