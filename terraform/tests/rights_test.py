"""Each command of docs/deploy.md, and each that the workflow deploys with, is held against the rights that it takes.

Who applies is Owner, as the page says. Everybody else has what the plan grants. A command that is not in the table is a failure,
so that nobody writes one down without saying what it takes.
"""

import pathlib
import re
import unittest

from plan import Plan

ROOT = pathlib.Path(__file__).parent.parent.parent
OWNER, OPERATOR, SMOKE, DEPLOY = "owner", "operator@example.com", "eventflow-smoke", "eventflow-deploy"
PROJECT = "project eventflow-test"

# What the roles that are granted hold, as far as it is asked for here: https://cloud.google.com/iam/docs/roles-permissions
ROLES = {
    "artifactregistry.writer": {
        "artifactregistry.repositories.downloadArtifacts",
        "artifactregistry.repositories.uploadArtifacts",
        "artifactregistry.tags.create",
        "artifactregistry.tags.update",
        "artifactregistry.versions.get",
    },
    "bigquery.dataViewer": {"bigquery.tables.getData"},
    "bigquery.jobUser": {"bigquery.jobs.create"},
    "cloudscheduler.jobRunner": {"cloudscheduler.jobs.run"},
    "iam.serviceAccountOpenIdTokenCreator": {"iam.serviceAccounts.getOpenIdToken"},
    "iam.serviceAccountTokenCreator": {"iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"},
    "iam.serviceAccountUser": {"iam.serviceAccounts.actAs"},
    "run.developer": {"run.executions.get", "run.jobs.get", "run.jobs.run", "run.jobs.update", "run.revisions.get", "run.services.get", "run.services.update"},
    "run.invoker": {"run.routes.invoke"},
    "run.viewer": {"run.executions.get", "run.jobs.get", "run.operations.get", "run.revisions.get", "run.services.get"},
}

# Owner has no right on a billing account; the page says who has.
BILLING = "billing.accounts.setIamPolicy"


def service(name):
    return f'module.service["{name}"]'


def account(name):
    return f'google_service_account.account["{name}"]'


SERVICES = ["ingest", "process-push", "admin", "bq-flush"]
IMAGES, JOB = "google_artifact_registry_repository.images", "google_cloud_run_v2_job.migrate"
UPDATES = [(DEPLOY, permission, service(name)) for name in SERVICES for permission in ["run.services.get", "run.services.update"]]
UPDATES += [(DEPLOY, "run.operations.get", PROJECT)]
PUSHES = [(DEPLOY, f"artifactregistry.repositories.{verb}Artifacts", IMAGES) for verb in ["upload", "download"]]
APPLIES = [(OWNER, permission, PROJECT) for permission in ["iam.serviceAccounts.actAs", "resourcemanager.projects.setIamPolicy", "secretmanager.versions.access"]]

# gcloud fetches an access token before an identity token.
TOKEN = [(OPERATOR, f"iam.serviceAccounts.{verb}", account("smoke")) for verb in ["getAccessToken", "getOpenIdToken"]]
CALLS = [(SMOKE, "run.routes.invoke", service(name)) for name in ["admin", "ingest"]]

# Command: who runs it, and what it takes of what. Those that ask nobody take nothing.
PAGE = {
    "gcloud projects describe": [(OWNER, "resourcemanager.projects.get", PROJECT)],
    "gcloud auth login": [],
    "gcloud config set": [],
    "gcloud config get": [],
    "gcloud services enable": [(OWNER, "serviceusage.services.enable", PROJECT)],
    "gcloud beta services identity create": [(OWNER, "serviceusage.services.enable", PROJECT)],
    "gcloud storage buckets create": [(OWNER, "storage.buckets.create", PROJECT)],
    "gcloud storage buckets update": [(OWNER, "storage.buckets.update", PROJECT)],
    "gcloud billing accounts add-iam-policy-binding": [("the billing account's administrator", BILLING, "billing account")],
    "gcloud auth configure-docker": [],
    "gcloud auth print-identity-token": TOKEN,
    "gcloud run jobs execute": [(OWNER, "run.jobs.run", JOB)],
    "docker build": [(OWNER, "artifactregistry.repositories.uploadArtifacts", IMAGES)],
    "terraform init": [(OWNER, "storage.objects.list", "bucket")],
    "terraform plan": [(OWNER, "storage.objects.get", "bucket")],
    "terraform apply": APPLIES,
    "terraform destroy": APPLIES,
    "terraform output": [(OWNER, "storage.objects.get", "bucket")],
    "cargo run": [],
    "gh api": [],
    "gh variable": [],
    "make smoke": [
        *TOKEN,
        *CALLS,
        (OWNER, "cloudscheduler.jobs.run", PROJECT),
        (OWNER, "bigquery.jobs.create", PROJECT),
        # The workflow does the same as this account.
        (SMOKE, "cloudscheduler.jobs.run", PROJECT),
        (SMOKE, "bigquery.jobs.create", PROJECT),
        (SMOKE, "bigquery.tables.getData", "google_bigquery_table.events"),
    ],
    ".github/scripts/images": [(OWNER, "artifactregistry.repositories.uploadArtifacts", IMAGES)],
    ".github/scripts/rollout": [(OWNER, "run.services.update", PROJECT)],
}
NEXT = {"gcloud auth print-identity-token": TOKEN, "curl": CALLS}
ROLLOUT = {
    "gcloud run services describe": [(DEPLOY, "run.services.get", service(name)) for name in SERVICES],
    "gcloud run revisions describe": [(DEPLOY, "run.revisions.get", PROJECT)],
    # A change of the invoker check needs run.services.setIamPolicy; an update passes it on as it is.
    "gcloud run services update": UPDATES + [(DEPLOY, "iam.serviceAccounts.actAs", account(name)) for name in SERVICES],
    "gcloud run services update-traffic": UPDATES,
    "gcloud run jobs update": [
        *((DEPLOY, f"run.jobs.{verb}", JOB) for verb in ["get", "update", "run"]),
        (DEPLOY, "run.executions.get", PROJECT),
        (DEPLOY, "iam.serviceAccounts.actAs", account("migrate")),
    ],
    "gcloud artifacts docker tags add": [(DEPLOY, f"artifactregistry.{right}", IMAGES) for right in ["tags.create", "tags.update", "versions.get"]],
}


