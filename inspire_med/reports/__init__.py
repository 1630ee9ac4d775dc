"""Reports: scores as pages a person reads, offline."""
