"""How a person fares: signs of life, going out and coming back, wandering, a call for help."""
