"""`python -m alphaforge` is the same as `alphaforge`."""

from alphaforge.cli import main

if __name__ == "__main__":
    main()
