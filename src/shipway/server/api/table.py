"""THE table of the API's operations: the routes and the OpenAPI document are made from it."""

from __future__ import annotations

from shipway import shapes
from shipway.domain.queue import Push
from shipway.domain.record_schema import class_schema, type_schema
from shipway.domain.release import Deployment
from shipway.domain.run import RunRecord
from shipway.domain.single_test import RunTest
from shipway.server.api import changing, events, reading
from shipway.server.api.operation import BOOLEAN, EVENTS, INTEGER, MOST, TEXT, Field, Operation

LIMIT = Field("limit", INTEGER, "The most that are listed", most=500, least=1, default=50)
AFTER = Field("after", INTEGER, "Only those with a greater number", most=MOST, default=0)
STREAM = (
    Field(
        "after", INTEGER, "Only events after this `id`; the header `Last-Event-ID` says it too", most=MOST, default=0
    ),
    Field("follow", BOOLEAN, "Go on until it has ended; false: only what there is", default=True),
)
REASON = Field("reason", TEXT, "Why; recorded in the history", most=2000, default="")
RELEASE = Field("release", INTEGER, "Number of the release", True, most=10**9, least=1)
DRY = Field("dry_run", BOOLEAN, "Change nothing, and answer what would change", default=False)
REVISION = Field("revision", TEXT, "A branch, a tag or a commit", True, 200, 1, r"^[A-Za-z0-9_][A-Za-z0-9_./+@-]*$")
HERE = "/apps/{app}/environments/{environment}"
STREAMED = "A stream of server-sent events, which ends with the event `ended`. Who loses the permission is cut off."

OPERATIONS = (
    Operation("listApps", "GET", "/apps", "see", "List the apps, with what runs where", shapes.apps, reading.apps),
    Operation("getStatus", "GET", "/apps/{app}/status", "see", "What runs where, as `shipway status` shows it", shapes.status, reading.status, more="As seen a few seconds ago."),
    Operation("getBoard", "GET", "/apps/{app}/board", "see", "The same in the order of promotion, with what the next release waits for", reading.board_schema, reading.board),
    Operation("getHistory", "GET", "/apps/{app}/history", "see", "Deployments with their approvals, proofs and purges, newest first", shapes.history, reading.history, (LIMIT,)),
    Operation("listRuns", "GET", "/apps/{app}/runs", "see", "List runs of the pipeline, newest first", lambda kinds: type_schema(list[RunRecord], kinds), reading.runs, (LIMIT, AFTER)),
    Operation("startRun", "POST", "/apps/{app}/runs", "run", "Run the pipeline for a revision", changing.follow_schema, changing.start_run, body=(REVISION,), status=202, more="If the plan deploys the revision, `deploy` or `deploy.protected` is needed there too: else nothing runs."),
    Operation("getRun", "GET", "/apps/{app}/runs/{number}", "see", "A run with its steps", reading.run_schema, reading.run),
    Operation("getRunEvents", "GET", "/apps/{app}/runs/{number}/events", "logs", "What a run printed", changing.steps_text, events.of_run, STREAM, media=EVENTS, more=STREAMED),
    Operation("getRunTests", "GET", "/apps/{app}/runs/{number}/tests", "logs", "The single tests of a run, failures first", lambda kinds: type_schema(list[RunTest], kinds), reading.tests, (Field("limit", INTEGER, "The most that are listed", most=5000, least=1, default=500),)),
    Operation("cancelRun", "POST", "/apps/{app}/runs/{number}/cancel", "run", "Cancel a run", changing.follow_schema, changing.cancel_run, body=(REASON,), status=202),
    Operation("listReleases", "GET", "/apps/{app}/releases", "see", "List releases, newest first", lambda kinds: shapes.list_of(reading.release_schema(kinds)), reading.releases, (LIMIT,)),
    Operation("getRelease", "GET", "/apps/{app}/releases/{number}", "see", "A release", reading.release_schema, reading.release),
    Operation("listAppDeployments", "GET", "/apps/{app}/deployments", "see", "List deployments to all environments, newest first", lambda kinds: type_schema(list[Deployment], kinds), reading.deployments, (LIMIT,)),
    Operation("listDeployments", "GET", f"{HERE}/deployments", "see", "List deployments to an environment, newest first", lambda kinds: type_schema(list[Deployment], kinds), reading.deployments, (LIMIT, AFTER)),
    Operation("deploy", "POST", f"{HERE}/deployments", "deploy", "Deploy a release, by the rules in force", changing.follow_or_changeset, changing.deploy, body=(RELEASE, DRY), status=202, more="With `dry_run`, the answer is 200 and what would change."),
    Operation("getDeployment", "GET", f"{HERE}/deployments/{{number}}", "see", "A deployment", lambda kinds: class_schema(Deployment, kinds), reading.deployment),
    Operation("getDeploymentEvents", "GET", f"{HERE}/deployments/{{number}}/events", "logs", "What a deployment printed", changing.steps_text, events.of_deployment, STREAM, media=EVENTS, more=STREAMED),
    Operation("rollBack", "POST", f"{HERE}/rollback", "rollback", "Roll back to the last good release, or to another one", changing.follow_or_changeset, changing.roll_back, body=(Field("to", INTEGER, "Number of that release", most=10**9, least=1), REASON, DRY), status=202, more="With `dry_run`, the answer is 200 and what would change."),
    Operation("listApprovals", "GET", f"{HERE}/approvals", "see", "List the approvals of a release", changing.approvals_schema, reading.approvals, (RELEASE,)),
    Operation("approve", "POST", f"{HERE}/approvals", "approve", "Approve a release, for exactly its digests", changing.approvals_schema, changing.approve, body=(RELEASE, REASON), status=201, more="The answer lists all approvals of the release."),
    Operation("reject", "POST", f"{HERE}/rejections", "approve", "Reject the deployment of a release that waits, and say why", changing.approvals_schema, changing.reject, body=(RELEASE, REASON), status=201, more="The answer lists all approvals of the release: they stay recorded."),
    Operation("listSchedules", "GET", f"{HERE}/schedules", "see", "Jobs on a schedule, with their next and last runs", shapes.schedules, reading.schedules, more="`log` is empty without the permission `logs`."),
    Operation("listPushes", "GET", "/queue", "see", "List pushes, newest first", lambda kinds: type_schema(list[Push], kinds), reading.queue, (LIMIT, Field("open", BOOLEAN, "Only those that have not ended", default=False)), more="Needs the permission for all apps."),
    Operation("getPush", "GET", "/queue/{number}", "see", "A push", lambda kinds: class_schema(Push, kinds), reading.push, more="Needs the permission for all apps."),
    Operation("getPushEvents", "GET", "/queue/{number}/events", "logs", "What came of a push", changing.steps_text, events.of_push, STREAM, media=EVENTS, more=f"{STREAMED} Needs the permission for all apps."),
)  # fmt: skip
