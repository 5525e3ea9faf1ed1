"""What the corpus knows as data: roles, recognisers, surrogates, licences, names, prompt text."""
