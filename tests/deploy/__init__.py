"""What lies in deploy/ is tried here: by the tools that read it, and with real traffic."""
