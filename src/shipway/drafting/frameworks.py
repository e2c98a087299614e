"""Variables that a framework requires, whatever its settings say."""

from __future__ import annotations

import posixpath
import re

from shipway.drafting import assemble
from shipway.drafting.builds import Build
from shipway.drafting.draft import Draft
from shipway.drafting.tree import Tree, join

_APP = re.compile(r"(?<![\w./:-])([A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?)")  # module:app, and not an address


def give(tree: Tree, draft: Draft) -> None:
    """Rails starts in production only with the key of its credentials, or with a secret of its own."""
    for service in draft.services:
        home = service.home or service.folder or "."
        if service.folder is None or not tree.is_file(join(home, "config/application.rb")):
            continue
        if not {"RAILS_MASTER_KEY", "SECRET_KEY_BASE"} & {*service.secrets, *service.environment}:
            encrypted = tree.is_file(join(home, "config/credentials.yml.enc"))
            name = "RAILS_MASTER_KEY" if encrypted else "SECRET_KEY_BASE"
            service.secrets.append(name)
            service.why.append(f"{name}, which Rails requires")


def flask_app(tree: Tree, draft: Draft, found: list[Build]) -> None:
    """Flask-Migrate finds the app as `flask` does: by FLASK_APP, unless it is in app.py or wsgi.py. The server's command
    names it otherwise."""
    for database in draft.databases:
        folder = posixpath.dirname(database.why.partition(";")[0])
        if database.tool != "alembic" or "current_app" not in tree.text(join(folder, "env.py")):
            continue
        service = next(item for item in draft.services if item.name == database.service)
        build = assemble.of(service, found)
        project = posixpath.dirname(folder) or "."
        known = {**service.environment, **(build.facts.settings if build else {})}
        if "FLASK_APP" in known or tree.first(project, "app.py", "wsgi.py", ".flaskenv"):
            continue
        match = _APP.search(service.command or (build.facts.command if build else None) or "")
        if match:
            service.environment["FLASK_APP"] = match[1]
            service.why.append(f"FLASK_APP from its command, for {folder}")
        else:
            service.todo.append("FLASK_APP: which module has the Flask app? Flask-Migrate needs it")
