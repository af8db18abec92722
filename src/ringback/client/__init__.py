"""Floor 3: the API's client in Python. It knows HTTP and the shape of answers, and no resource."""
