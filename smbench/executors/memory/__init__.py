"""The executor that keeps a file system in memory: the oracle of the others."""
