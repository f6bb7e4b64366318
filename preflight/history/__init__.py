"""The history of runs on this machine: one SQLite file, written by whoever runs, read by `preflight history`.

A history that can't be written never changes a verdict; what stands in the way is said. A damaged file is set aside,
never deleted, and a new one begun.
"""