def commands(text):
    """The first words of each command; an argument may be among them."""
    start = r"(?:^|[\s(;&|`{])"
    gcloud = r"gcloud(?: [a-z][a-z-]*)+"
    others = r"(?:terraform|docker|cargo|gh) [a-z]+|make(?: -C \.\.)? [a-z]+|\.github/scripts/\w+|curl"
    for match in re.finditer(rf"{start}({gcloud}|{others})(?=[\s`;)]|$)", text):
        yield match[1].replace("make -C ..", "make")


def page():
    """What is in the page's fences and code spans."""
    text = (ROOT / "docs" / "deploy.md").read_text()
    fences = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", text)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^ *```\w*\n.*?^ *```", "", text))
    return "\n".join([*fences, *spans])


class Rights(unittest.TestCase):
    def setUp(self):
        self.grants = {}
        for member, role, target in Plan.given().grants():
            self.grants.setdefault(Plan.short(member), []).append((role.removeprefix("roles/"), target))

    def may(self, who, permission, target):
        """On the thing itself, or on the project that it is in."""
        return any(permission in ROLES.get(role, ()) and on in (target, PROJECT) for role, on in self.grants.get(who, []))

    def hold(self, text, table):
        lines = {words: max((known for known in table if f"{words} ".startswith(f"{known} ")), key=len, default=None) for words in commands(text)}
        self.assertEqual([words for words, known in lines.items() if known is None], [], "without a line in the table")
        self.assertEqual(set(table) - set(lines.values()), set(), "without a command")
        for command, rights in table.items():
            for who, permission, target in rights:
                if who in (OPERATOR, SMOKE, DEPLOY):
                    self.assertTrue(self.may(who, permission, target), f"{command}: {who} lacks {permission} on {target}")
                elif who == OWNER:
                    self.assertNotRegex(permission, "^billing", command)

    def test_each_command_of_the_page(self):
        self.hold(page(), PAGE)

    def test_the_page_says_who_has_what_terraform_does_not_grant(self):
        text = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
        self.assertIn("You need a project with billing, its role Owner", text)
        for permission in ["iam.serviceAccounts.actAs", "secretmanager.versions.access"]:
            self.assertIn(permission, text)
        self.assertIn("roles/billing.costsManager", text)

    def test_the_commands_that_terraform_prints(self):
        source = (ROOT / "terraform" / "modules" / "eventflow" / "outputs.tf").read_text()
        self.hold("\n".join(line for line in source.splitlines() if "description" not in line), NEXT)

    def test_what_the_workflow_deploys_with(self):
        text = (ROOT / ".github" / "scripts" / "rollout").read_text()
        self.hold("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")), ROLLOUT)

    def test_a_role_that_lacks_the_right_is_found(self):
        self.grants[OPERATOR] = [("iam.serviceAccountOpenIdTokenCreator", account("smoke"))]
        with self.assertRaisesRegex(AssertionError, "lacks iam.serviceAccounts.getAccessToken"):
            self.hold(page(), PAGE)


class Apis(unittest.TestCase):
    """A freshly enabled API refuses calls for minutes, so what is used early is enabled earlier."""

    def test_what_the_first_apply_uses_was_enabled_before(self):
        enabled, target = re.search(r"(?s)gcloud services enable ([^\n]*)\n.*?terraform apply -target=(\S+)", page()).groups()
        addresses = {resource["address"] for resource in Plan.given().resources}
        self.assertIn(target, addresses)
        needed = {"google_artifact_registry_repository": "artifactregistry.googleapis.com"}[target.split(".")[2]]
        # Those of the services' identities and of Terraform's own calls, too.
        for api in [needed, "pubsub.googleapis.com", "serviceusage.googleapis.com", "cloudresourcemanager.googleapis.com"]:
            self.assertIn(api, enabled.split())

    def test_what_comes_after_is_enabled_by_terraform(self):
        apis = {resource["values"]["service"] for resource in Plan.given().of("google_project_service")}
        self.assertLessEqual({"iamcredentials.googleapis.com", "run.googleapis.com", "cloudscheduler.googleapis.com", "bigquery.googleapis.com"}, apis)


if __name__ == "__main__":
    unittest.main()
