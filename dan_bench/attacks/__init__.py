"""Attackers: fresh networks that try to tell the output from noise, or to undo it.

An attack is a callable from a `Case` to the share that it recovered. It is given everything but
the fresh randomness of the rows under attack.
"""
