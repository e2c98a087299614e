"""The team's repository, through the git command line."""

from shipway.system.git.repository import MAIN_BRANCHES, Repository, is_git_folder, setting

__all__ = ["MAIN_BRANCHES", "Repository", "is_git_folder", "setting"]
