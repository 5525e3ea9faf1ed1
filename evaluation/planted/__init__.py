"""Twins of a session, one of them with one flaw of a known kind: does a supervisor find it?"""
