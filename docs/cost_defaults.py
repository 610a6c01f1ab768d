"""Terraform's defaults, as far as they cost something, read out of its files.

`terraform fmt` gives every attribute a line of its own, and a block its first and last line, so lines are all that is read. What is
looked for and not found, or is no literal, is an error.
"""

import pathlib
import re

TERRAFORM = pathlib.Path(__file__).parent.parent / "terraform" / "modules" / "eventflow"


def attributes(file):
    """Each attribute's text by where it stands, such as `variable.database.type.tier`."""
    found, place = {}, []
    for line in (TERRAFORM / file).read_text(encoding="utf-8").splitlines():
        name, is_attribute, text = re.sub(r"^\s*#.*", "", line).strip().partition(" = ")
        opened = line.count("{") - line.count("}")
        if opened > 0:
            block = " ".join(re.findall(r"[\w-]+", name)).replace(" ", ".")
            place += [block] + [""] * (opened - 1)
        elif opened < 0:
            del place[opened:]
        elif is_attribute:
            found[".".join([*place, name.strip()])] = text.strip()
    return found


def literal(text):
    """The value of a literal, or the default of an `optional(…)`."""
    text = re.sub(r"^optional\(\w+, (.*)\)$", r"\1", text)
    if text in ("true", "false"):
        return text == "true"
    if match := re.fullmatch(r'"([^"$]*)"', text):
        return match[1]
    return float(text) if "." in text else int(text)


def calls_a_month(schedule):
    """Of a schedule in which only the minutes differ."""
    minutes, rest = schedule.split(" ", 1)
    if rest != "* * * *":
        raise ValueError(f"how often is {schedule}?")
    if minutes == "*":
        return 60 * 730
    return 60 // int(minutes[2:]) * 730 if minutes.startswith("*/") else 730


def services():
    text = attributes("services.tf")
    found = {}
    for name in ["ingest", "process-push", "admin", "bq-flush"]:
        of = {key: literal(text[f"locals.defaults.{name}.{key}"]) for key in ["cpu", "memory", "billing", "concurrency"]}
        pool = text[f"locals.pools.{name}"]
        if match := re.fullmatch(r"min\((\d+), local\.sized\.process-push\.concurrency \+ (\d+)\)", pool):
            pool = min(int(match[1]), of["concurrency"] + int(match[2]))
        found[name] = {
            "cpu": float(of["cpu"]),
            "gib": int(of["memory"].removesuffix("Mi")) / 1024,
            "billing": of["billing"],
            "pool": int(pool),
        }
    return found


def scheduled():
    """Calls a month of each service."""
    found = {}
    for text in attributes("schedules.tf").values():
        if match := re.search(r'service = "([\w-]+)", schedule = "([^"]+)"', text):
            found[match[1]] = found.get(match[1], 0) + calls_a_month(match[2])
    return found


def database():
    text = attributes("variables_data.tf")
    found = {key: literal(text[f"variable.database.type.{key}"]) for key in ["tier", "highly_available"]}
    vcpus, megabytes = re.fullmatch(r"db-custom-(\d+)-(\d+)", found["tier"]).groups()
    return found | {"vcpus": int(vcpus), "gb": int(megabytes) / 1024}


SERVICES = services()
SCHEDULED = scheduled()
DATABASE = database()
RETENTION_DAYS = literal(attributes("variables_services.tf")["variable.retention_days.default"])
