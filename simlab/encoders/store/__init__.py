"""The memory on disk: checksummed segments of vectors, found by the digest of their content."""
