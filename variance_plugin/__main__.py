"""`python -m variance_plugin` is the command `variance-plugin`."""

from .cli import main

if __name__ == "__main__":
    main()
