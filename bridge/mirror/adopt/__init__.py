"""Taking over the predecessor's database where it stands (`python -m bridge db adopt`)."""
