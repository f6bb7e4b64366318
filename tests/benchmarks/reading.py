"""Prints how long reading and judging a domain's users takes, everything else done before: reading.py CONFIG"""

import sys
import time
from pathlib import Path

from preflight.cli.configuring import configured, passwords_of
from preflight.cli.options import Settings
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.scope import Scope
from preflight.directory.users.survey import Survey
from preflight.resources import Resources, Setting


def main(path):
    configuration = configured(Settings(config=Path(path)))
    resources = Resources(Setting(configuration, (Blocked,), passwords_of(configuration)))
    try:
        target = resources.domains()[0]
        begun = resources.get("survey", target)
        begun.ensure_complete()  # to be rid of it: its first page was there before this could look at a clock
        judge = begun.so_far(Blocked).judge
        survey = Survey(
            resources.get("directory", target),
            Scope(),
            {Blocked: Blocked(judge)},
            domain_dn=resources.get("domain", target).distinguished_name,
            containers=lambda: resources.get("containers", target),
        )
        started = time.perf_counter()
        survey.ensure_complete()
        print(time.perf_counter() - started)
    finally:
        resources.close()


if __name__ == "__main__":
    main(sys.argv[1])
