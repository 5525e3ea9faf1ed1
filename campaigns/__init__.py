"""What a campaign is: a cast and a plan, played to the end, resumed when it was stopped.

Personas and scenarios are drawn from the pack's casting grammar (`grammar`, `expansion`,
`casting`, `plan`); `run` plays the plan through the engine and exports it; `status` and `trace`
read what is there.
"""
