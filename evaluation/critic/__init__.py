"""A critic learned from people's judgement of real sessions, and how well it does on others."""
