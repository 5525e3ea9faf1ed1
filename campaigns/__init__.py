"""What a campaign is: a cast and a plan, played to the end, resumed when it was stopped.

Personas and scenarios come from the pack's grammar or from a model (`casting/`); `plan` puts them
in order, `run` plays them through the engine and exports; `status` and `trace` read what is there.
"""
