"""`python -m shipway`."""

from shipway.cli import main

main()
