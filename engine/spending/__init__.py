"""What calls cost and may cost: prices, the run's purse, each worker's wallet, the forecast."""
