"""What a foreign model is, as a hash: code, settings, weights, versions."""
