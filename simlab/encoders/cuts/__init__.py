"""Encoders in two: frozen layers whose activations are remembered, and layers above them."""
