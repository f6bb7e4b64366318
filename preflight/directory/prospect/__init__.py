"""Would a reset of one user's password by writeback work now, and would a change? The steps, and the verdicts."""
