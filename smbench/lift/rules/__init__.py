"""The lift rules, one file a family; `table` has their order."""
