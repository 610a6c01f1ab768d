"""The planned resources of a `terraform show -json`, and who is granted what in them."""

import json
import os
import re

# Where each kind of binding names what it is about.
TARGETS = ["topic", "subscription", "secret_id", "service_account_id", "repository", "table_id", "name"]


class Plan:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
        self.resources = list(_managed(plan["planned_values"]["root_module"]))
        self.configuration = plan["configuration"]["root_module"]
        self.variables = set(self.configuration["variables"])
        self.call = self.configuration["module_calls"]["eventflow"]
        self._configured = {resource["address"]: resource for resource in self.call["module"]["resources"]}

    @classmethod
    def given(cls, name="example"):
        """That of a file of variables beside this one."""
        return cls(os.path.join(os.environ["PLANS"], f"{name}.json"))

    def of(self, type_):
        return [resource for resource in self.resources if resource["type"] == type_]

    def services(self):
        """Short name, environment, container and values of each service."""
        for resource in self.of("google_cloud_run_v2_service"):
            values = resource["values"]
            container = values["template"][0]["containers"][0]
            env = {entry["name"]: entry["value"] for entry in container["env"] if not entry["value_source"]}
            yield values["name"].removeprefix("eventflow-"), env, container, values

    def grants(self):
        """(member, role, target) of each binding."""
        for resource in self.resources:
            if "role" in resource["values"]:
                yield resource["values"]["member"], resource["values"]["role"], self._target(resource)

    def _target(self, resource):
        """The project's name, or the resource that the configuration refers to: most IDs are known only when they exist."""
        values = resource["values"]
        if resource["type"] == "google_project_iam_member":
            return f"project {values['project']}"
        if resource["type"] == "google_storage_bucket_iam_member":
            return f"bucket {values['bucket']}"
        if resource["type"] == "google_billing_account_iam_member":
            return f"billing account {values['billing_account_id']}"
        module = re.search(r'module\.service\["[^"]+"\]', resource["address"])
        if module:
            return module[0]
        expressions = self._configured[f"{resource['type']}.{resource['name']}"]["expressions"]
        references = next(expressions[name] for name in TARGETS if name in expressions)["references"]
        # Two parts and the index that tells accounts or services apart; that of a `count` tells nothing.
        target = re.match(r'\w+\.\w+(\["[^"]+"\])?', references[0])[0]
        return f'{target}["{resource["index"]}"]' if "each.key" in references else target

    @staticmethod
    def short(member):
        """An account without what they all share; a repository for its workflows."""
        if "/attribute.repository_id/" in member:
            return f"repository {member.rpartition('/')[2]}"
        if "/attribute.plans_of/" in member:
            return f"plans of repository {member.rpartition('/')[2]}"
        return member.partition(":")[2].removesuffix(".iam.gserviceaccount.com").removesuffix("@eventflow-test")


def _managed(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _managed(child)
