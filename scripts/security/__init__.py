"""What strangers' files, names and folders can do, tried out."""
