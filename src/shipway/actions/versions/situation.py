"""What a version starts from: the checkout and its remote, the tags so far, and the commits since the newest one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.actions.projects.in_force import Rulebook
from shipway.context import Context
from shipway.domain import changelog, version
from shipway.domain.conventional import VersionCommit, change, changes
from shipway.domain.errors import RepositoryError, UsageError
from shipway.domain.inputs import folder_of
from shipway.domain.plan import Plan
from shipway.domain.refs import is_version, on_branch
from shipway.domain.release import Commit
from shipway.domain.rules import InForce, trigger_text
from shipway.domain.value import dataclass
from shipway.domain.version import Version
from shipway.system.checkout import Checkout, ahead_and_behind, checkout, commits_since, remote_of, tags
from shipway.system.git import Repository

LISTED = 5  # files named in a message


@dataclass(frozen=True)
class Subject:
    """What is released: a commit of an app, by the rules in force of an environment."""

    repository: Repository
    commit: Commit  # as the plan sees it
    plan: Plan
    book: Rulebook
    in_force: InForce

    @property
    def environment(self) -> str:
        """The environment's name for messages."""
        return self.in_force.called


@dataclass(frozen=True)
class Situation:
    """See the module. Tags with their commits; `published` are those of the remote, or of the repository without one."""

    subject: Subject
    checkout: Checkout
    branch: str
    remote: str | None  # name of the remote that is pushed to; None: there is none
    ahead: int  # commits that the remote's branch lacks
    unpublished: bool  # whether the remote lacks the branch itself
    published: Mapping[str, str]
    local: Mapping[str, str]
    prefix: str
    before: str | None  # the tag of the newest version
    commits: Sequence[VersionCommit]  # since then, newest first, without merges
    changes: Sequence[VersionCommit]  # the same without those that another one reverts
    empty: bool  # whether no commit was made since, not even a merge

    @property
    def newest(self) -> Version | None:
        """The version of `before`."""
        return version.read(self.before, self.prefix) if self.before else None

    @property
    def changelog(self) -> str | None:
        """Path of the changelog at this commit: beside the plan, else in the root; None: there is none."""
        folder = folder_of(self.subject.plan)
        listed = dict.fromkeys([f"{folder}/{changelog.NAME}".lstrip("/"), changelog.NAME])
        head = self.checkout.head
        return next((path for path in listed if self.subject.repository.exists(head, path)), None)

    def text(self) -> str:
        """The changelog at this commit; "": there is none. RepositoryError if it is not text."""
        path = self.changelog
        return decoded(self.subject.repository.content(self.checkout.head, path), path) if path else ""


def decoded(content: bytes | None, path: str) -> str:
    """The text of a changelog. RepositoryError if it is none."""
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise RepositoryError(f"{path} is not in UTF-8", hint="convert it, or pass --no-changelog") from error


def environment_by_tag(book: Rulebook, plan: Plan, asked: str | None) -> str:
    """The environment that is deployed by a version's tag. UsageError if none is, or several are and none was named."""
    known = (book.plan or plan).environments
    found = [name for name, item in known.items() if item.trigger.tag]
    if asked is not None:
        if asked not in known:
            raise UsageError(f"there is no environment {asked}", hint=f"it has: {', '.join(known)}")
        if asked not in found:
            raise UsageError(
                f"{asked} is not deployed by a tag: {trigger_text(known[asked].trigger)}", hint=_hint(found)
            )
        return asked
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            "no environment of the plan is deployed by a tag", hint="in the plan: on: {tag: v*, branch: main}"
        )
    raise UsageError(f"several environments are deployed by a tag: {', '.join(found)}", hint=_hint(found))


def _hint(found: Sequence[str]) -> str:
    return " or ".join(f"--env {name}" for name in found)


