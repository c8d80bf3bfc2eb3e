"""`python -m spark_app`: the same as the command `spark-app`."""

import sys

from spark_app.commands.cli import main

sys.exit(main())
