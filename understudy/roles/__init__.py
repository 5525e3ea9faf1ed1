"""The role players, one file each: every one has `answer(request: ChatRequest) -> str`."""
