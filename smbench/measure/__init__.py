"""What a run measured: the clock, the operation log, histograms, resources, and whether it can be trusted."""
