"""The sample forest of `preflight demo`: data only.

`forest.ldf` was exported from a real Active Directory (Samba) that tests/lab/make_demo.py fills with fictional people
and faults; `network.json` was written by hand in the format of a recorded network; `report.json` is what the demo said
when the package was made, which `preflight explain` quotes.
"""
