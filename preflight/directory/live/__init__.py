"""A domain as a live domain controller shows it: connections, sign-ins, searches."""
