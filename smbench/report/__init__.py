"""Reports: what people read. The documents are pure; the text and the pages only show them."""
