"""``python -m spark_operator``: the command line; without a command, the operator runs."""

import sys

from spark_operator.commands.cli import app

if __name__ == "__main__":
    app(args=sys.argv[1:] or ["run"])