def read_situation(ctx: Context, subject: Subject, *, preparing: bool = False) -> Situation:
    """Read it. RepositoryError lists everything that keeps this checkout from being released; preparing: from getting the
    changelog's entry, for which a change of that file alone and commits that are not pushed are none."""
    repository, origin = subject.repository, subject.book.origin
    if repository.is_bare:
        raise UsageError(
            "a version is made of what is checked out, and this is a bare repository", hint="run it in a clone"
        )
    here = checkout(repository)
    refs = origin.refs(fresh=True)
    local = tags(repository)
    published = refs.tags() if subject.book.has_remote else local
    branch = here.branch or ""
    remote = remote_of(repository, origin.address, branch) or origin.url if subject.book.has_remote else None
    distance = _distance(repository, here.head, refs.branches().get(branch)) if remote and branch else (0, 0)
    problems = _problems(ctx, subject, here, preparing=preparing)
    if remote and branch and not (preparing and branch not in refs.branches()):
        problems += _beside_remote(branch, remote, refs.branches().get(branch), distance, preparing=preparing)
    triggers = [item.trigger for _, item in subject.in_force.environments]
    matching = [name for name in published if all(is_version(trigger, name) for trigger in triggers)]
    prefix = version.prefix_of(next((item.tag for item in triggers if item.tag), "v*"), matching)
    before = version.newest(matching, prefix)
    if before and not here.shallow and not repository.has(published[before]):
        problems.append((f"this clone lacks the commit of {before}, the newest version", "git fetch --tags"))
    if problems:
        raise RepositoryError(
            f"this checkout can't become a version of {subject.environment}:\n"
            + "\n".join(f"  - {problem}" for problem, _ in problems),
            hint="; ".join(dict.fromkeys(hint for _, hint in problems)),
        )
    since = commits_since(repository, here.head, published.get(before or ""))
    return Situation(
        subject, here, branch, remote, distance[0] if distance else 0, bool(remote) and branch not in refs.branches(), published, local, prefix, before,
        [change(item) for item in since if not item.is_merge], changes(since), not since,
    )  # fmt: skip


def _distance(repository: Repository, head: str, tip: str | None) -> tuple[int, int] | None:
    return ahead_and_behind(repository, head, tip) if tip else (0, 0)


def _problems(ctx: Context, subject: Subject, here: Checkout, *, preparing: bool) -> list[tuple[str, str]]:
    """Problems of the checkout alone, with their remedies."""
    problems = []
    triggers = [item.trigger for _, item in subject.in_force.environments]
    names = " or ".join(dict.fromkeys(name for trigger in triggers for name in trigger.branches))
    wanted = all(on_branch(trigger, here.branch or "") for trigger in triggers if trigger.branches)
    if here.branch is None:
        problems.append(("no branch is checked out (HEAD is detached)", f"git switch {names or 'BRANCH'}"))
    elif not preparing and not wanted:
        problems.append((
            f"this is the branch {here.branch}, and {subject.environment} takes versions from {names}",
            f"git switch {names}",
        ))  # fmt: skip
    elif preparing and wanted and (before := branches_before(ctx, subject)) and here.branch not in before:
        problems.append((
            f"a commit on {here.branch} would not be validated: that is done with the branch {' or '.join(before)}",
            f"git switch {before[0]}",
        ))  # fmt: skip
    if here.changed and not (preparing and all(path.endswith(changelog.NAME) for path in here.changed)):
        more = f" and {len(here.changed) - LISTED} more" if len(here.changed) > LISTED else ""
        problems.append((
            f"uncommitted changes: {', '.join(here.changed[:LISTED])}{more}", "commit them, or set them aside: git stash"
        ))  # fmt: skip
    if here.shallow:
        problems.append(("this clone is shallow: it lacks commits and tags", "git fetch --unshallow --tags"))
    return problems


def branches_before(ctx: Context, subject: Subject) -> list[str]:
    """The branches whose commits are validated before, by the environments that must come first."""
    names = dict.fromkeys(item.after for _, item in subject.in_force.environments if item.after)
    rules = [item for name in names for _, item in subject.book.of(ctx, name).environments]
    return list(dict.fromkeys(branch for item in rules for branch in item.trigger.branches))


def _beside_remote(
    branch: str, remote: str, tip: str | None, distance: tuple[int, int] | None, *, preparing: bool
) -> list[tuple[str, str]]:
    if tip is None:
        return [(f"{remote} has no branch {branch}", f"git push {remote} {branch}")]
    if distance is None:
        return [(f"{remote} has commits of {branch} that this clone lacks", "git pull --ff-only")]
    ahead, behind = distance
    if ahead and behind:
        return [(f"{branch} and that of {remote} have diverged ({ahead} and {behind} commits)", "git pull --rebase")]
    if behind:
        return [(f"{branch} is behind {remote} by {behind}", "git pull --ff-only")]
    if ahead and not preparing:
        return [(f"{branch} is ahead of {remote} by {ahead}: push it first", f"git push {remote} {branch}")]
    return []
