"""Offline evaluation: metrics from metadata that no recipe reads, and baselines to beat."""
