"""Codes, events and symptoms of password writeback: what each means, what causes it, what mends it.

entries_for("33004")              by code, name or alias, however it is spelled
search("token provider ...")      by text as it stands in an event or a dialog
procedures_for("re-enable")       what to do by hand, by its words
procedure("restart-sync-service") what only a person can do, step by step
"""

from preflight.knowledge.loading import Catalogue, KnowledgeError, catalogue
from preflight.knowledge.lookup import entries_for, entry, names, procedure, reached_from
from preflight.knowledge.model import Cause, Entry, Level, Procedure, Step
from preflight.knowledge.search import Match, causes_for, procedures_for, search

__all__ = [
    "Catalogue",
    "Cause",
    "Entry",
    "KnowledgeError",
    "Level",
    "Match",
    "Procedure",
    "Step",
    "catalogue",
    "causes_for",
    "entries_for",
    "entry",
    "names",
    "procedure",
    "procedures_for",
    "reached_from",
    "search",
]
