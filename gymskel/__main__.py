"""`python -m gymskel`: the shell command where `gymskel` is not on the path."""

from gymskel.cli import main

if __name__ == "__main__":
    main()
