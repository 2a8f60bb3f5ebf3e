"""Joint training: the loop, one step, the losses, and the state that outlives a kill."""
