"""Writes docs/iam.md: who may do what to what, drawn from the plan of example.tfvars."""

import sys

from plan import Plan

HEAD = """\
# Who may call what

Drawn from the plan of `terraform/tests/example.tfvars` by `terraform/check.sh --iam`; `make terraform-check` fails where the two
differ. Accounts are on the left; an arrow is a role on one thing, never on the whole project but where the label says so.

"""


def label(target):
    return target.replace('"', "").replace("google_", "").replace("module.service", "service")


def chart(title, grants):
    lines = [f"## {title}", "", "```mermaid", "flowchart LR"]
    nodes = {}

    def node(text):
        if text not in nodes:
            nodes[text] = f"n{len(nodes)}"
            lines.append(f'  {nodes[text]}["{text}"]')
        return nodes[text]

    for member, role, target in sorted(grants):
        source, sink = node(Plan.short(member)), node(label(target))
        lines.append(f"  {source} -- {role.removeprefix('roles/')} --> {sink}")
    return "\n".join([*lines, "```", ""])


def main(path):
    grants = list(Plan(path).grants())
    calls = [grant for grant in grants if grant[1] == "roles/run.invoker"]
    identities = [grant for grant in grants if grant[1].startswith("roles/iam.")]
    rest = [grant for grant in grants if grant not in calls and grant not in identities]
    print(HEAD + "\n".join([chart("Calls", calls), chart("Identities", identities), chart("Data and deployment", rest)]), end="")


main(sys.argv[1])
