"""What a space mixes up, and what changed between two."""
