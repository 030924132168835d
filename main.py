"""The program without installing it: `python main.py --help`."""

from musicgen.cli import main

if __name__ == "__main__":
    main()
