"""The team's repository, through the git command line. It is imported on first use: most commands only ask for git's
configuration, and importing the rest takes longer than that."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shipway.system.git.setting import setting

if TYPE_CHECKING:
    from shipway.system.git.repository import MAIN_BRANCHES, Repository, is_git_folder

__all__ = ["MAIN_BRANCHES", "Repository", "is_git_folder", "setting"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("shipway.system.git.repository"), name)
