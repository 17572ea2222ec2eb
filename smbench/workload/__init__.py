"""The Workload: what clients asked for, in the vocabulary of file systems."""
