"""Names from a capture are hostile: paths that stay beneath their target, on both systems."""
