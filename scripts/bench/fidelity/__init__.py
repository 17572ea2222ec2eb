"""scripts/bench-fidelity: how true a replay is to the wire."""
