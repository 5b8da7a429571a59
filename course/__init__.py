"""What the notebooks import: small flat modules, one job each."""
