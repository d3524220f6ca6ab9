"""`python -m gymskel`, for those who have no `gymskel` on their path."""

from gymskel.cli import main

if __name__ == "__main__":
    main()
