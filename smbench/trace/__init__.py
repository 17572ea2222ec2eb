"""The Trace: what the capture says, exchange by exchange. No policy, no replay."""
