"""Preparing: what the prepare command does above cases: find, report, write."""
