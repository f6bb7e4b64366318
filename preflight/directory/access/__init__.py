"""The access check: descriptors, rights, and who decides them (MS-ADTS 5.1.3, MS-DTYP 2.5.3)."""
