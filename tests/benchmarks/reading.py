"""Prints how long reading and judging a domain's users takes, everything else done before: reading.py CONFIG"""

import sys
import time
from pathlib import Path

from preflight.cli.options import Settings
from preflight.cli.performing import configured, passwords_of
from preflight.directory.users.blocked import Blocked
from preflight.resources import Resources, Setting


def main(path):
    configuration = configured(Settings(config=Path(path)))
    resources = Resources(Setting(configuration, (Blocked,), passwords_of(configuration)))
    try:
        survey = resources.get("survey", resources.domains()[0])
        started = time.perf_counter()
        survey.ensure_complete()
        print(time.perf_counter() - started)
    finally:
        resources.close()


if __name__ == "__main__":
    main(sys.argv[1])
