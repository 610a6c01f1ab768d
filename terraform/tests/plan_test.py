"""What must hold in the plan of a whole deployment (example.tfvars), whatever makes it so."""

import collections
import sys
import unittest

from plan import Plan

sys.path.append("../docs")
import cost_defaults

PROJECT = "project eventflow-test"
SERVICES = ["ingest", "process-push", "admin", "bq-flush"]
DATABASE = {
    ("roles/cloudsql.client", PROJECT),
    ("roles/secretmanager.secretAccessor", "local.database_url_secret"),
}


def on(role, *targets):
    return {(f"roles/{role}", target) for target in targets}


def account(name):
    return f'google_service_account.account["{name}"]'


def service(name):
    return f'module.service["{name}"]'


LOOKS = [
    "artifactregistry.reader",
    "bigquery.metadataViewer",
    "browser",
    "cloudscheduler.viewer",
    "cloudsql.viewer",
    "iam.securityReviewer",
    "iam.serviceAccountViewer",
    "iam.workloadIdentityPoolViewer",
    "logging.viewer",
    "monitoring.viewer",
    "pubsub.viewer",
    "run.viewer",
    "secretmanager.viewer",
    "serviceusage.serviceUsageConsumer",
]

# Each account has exactly these.
TABLE = {
    "eventflow-ingest": DATABASE | on("pubsub.publisher", "google_pubsub_topic.events"),
    "eventflow-process-push": DATABASE | on("pubsub.publisher", "google_pubsub_topic.events"),
    "eventflow-admin": DATABASE | on("pubsub.publisher", "google_pubsub_topic.events"),
    "eventflow-bq-flush": DATABASE
    | on("bigquery.jobUser", PROJECT)
    | on("bigquery.dataEditor", "google_bigquery_table.events"),
    "eventflow-migrate": DATABASE,
    "eventflow-pusher": on("run.invoker", service("process-push")),
    "eventflow-scheduler": on("run.invoker", service("process-push"), service("bq-flush")),
    "eventflow-smoke": on("run.invoker", service("ingest"), service("admin"))
    | on("cloudscheduler.jobRunner", PROJECT)
    | on("bigquery.jobUser", PROJECT)
    | on("bigquery.dataViewer", "google_bigquery_table.events"),
    "eventflow-deploy": on("artifactregistry.writer", "google_artifact_registry_repository.images")
    | on("run.developer", *map(service, SERVICES), "google_cloud_run_v2_job.migrate")
    | on("run.viewer", PROJECT)
    | on("iam.serviceAccountUser", *map(account, [*SERVICES, "migrate"])),
    "service-123456789012@gcp-sa-pubsub": on("pubsub.publisher", "google_pubsub_topic.dead_letter")
    | on("pubsub.subscriber", "google_pubsub_subscription.worker")
    | on("iam.serviceAccountOpenIdTokenCreator", account("pusher")),
    # It looks, and changes nothing.
    "eventflow-plan": {(f"roles/{role}", PROJECT) for role in LOOKS}
    | {("roles/storage.objectViewer", "bucket eventflow-test-terraform")}
    | on("secretmanager.secretAccessor", "google_secret_manager_secret.database_url")
    | {("roles/billing.viewer", "billing account 000000-111111-222222")},
    "plans of repository 1001": on("iam.workloadIdentityUser", "google_service_account.plan"),
    "repository 1001": on("iam.workloadIdentityUser", "google_service_account.deploy", account("smoke")),
    "operator@example.com": on("run.invoker", service("admin"))
    | on("iam.serviceAccountTokenCreator", account("smoke")),
    "viewer@example.com": on("run.invoker", service("admin")),
    "shop@shop-test": on("run.invoker", service("ingest")),
}


class Modules(unittest.TestCase):
    def test_each_variable_is_passed_on(self):
        plan = Plan.given()
        self.assertEqual(set(plan.call["expressions"]), plan.variables)
        self.assertTrue(plan.variables)


