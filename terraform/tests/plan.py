"""The planned resources of a `terraform show -json`, and who is granted what in them."""

import json
import os
import re


class Plan:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self._plan = json.load(file)
        self.resources = list(_planned(self._plan["planned_values"]["root_module"]))

    @classmethod
    def given(cls):
        return cls(os.environ["PLAN"])

    def of(self, type_):
        return [resource for resource in self.resources if resource["type"] == type_]

    def services(self):
        """The containers' environments and the whole service, by short name."""
        for resource in self.of("google_cloud_run_v2_service"):
            values = resource["values"]
            container = values["template"][0]["containers"][0]
            env = {entry["name"]: entry["value"] for entry in container["env"] if not entry["value_source"]}
            yield values["name"].removeprefix("eventflow-"), env, container, values

    def grants(self):
        """(member, role, target) of each binding that the plan makes."""
        for resource in self.resources:
            values = resource["values"]
            if "role" in values:
                yield values["member"], values["role"], self._target(resource)

    @staticmethod
    def short(member):
        """An account's own part of its address, a repository for its workflows."""
        if "/attribute.repository_id/" in member:
            return f"repository {member.rpartition('/')[2]}"
        return member.partition(":")[2].removesuffix(".iam.gserviceaccount.com").removesuffix("@eventflow-test")

    def _target(self, resource):
        """What a binding is about: named in the values, or where only the apply will know it, by
        the resource that the configuration refers to."""
        if resource["type"] == "google_project_iam_member":
            return f"project {resource['values']['project']}"
        module, _, rest = resource["address"].rpartition("module.")
        if module or rest != resource["address"]:
            return resource["address"].split(".google_")[0]
        configured = next(
            configured
            for configured in self._plan["configuration"]["root_module"]["resources"]
            if configured["address"] == f"{resource['type']}.{resource['name']}"
        )
        key = resource.get("index")
        for attribute in ATTRIBUTES:
            if attribute in configured["expressions"]:
                return self._referred(configured, attribute, resource["values"], key)
        raise ValueError(f"{resource['address']} has no target that is known here")

    @staticmethod
    def _referred(configured, attribute, values, key):
        references = configured["expressions"][attribute].get("references", [])
        if "each.key" in references:
            return f'{references[0].split("[")[0]}["{key}"]' if references[0] != "each.key" else _owner(references[1], key)
        if "each.value" in references or "each.value.id" in references:
            return f'{configured["for_each_expression"]["references"][-1]} {key}' if values.get(attribute) is None else values[attribute]
        return _owner(references[0], None) if references else values[attribute]


# Where each kind of binding names its target.
ATTRIBUTES = [
    "topic",
    "subscription",
    "secret_id",
    "service_account_id",
    "repository",
    "table_id",
    "cloud_run_service_name",
    "name",
]


def _owner(reference, key):
    """The resource or module of a reference to one of its attributes."""
    match = re.match(r"((?:module\.)?[a-z0-9_]+(?:\.[a-z0-9_]+)?)(\[[^\]]+\])?", reference)
    index = f'["{key}"]' if key else (match[2] or "")
    return match[1] + index


def _planned(module):
    yield from (resource for resource in module.get("resources", []) if resource["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from _planned(child)
