"""All stands still for a while, or a worker does."""