class Grants(unittest.TestCase):
    def setUp(self):
        self.plan = Plan.given()

    def test_each_account_has_exactly_its_roles(self):
        found = collections.defaultdict(set)
        for member, role, target in self.plan.grants():
            found[Plan.short(member)].add((role, target))
        self.maxDiff = None
        self.assertEqual(dict(found), TABLE)

    def test_nobody_has_a_primitive_role(self):
        roles = {role for _, role, _ in self.plan.grants()}
        self.assertTrue(roles)
        self.assertFalse(roles & {"roles/owner", "roles/editor", "roles/viewer"})

    def test_nothing_is_public(self):
        members = {member for member, _, _ in self.plan.grants()}
        self.assertFalse(members & {"allUsers", "allAuthenticatedUsers"})

    def test_no_grant_takes_others_away(self):
        authoritative = [resource["address"] for resource in self.plan.resources if resource["type"].endswith(("_iam_binding", "_iam_policy"))]
        self.assertEqual(authoritative, [])


class Services(unittest.TestCase):
    def setUp(self):
        self.services = list(Plan.given().services())

    def test_there_are_four(self):
        self.assertEqual({name for name, *_ in self.services}, set(SERVICES))

    def test_a_stripped_signature_is_taken_exactly_where_the_invoker_check_is_on(self):
        for name, env, _, values in self.services:
            checked = not values["invoker_iam_disabled"]
            self.assertEqual(env["IDENTITY"], "cloud-run" if checked else "verify", name)
            self.assertTrue(checked, name)

    def test_the_audience_is_the_service_s_own_url(self):
        for name, env, *_ in self.services:
            self.assertEqual(env["IDENTITY_AUDIENCE"], f"https://eventflow-{name}-123456789012.europe-west1.run.app")

    def test_who_is_called_by_google_alone_is_internal(self):
        internal = {name for name, _, _, values in self.services if values["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"}
        self.assertEqual(internal, {"process-push", "bq-flush"})

    def test_the_callers_are_told_to_the_services(self):
        env = {name: env for name, env, *_ in self.services}
        mail = "@eventflow-test.iam.gserviceaccount.com"
        self.assertEqual(env["process-push"]["PUSH_ACCOUNT"], f"eventflow-pusher{mail}")
        self.assertEqual(env["process-push"]["SCHEDULER_ACCOUNT"], f"eventflow-scheduler{mail}")
        self.assertEqual(env["bq-flush"]["SCHEDULER_ACCOUNT"], f"eventflow-scheduler{mail}")
        self.assertEqual(env["ingest"]["INGEST_AUTH"], "iam")
        self.assertEqual(env["admin"]["ADMIN_AUTH"], "google")
        self.assertEqual(env["admin"]["ADMIN_OWNERS"], f"eventflow-smoke{mail},operator@example.com")
        self.assertEqual(env["admin"]["ADMIN_VIEWERS"], "viewer@example.com")

    def test_traffic_comes_when_it_can_work(self):
        for name, _, container, _ in self.services:
            self.assertEqual(container["startup_probe"][0]["http_get"][0]["path"], "/ready", name)
            self.assertEqual(container["liveness_probe"][0]["http_get"][0]["path"], "/health", name)

    def test_the_cpu_is_billed_as_is_said(self):
        idle = {name: container["resources"][0]["cpu_idle"] for name, _, container, _ in self.services}
        self.assertEqual(idle, {"ingest": True, "process-push": False, "admin": True, "bq-flush": True})

    def test_the_costs_are_reckoned_with_what_is_planned(self):
        for name, _, container, values in self.services:
            expected = cost_defaults.SERVICES[name]
            limits = container["resources"][0]["limits"]
            self.assertEqual((float(limits["cpu"]), limits["memory"]), (expected["cpu"], f"{expected['gib'] * 1024:.0f}Mi"), name)
            self.assertEqual(expected["billing"], "request", name)
        instance = Plan.given().of("google_sql_database_instance")[0]["values"]
        self.assertEqual(instance["settings"][0]["tier"], cost_defaults.DATABASE["tier"])
        self.assertEqual(instance["settings"][0]["availability_type"] == "REGIONAL", cost_defaults.DATABASE["highly_available"])
        env = {name: env for name, env, *_ in self.services}
        self.assertEqual(env["process-push"]["RETENTION_DAYS"], str(cost_defaults.RETENTION_DAYS))
        # The others have the services' own defaults.
        for name in ["ingest", "process-push"]:
            self.assertEqual(env[name]["DATABASE_MAX_CONNECTIONS"], str(cost_defaults.SERVICES[name]["pool"]), name)
        schedules = sorted(job["values"]["schedule"] for job in Plan.given().of("google_cloud_scheduler_job"))
        self.assertEqual(sum(map(cost_defaults.calls_a_month, schedules)), sum(cost_defaults.SCHEDULED.values()))

    def test_a_push_may_take_as_long_as_its_deadline(self):
        timeouts = {name: int(values["template"][0]["timeout"].removesuffix("s")) for name, _, _, values in self.services}
        deadlines = {job["values"]["name"]: job["values"] for job in Plan.given().of("google_cloud_scheduler_job")}
        self.assertGreaterEqual(timeouts["process-push"], 90)
        for name, service_ in [("relay", "process-push"), ("maintain", "process-push"), ("flush", "bq-flush")]:
            deadline = int(deadlines[f"eventflow-{name}"]["attempt_deadline"].removesuffix("s"))
            self.assertLessEqual(deadline, timeouts[service_], name)
        self.assertGreater(int(deadlines["eventflow-flush"]["attempt_deadline"].removesuffix("s")), 240)

    def test_each_runs_as_itself(self):
        for name, _, _, values in self.services:
            self.assertEqual(values["template"][0]["service_account"], f"eventflow-{name}@eventflow-test.iam.gserviceaccount.com")


class Plans(unittest.TestCase):
    """Whoever may open a pull request may plan, and nothing more."""

    def setUp(self):
        self.providers = {
            provider["values"]["workload_identity_pool_provider_id"]: provider["values"]
            for provider in Plan.given().of("google_iam_workload_identity_pool_provider")
        }

    def test_a_plan_s_token_makes_nobody_a_deployer(self):
        grants = [(member, target) for member, role, target in Plan.given().grants() if role == "roles/iam.workloadIdentityUser"]
        attribute = {target: member.split("/attribute.")[1].partition("/")[0] for member, target in grants}
        self.assertEqual(attribute.pop("google_service_account.plan"), "plans_of")
        self.assertEqual(set(attribute.values()), {"repository_id"})
        self.assertNotIn("attribute.repository_id", self.providers["plans"]["attribute_mapping"])

    def test_a_deploy_has_been_approved_where_its_environment_wants_that(self):
        self.assertIn('assertion.environment == "production"', self.providers["github"]["attribute_condition"])


class Logs(unittest.TestCase):
    def test_no_line_of_a_failure_is_dropped(self):
        filters = {resource["values"]["name"]: resource["values"]["filter"] for resource in Plan.given().of("google_logging_project_exclusion")}
        self.assertEqual(set(filters), {"eventflow-cloud-run-requests", "eventflow-own-requests"})
        self.assertIn("severity <= INFO AND httpRequest.status < 400 AND sample(insertId, 0.9)", filters["eventflow-own-requests"])
        self.assertIn('log_id("run.googleapis.com/requests")', filters["eventflow-cloud-run-requests"])


class Secrets(unittest.TestCase):
    def test_no_password_is_in_the_plan(self):
        plan = Plan.given()
        versions = plan.of("google_secret_manager_secret_version")
        self.assertEqual(len(versions), 1)
        for resource in versions + plan.of("google_sql_user"):
            for name in ["secret_data", "secret_data_wo", "password", "password_wo"]:
                self.assertIsNone(resource["values"].get(name), f"{resource['address']} {name}")


class Protection(unittest.TestCase):
    def test_what_holds_data_is_protected_and_nothing_else_is(self):
        protected = {
            resource["type"]: resource["values"]["deletion_protection"]
            for resource in Plan.given().resources
            if "deletion_protection" in resource["values"]
        }
        self.assertEqual(
            protected,
            {
                "google_sql_database_instance": True,
                "google_bigquery_table": True,
                "google_cloud_run_v2_service": False,
                "google_cloud_run_v2_job": False,
                # A password that is lost is replaced by a new one.
                "google_secret_manager_secret": False,
            },
        )


if __name__ == "__main__":
    unittest.main()
