"""How a checkout runs on a developer's machine: names, the plan there, and what a changed file causes."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.develop import Develop
from shipway.domain.development import (
    COPY,
    REBUILD,
    RESTART,
    Checkout,
    copies,
    counts,
    development,
    environment_of,
    host_of,
    is_migration,
    migration_key,
    mounted,
    plan_changes,
    reaction,
    slug,
    step_of_tests,
)
from shipway.domain.errors import UsageError
from shipway.domain.mounts import Volume
from shipway.domain.plan import Accessory, BuildSource, Database, Environment, Plan, Service, Step, StepImage
from shipway.domain.tasks import Seed
from shipway.system.patterns import matches
from tests.unit.domain import samples

HERE = Checkout("shop", "/home/ada/shop", "shipway.yaml", "shop.localhost", 8090)


def plan_with(**develop: object) -> Plan:
    backend = dataclasses.replace(samples.PLAN.services["backend"], develop=Develop(**develop))  # type: ignore[arg-type]
    return dataclasses.replace(samples.PLAN, services={**samples.PLAN.services, "backend": backend})


class TestNames:
    def test_the_first_checkout_has_the_name_of_the_app_and_others_that_of_their_folder(self) -> None:
        assert host_of("shop", "/home/ada/shop", []) == "shop.localhost"
        assert host_of("shop", "/home/ada/Feature_X", ["shop.localhost"]) == "feature-x.shop.localhost"
        taken = ["shop.localhost", "feature-x.shop.localhost"]
        assert host_of("shop", "/tmp/feature x", taken) == "feature-x-2.shop.localhost"

    def test_a_folder_of_any_name_gives_a_part_of_a_host_name(self) -> None:
        assert slug("Größe & Co!") == "gr-e-co"
        assert slug("...") == "checkout"
        assert len(slug("x" * 300)) == 20

    def test_the_name_on_the_engine_is_one_that_no_environment_of_a_plan_can_have(self) -> None:
        name = environment_of("/home/ada/shop", "shipway.yaml")
        assert name.startswith("dev.shop-")
        assert name == environment_of("/home/ada/shop", "shipway.yaml")
        assert name != environment_of("/home/bob/shop", "shipway.yaml")
        assert name != environment_of("/home/ada/shop", "apps/a/shipway.yaml")

    def test_the_port_is_named_only_if_it_is_not_the_usual_one(self) -> None:
        assert HERE.url == "http://shop.localhost:8090"
        assert dataclasses.replace(HERE, port=443, secure=True).url == "https://shop.localhost"


class TestPlan:
    def test_services_get_what_they_have_in_production_under_another_environment(self) -> None:
        found = development(samples.PLAN, HERE, {})
        assert found.environment.name == HERE.environment
        assert found.environment.url == HERE.url
        assert found.environment.environment == {
            "SHIPWAY_ENVIRONMENT": "development", "SHIPWAY_REVISION": "working-tree",
        }  # fmt: skip
        assert found.environment.replicas == {"frontend": 1, "backend": 1, "worker": 1}
        assert found.environment.seed == Seed("backend", "seed", ("ADMIN",))  # of the first environment that has one
        assert found.plan.environments == {HERE.environment: found.environment}
        assert found.plan.services["backend"] == samples.PLAN.services["backend"]

    def test_what_develop_says_replaces_command_stage_and_port(self) -> None:
        plan = plan_with(run="serve --reload", mount={"backend": "/app"}, target="test", port=3000)
        own = development(plan, HERE, {})
        found = own.plan.services["backend"]
        assert found.build == BuildSource("backend", target="test")
        assert (found.entrypoint, found.command, found.port) == ("sh -c", "'serve --reload'", 3000)
        assert mounted(own.plan, own.environment, "backend") == {"/home/ada/shop/backend": "/app"}

    @pytest.mark.parametrize("linked", [False, True])
    def test_a_container_with_the_whole_checkout_does_not_have_its_repository(self, linked: bool) -> None:
        own = development(plan_with(mount={".": "/app"}), HERE, {}, linked=linked)
        found = mounted(own.plan, own.environment, "backend")
        hidden = "/dev/null" if linked else f"shop_{HERE.environment}_develop-git.volume"
        assert found == {"/home/ada/shop": "/app", hidden: "/app/.git"}

    def test_no_folder_of_the_host_is_shared_with_an_environment(self) -> None:
        backend = dataclasses.replace(
            samples.PLAN.services["backend"], volumes={"m": Volume("m", "/media", "/srv/media")}
        )
        plan = dataclasses.replace(samples.PLAN, services={"backend": backend})
        assert development(plan, HERE, {}).plan.services["backend"].volumes["m"].folder is None

    def test_a_container_stands_for_an_external_service_unless_its_address_is_given(self) -> None:
        external = Accessory(
            "db", "postgres:15", "postgres", "DATABASE_URL", external="DATABASE_URL", version="15", port=5432
        )
        plan = dataclasses.replace(samples.PLAN, accessories={"db": external})
        assert development(plan, HERE, {}).plan.own_accessories.keys() == {"db"}
        given = development(plan, HERE, {"DATABASE_URL": "postgresql://elsewhere/x"})
        assert given.plan.externals == ("DATABASE_URL",)
        assert given.unknown == ()
        unknown = dataclasses.replace(external, image="", port=None, kind="other")
        assert development(dataclasses.replace(plan, accessories={"db": unknown}), HERE, {}).unknown == (
            "DATABASE_URL",
        )

    def test_given_variables_go_to_the_services_but_never_replace_an_accessory_or_a_secret(self) -> None:
        given = {"LOG_LEVEL": "debug", "DATABASE_URL": "postgresql://localhost/mine", "KEY": "k"}
        assert development(samples.PLAN, HERE, given).environment.environment == {
            "LOG_LEVEL": "debug", "SHIPWAY_ENVIRONMENT": "development", "SHIPWAY_REVISION": "working-tree",
        }  # fmt: skip

    def test_secrets_of_environments_are_those_of_all_and_optional_only_if_they_are_everywhere(self) -> None:
        one = Environment("a", "http://a.localhost", secrets=("X", "Y"), optional_secrets=("X", "Y"))
        two = Environment("b", "http://b.localhost", secrets=("X",))
        plan = dataclasses.replace(samples.PLAN, environments={"a": one, "b": two})
        found = development(plan, HERE, {}).environment
        assert (found.secrets, found.optional_secrets) == (("X", "Y"), ("Y",))

    def test_only_some_services(self) -> None:
        found = development(samples.PLAN, HERE, {}, ["worker"])
        assert found.services == ("worker",)
        assert found.environment.replicas == {"frontend": 0, "backend": 0, "worker": 1}
        with pytest.raises(UsageError, match="no service 'api'"):
            development(samples.PLAN, HERE, {}, ["api"])


class TestReaction:
    @pytest.mark.parametrize(
        ("develop", "path", "expected"),
        [
            (None, "backend/app.py", REBUILD),
            (None, "frontend/app.ts", None),
            (None, "shipway.yaml", None),
            ({"mount": {"backend": "/app"}}, "backend/app.py", RESTART),
            ({"mount": {"backend": "/app"}, "run": "serve --reload"}, "backend/app.py", None),
            ({"mount": {"backend": "/app"}, "run": "serve", "restart": True}, "backend/app.py", RESTART),
            ({"mount": {"backend": "/app"}, "run": "serve"}, "backend/requirements.txt", REBUILD),
            ({"mount": {"backend": "/app"}, "run": "serve"}, "backend/docker/Dockerfile", REBUILD),
            ({"mount": {"backend": "/app"}, "watch": ("backend/*.lock",)}, "backend/requirements.txt", RESTART),
            ({"mount": {"backend": "/app"}, "watch": ("backend/*.lock",)}, "backend/x.lock", REBUILD),
            ({"mount": {"backend": "/app"}, "watch": ("backend/*.lock",)}, "backend/Dockerfile", REBUILD),
            ({"mount": {"backend/src": "/app"}, "run": "serve"}, "backend/other.py", REBUILD),
            ({"sync": {"backend": "/app"}, "run": "serve"}, "backend/app.py", COPY),
            ({"sync": {"backend": "/app"}}, "backend/app.py", RESTART),
            ({"mount": {"shared": "/shared"}, "run": "serve"}, "shared/x.py", None),
            ({"mount": {"shared": "/shared"}}, "shared/x.py", RESTART),
            ({"watch": ("shared/**",)}, "shared/x.py", REBUILD),
        ],
    )
    def test_of_a_changed_file(self, develop: dict[str, object] | None, path: str, expected: str | None) -> None:
        plan = samples.PLAN if develop is None else plan_with(**develop)
        assert reaction(plan, "backend", path, matches) == expected

    def test_an_image_that_others_are_built_on_and_further_folders_count(self) -> None:
        build = BuildSource("backend", images={"BASE": "frontend"}, contexts={"shared": "libs"})
        services = {**samples.PLAN.services, "backend": Service("backend", build)}
        plan = dataclasses.replace(samples.PLAN, services=services)
        assert reaction(plan, "backend", "frontend/x.ts", matches) == REBUILD
        assert reaction(plan, "backend", "libs/x.py", matches) == REBUILD
        assert reaction(plan, "backend", "elsewhere/x.py", matches) is None

    def test_a_plain_image_starts_again_with_its_configuration_file(self) -> None:
        plan = dataclasses.replace(
            samples.PLAN, services={"proxy": Service("proxy", image="nginx:1", files={"/etc/x": "proxy/site.conf"})}
        )
        assert reaction(plan, "proxy", "proxy/site.conf", matches) == RESTART
        assert reaction(plan, "proxy", "proxy/other", matches) is None

    def test_mounted_sources_are_no_part_of_the_image_but_dependencies_are(self) -> None:
        plan = plan_with(mount={"backend": "/app"}, run="serve")
        assert not counts(plan, "backend", "backend/app.py", matches)
        assert counts(plan, "backend", "backend/requirements.txt", matches)
        assert counts(samples.PLAN, "backend", "backend/app.py", matches)
        assert counts(plan_with(sync={"backend": "/app"}), "backend", "backend/app.py", matches)

    def test_copied_files_go_where_their_folder_is(self) -> None:
        service = Service("web", develop=Develop(sync={"web": "/app", "web/lib": "/lib"}))
        assert copies(service, "web/lib/x.py") == ["/app/lib/x.py", "/lib/x.py"]
        assert copies(service, "other/x.py") == []


class TestMigrations:
    def test_files_by_the_plan_or_by_the_usual_names(self) -> None:
        named = dataclasses.replace(samples.PLAN, database=Database("db", "backend", "sql", folder="sql/schema"))
        assert is_migration(named, "backend/sql/schema/1.sql")
        assert is_migration(samples.PLAN, "backend/shop/migrations/0001_first.py")
        assert not is_migration(samples.PLAN, "backend/app.py")
        assert not is_migration(samples.PLAN, "frontend/migrations/x.ts")

    def test_the_key_changes_with_a_migration_and_with_the_database_alone(self) -> None:
        files = {"backend/migrations/1.py": "a", "backend/app.py": "b"}
        key = migration_key(samples.PLAN, files, "one")
        assert migration_key(samples.PLAN, {**files, "backend/app.py": "c"}, "one") == key
        assert migration_key(samples.PLAN, {**files, "backend/migrations/2.py": "c"}, "one") != key
        assert migration_key(samples.PLAN, files, "two") != key

    def test_without_recognized_files_any_change_counts(self) -> None:
        one, two = ({"backend/db.py": text} for text in "ab")
        assert migration_key(samples.PLAN, one, "x") != migration_key(samples.PLAN, two, "x")


class TestEditedPlan:
    def test_names_what_needs_a_restart(self) -> None:
        plan = plan_with(run="serve")
        after = dataclasses.replace(plan, accessories={}, database=None)
        after = dataclasses.replace(after, services={**after.services, "mail": Service("mail", image="mail:1")})
        assert plan_changes(samples.PLAN, after) == [
            "service backend: develop", "service mail is new", "accessory db is gone", "database",
        ]  # fmt: skip

    def test_rules_of_environments_and_the_pipeline_need_none(self) -> None:
        after = dataclasses.replace(samples.PLAN, pipeline={"x": Step("x", "true", StepImage("a:1"))})
        assert plan_changes(samples.PLAN, after) == []


class TestTests:
    def test_the_step_named_so_or_the_first_with_reports_with_quoted_arguments(self) -> None:
        lint = Step("lint", "ruff", StepImage("a:1"))
        unit = Step("unit", "pytest", StepImage("a:1"))
        report = Step("check", "mocha", StepImage("a:1"), reports=("junit.xml",))
        plan = dataclasses.replace(samples.PLAN, pipeline={"lint": lint, "check": report, "unit": unit})
        assert step_of_tests(plan, ["-k", "a b"]).run == "pytest -k 'a b'"
        assert step_of_tests(dataclasses.replace(plan, pipeline={"lint": lint, "check": report}), []).name == "check"
        with pytest.raises(UsageError, match="no step named"):
            step_of_tests(dataclasses.replace(plan, pipeline={"lint": lint}), [])
