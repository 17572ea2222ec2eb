"""What the project is made of that others wrote: packages by version and hash, and the bill of them."""
