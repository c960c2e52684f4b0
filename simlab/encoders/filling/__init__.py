"""From content to vectors: read ahead, in batches of the right size, by several ranks."""
