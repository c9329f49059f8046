raise RuntimeError("the front must not import the URLconf")
