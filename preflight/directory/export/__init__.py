"""A domain as an LDIF export shows it."""
