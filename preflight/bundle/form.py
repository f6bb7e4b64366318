"""The form that support asks for, filled in as far as is known (the seed's list; SSPR, "Contact Microsoft support")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.outputs.markdown import text

_ACCOUNT_KINDS = "federated, password hash synchronised, or cloud only"


@dataclass(frozen=True, slots=True)
class SupportForm:
    """What is known of the case; "" = not known, a person fills it in.

    Attributes:
        when: date, time and time zone of the error.
        account_kind: federated, password hash synchronised, or cloud only.
        log: the name of the event log's part in the bundle.
    """

    description: str = ""
    page: str = ""
    support_code: str = ""
    when: str = ""
    user: str = ""
    account_kind: str = ""
    licence: str = ""
    log: str = ""


def render(form: SupportForm, verdict: str) -> str:
    """As Markdown. What nobody said stands there as a question, never as an empty line."""
    blocks = ["# Request for support: password writeback", f"preflight says: {text(verdict)}."]
    for title, said, question in _rows(form):
        blocks += [f"## {title}", text(said) if said else f"**To fill in:** {question}"]
    return "\n\n".join(blocks) + "\n"


def _rows(form: SupportForm) -> Iterator[tuple[str, str, str]]:
    yield (
        "General description",
        form.description,
        "What is the error? What did the user do, and what happened? Can it be repeated, and how?",
    )
    yield "Page", form.page, "On which page was the user? Its URL, and a screenshot if you can."
    yield (
        "Support code",
        form.support_code,
        "The GUID behind the link “Support code” at the foot of the page where the error shows. A page without the "
        "link: press F12 there and look for SID and CID; both are wanted.",
    )
    yield "Date, time and time zone", form.when, "Exactly when the error happened, with the time zone."
    yield "User", form.user, "Who saw the error (user@contoso.com)?"
    yield "Kind of account", form.account_kind, f"Is the account {_ACCOUNT_KINDS}?"
    yield "Licence", form.licence, "Which licence that includes password writeback is assigned to the user?"
    yield (
        "Application event log",
        f"the events of this matter are in {form.log}" if form.log else "",
        "A zipped copy of the Application log of the sync server (`preflight bundle --events FILE` adds what belongs "
        "to this matter).",
    )
