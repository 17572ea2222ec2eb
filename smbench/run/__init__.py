"""What a replay measured: the run as frozen values, and its directory."""
