"""What `meta` is made of in this host: one module each for what a plugin finds in it."""
