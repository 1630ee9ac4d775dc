"""Interop: trained models and their answers in other people's formats."""
