"""Text planted in a client's words to steer whoever reads the session: does a verdict follow it?"""
