"""A small site watched by an agent, which writes down what it would send to its makers."""
