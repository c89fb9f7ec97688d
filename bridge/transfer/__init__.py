"""Contacts from files into the mirror, and out of it into files."""
