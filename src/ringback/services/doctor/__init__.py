"""What `ringback doctor` looks at: one module for each group of checks, `examination` runs them."""
