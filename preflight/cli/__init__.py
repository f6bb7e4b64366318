"""The command line: one module a command. What a command needs is imported when it runs, so that --help is quick."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr

import typer

from preflight.cli import (
    audit,
    bundle,
    check_config,
    checks,
    demo,
    diagnose,
    diff,
    events,
    fix_plan,
    history,
    merge,
    render,
    run,
    trace,
    user,
)
from preflight.exit_codes import EXIT_BROKEN, EXIT_INTERRUPTED, EXIT_USAGE
from preflight.outputs import PLUGIN_FORMATS

ClickException = typer._click.exceptions.ClickException

_NO_ROOM = (errno.ENOSPC, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What writing to a redirected standard output ends in when the disk is full (Windows has no quota's number)."""

app = typer.Typer(
    name="preflight",
    help="Will password writeback from Microsoft Entra ID to Active Directory work here, and if not, why?",
    epilog="Exit codes: 0 ready, 3 not ready, 4 could not tell, 5 warnings (--fail-on warn), 2 usage, 1 broken, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(checks.version_option)
run.register(app)
audit.register(app)
user.register(app)
diagnose.register(app)
trace.register(app)
fix_plan.register(app)
events.register(app)
history.register(app)
diff.register(app)
merge.register(app)
bundle.register(app)
demo.register(app)
render.register(app)
checks.register(app)
check_config.register(app)


def call(arguments: Sequence[str]) -> int:
    """Run a command; its exit code. Never a traceback: PREFLIGHT_DEBUG=1 asks for one."""
    if plugin := _plugin_format(arguments):
        return _call_as_plugin(plugin, arguments)
    try:
        code, sentence = _outcome(arguments)
    except ClickException as error:
        error.show()
        return error.exit_code
    if sentence is not None:
        from preflight.cli.problem import say

        say(sentence)
    return code


def _call_as_plugin(format: str, arguments: Sequence[str]) -> int:
    """For a monitoring system: nothing on standard error, which some read into the same text; what went wrong is a line
    of the format, and its state unknown."""
    try:
        with redirect_stderr(io.StringIO()):
            code, sentence = _outcome(arguments)
    except ClickException as error:
        sentence = error.format_message()
    if sentence is None:
        return code
    from preflight.outputs.plugin import State, failure
    from preflight.outputs.terminal import write

    write(sys.stdout, failure(format, sentence))
    return State.UNKNOWN


def _outcome(arguments: Sequence[str]) -> tuple[int, str | None]:
    """The exit code, and where the command couldn't do what it should, the sentence that says why.

    Raises:
        ClickException: wrong arguments, or none.
    """
    from preflight.cli.problem import Problem

    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="preflight", standalone_mode=False)
        return code if isinstance(code, int) else 0, None
    except Problem as problem:
        return EXIT_USAGE, str(problem)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED, "interrupted."
    except ClickException:
        raise
    except typer.Exit as leaving:
        return leaving.exit_code, None
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the reader has gone; nothing more to say
        return EXIT_BROKEN, None
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _unexpected(error)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it holds what can't be written
        return EXIT_BROKEN, f"standard output can't be written: {error.strerror}. Free some space, or write elsewhere."
    except Exception as error:  # noqa: BLE001 - the tool's last word must be a sentence, not a traceback
        return _unexpected(error)


def _unexpected(error: Exception) -> tuple[int, str]:
    if os.environ.get("PREFLIGHT_DEBUG"):
        raise error
    return EXIT_BROKEN, (
        f"broke: {type(error).__name__}: {str(error)[:500]}. This is a defect of the tool: please report it, with what "
        "PREFLIGHT_DEBUG=1 prints."
    )


def _plugin_format(arguments: Sequence[str]) -> str:
    """The monitoring system whose conventions hold for everything that is said, "" for none.

    Told from the arguments themselves: it must hold for arguments, too, that make no command.
    """
    asked = ""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, _, value = argument.partition("=")
        if before == "--format":
            asked = argument
        elif name == "--format" and value:
            asked = value
    return asked if asked in PLUGIN_FORMATS else ""
