"""Measurements that the README quotes: differences and ratios, both sides in one run."""
