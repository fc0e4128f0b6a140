"""python -m core data: fetch all 60,000 images."""

import argparse
import json
import sys
from contextlib import redirect_stdout

from core.cli.flags import Commands, add_command
from core.errors import LabError


def register(commands: Commands) -> None:
    parser = add_command(commands, "data", run, "fetch all 60,000 CIFAR-10 images")
    parser.add_argument(
        "--json", action="store_true", help="print progress and failure as JSON lines, for a program"
    )


def run(options: argparse.Namespace) -> int:
    from core.data.download import fetch

    if not options.json:
        fetch(lambda progress: print(f"{progress.share:4.0%}  {progress.message}", flush=True))
        return 0
    out = sys.stdout

    def report(event: dict[str, object]) -> None:
        print(json.dumps(event), file=out, flush=True)

    with redirect_stdout(sys.stderr):  # libraries may print text that is not JSON
        try:
            fetch(lambda progress: report(progress._asdict()))
        except LabError as error:
            report({"error": str(error)})
            return error.exit_status
    return 0
