"""THE table of commands. A plain module, which every command loads."""

from __future__ import annotations

# By section of --help, the name: (module, one line). A command's module is imported only when the command runs.
SECTIONS = {
    "Start": {
        "init": ("shipway.cli.init", "Generate a plan for this repository, or --hook: install the hook in a bare one"),
        "check": ("shipway.cli.check", "Check the plan and print all its problems"),
        "ci": ("shipway.cli.ci", "Write the file that runs the plan in GitHub, GitLab, Jenkins or Woodpecker"),
        "dev": ("shipway.cli.dev", "Run the app from the working tree, with live reload"),
        "launch": ("shipway.cli.launch", "Launch an environment: from nothing to open, as one resumable checklist"),
        "system-test": ("shipway.cli.system_test", "Test an environment fully, from outside and inside"),
        "seed": ("shipway.cli.seed", "Run the seed of an environment again"),
    },
    "Release": {
        "release": ("shipway.cli.release", "Make a version: show what would go out, tag it and push the tag"),
        "run": ("shipway.cli.run", "Run the pipeline for a revision, and deploy it if the plan says so"),
        "hook": ("shipway.cli.hook", "Process a push (called by the post-receive hook)"),
        "serve": ("shipway.cli.serve", "Run pushes as they come, and show what runs where on a page"),
        "webhook": ("shipway.cli.webhook", "Add and remove the webhooks of forges"),
        "poll": ("shipway.cli.poll", "Ask repositories for new commits, where nothing tells of a push"),
        "notify": ("shipway.cli.notify", "Tell people of deployments, approvals and trouble"),
        "worker": ("shipway.cli.worker", "Work on the queue of pushes"),
        "deploy": ("shipway.cli.deploy", "Deploy a release to an environment"),
        "approve": ("shipway.cli.approve", "Approve a release for an environment"),
        "rules": ("shipway.cli.rules", "Show the rules in force, or change them"),
        "prove": ("shipway.cli.prove", "Test the rollback of a release before it is deployed"),
        "proof": ("shipway.cli.proof", "Show a recorded rollback proof of a release"),
        "waive": ("shipway.cli.waive", "Waive a failed rollback proof, with a reason"),
        "rollback": ("shipway.cli.rollback", "Roll back to the last good release"),
        "resume": ("shipway.cli.resume", "End the hold of automatic deployment after a rollback"),
        "rehearse": ("shipway.cli.rehearse", "Rehearse a rollback on a copy of the data"),
        "retire": ("shipway.cli.retire", "End the standby of the previous release"),
        "wait": ("shipway.cli.wait", "Wait for a deployment or a run to end"),
        "show": ("shipway.cli.show", "Print again what a deployment or a run printed"),
        "cancel": ("shipway.cli.cancel", "Cancel a run or a deployment, in any process"),
    },
    "Every day": {
        "status": ("shipway.cli.status", "Show what runs where"),
        "history": ("shipway.cli.history", "List all deployments of an environment"),
        "insights": ("shipway.cli.insights", "Show how often and how fast changes go out, and how often they fail"),
        "apps": ("shipway.cli.apps", "List the apps of the ledger"),
        "logs": ("shipway.cli.logs", "Print what the services of an environment have written"),
        "ps": ("shipway.cli.ps", "List the containers of an environment, and what they use"),
        "exec": ("shipway.cli.exec", "Run a command with a service's image, variables and secrets"),
        "console": ("shipway.cli.console", "Open the console of the framework"),
        "db": ("shipway.cli.db", "Open the database with its client"),
        "open": ("shipway.cli.open", "Open the address of an environment in the browser"),
        "restart": ("shipway.cli.restart", "Restart services without losing a request"),
        "scale": ("shipway.cli.scale", "Change the number of a service's replicas"),
        "config": ("shipway.cli.config", "Print the resolved configuration of an environment"),
        "diff": ("shipway.cli.diff", "Show what differs between two releases or environments"),
        "maintenance": ("shipway.cli.maintenance", "Turn a maintenance page on or off"),
        "purge": ("shipway.cli.purge", "Purge paths from the CDN in front of an environment"),
        "schedules": ("shipway.cli.schedules", "Show the jobs on a schedule, and run one now"),
        "tick": ("shipway.cli.tick", "Start due jobs and backups, repeat failed purges (called by cron or a timer)"),
    },
    "Data": {
        "backup": ("shipway.cli.backup", "Back up an environment or the ledger, encrypted, and verify the stored copy"),
        "backups": ("shipway.cli.backups", "List the backups of an environment, and verify one"),
        "restore": ("shipway.cli.restore", "Restore an environment from a snapshot or a backup, or the ledger"),
        "snapshot": ("shipway.cli.snapshot", "Take a snapshot of an environment's database, and verify it"),
        "snapshots": ("shipway.cli.snapshots", "List the snapshots that can be restored"),
        "database": ("shipway.cli.database", "Upgrade an environment's database to another major version"),
    },
    "Hosts, names and secrets": {
        "host": ("shipway.cli.host", "Prepare a bare host for deployments, or check it"),
        "infra": ("shipway.cli.infra", "Plan and apply an environment's infrastructure"),
        "dns": ("shipway.cli.dns", "Show and apply what an environment needs in the DNS"),
        "certificate": ("shipway.cli.certificate", "Obtain or renew an environment's certificate by DNS"),
        "secret": ("shipway.cli.secret", "Set, list and remove the secrets of an environment"),
        "key": ("shipway.cli.key", "Copy the encryption key of the secrets to another machine"),
        "user": ("shipway.cli.user", "Add people who use the server, and say what they may do"),
        "token": ("shipway.cli.token", "Create and revoke API tokens"),
        "audit": ("shipway.cli.audit", "Show who did what, and verify that record"),
        "local-ca": ("shipway.cli.local_ca", "Print the local CA certificate"),
    },
    "Upkeep": {
        "doctor": ("shipway.cli.doctor", "Compare the ledger with what runs; --fix repairs differences"),
        "prune": ("shipway.cli.prune", "Remove images, outputs and logs that are no longer needed"),
        "adopt": ("shipway.cli.adopt", "Adopt what another ledger deployed"),
        "rename": ("shipway.cli.rename", "Rename an app or an environment"),
        "destroy": ("shipway.cli.destroy", "Destroy an environment with its data"),
        "completion": ("shipway.cli.completion", "Print the completion script of a shell"),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
# Commands that change nothing: where their reader has enough, as `head` has, nothing is left to say.
READING = frozenset({
    "check", "proof", "snapshots", "backups", "apps", "status", "logs", "ps", "open", "config", "diff", "wait", "show", "local-ca", "schedules",
    "history", "completion", "audit", "insights",
})  # fmt: skip
FORMER = {"accept": "waive", "drill": "rehearse", "authority": "local-ca"}  # former names, removed after one release
