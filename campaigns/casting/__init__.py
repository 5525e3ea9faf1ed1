"""Who sits in the client's chair: cells of the plan to a quota, and the personas that show them."""
