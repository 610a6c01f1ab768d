#!/usr/bin/env -S python3 -B
"""What a month costs, from list prices, from measured CPU and from Terraform's defaults. Prints the tables of cost.md.

    docs/cost.py                                  the figures below
    docs/cost.py --bench target/bench/bench.json  the CPU of a run of `make bench`
    docs/cost.py --price sql_vcpu_hour=0.05 --retention 30 --at 50,500
"""

import argparse
import json
import math

from cost_defaults import DATABASE, RETENTION_DAYS, SCHEDULED, SERVICES

# US dollars, us-central1, without discounts and taxes, as published in the first half of 2026.
PRICES = {
    "run_request_vcpu_second": 0.000024,  # Cloud Run, billed by request
    "run_request_gib_second": 0.0000025,
    "run_million_requests": 0.40,
    "run_instance_vcpu_second": 0.000018,  # Cloud Run, billed by instance: no price for a request
    "run_instance_gib_second": 0.000002,
    "sql_vcpu_hour": 0.0413,  # Cloud SQL, Enterprise; one that is highly available takes all of it twice
    "sql_gb_hour": 0.007,
    "sql_ssd_gb_month": 0.17,
    "sql_backup_gb_month": 0.08,
    "pubsub_tib": 40.0,
    "bigquery_gb_month": 0.02,  # loading is free
    "logging_gib": 0.50,
}
FREE = {
    "run_request_vcpu_seconds": 180_000,
    "run_request_gib_seconds": 360_000,
    "run_requests": 2_000_000,
    "run_instance_vcpu_seconds": 240_000,
    "run_instance_gib_seconds": 450_000,
    "pubsub_gib": 10,
    "bigquery_gb": 10,
    "logging_gib": 50,
}

# CPU seconds for 1,000 events with a payload of 400 bytes. `--bench` takes them from the rows of the same names.
MEASURED = {
    "pipeline-cpu-ingest": 0.085,
    "pipeline-cpu-process-push": 0.086,
    "pipeline-cpu-postgres": 0.136,
    "flush-cpu": 0.003,
    "flush-cpu-postgres": 0.005,
    "bytes-per-event": 790,
}
PAYLOAD = 400
# So large a payload took 0.95 to 1.01 of the CPU of one of 400 bytes, which is as much: 8,000 events three times by turns, by
# release builds. It takes more disk.
LARGE = 2_000

HOURS = 730
SECONDS = HOURS * 3600
BUSY = 0.6  # how much of a CPU is used before there is another
SHORTEST_BILL = 0.1  # Cloud Run rounds a request up to this
LOAD_JOB_SECONDS = 20  # how long a flush that loads waits for BigQuery
GB_A_VCPU = 3.75
SIZES = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]  # vCPUs of a Cloud SQL instance
LARGEST_DISK_GB = 64_000
BIGQUERY_BYTES = 600  # of an event with a payload of 400
MESSAGE_BYTES = 220  # an id, its type and its trace, as Pub/Sub counts them
OWN_LINE = 700  # bytes of our line for a request, some 460, and of the members that Cloud Logging adds to it
CLOUD_RUN_LINE = 1000  # of the one that Cloud Run writes
OWN_LINES_KEPT = 0.01  # with `log_exclusions = { cloud_run_requests = true, own_requests = 0.99 }`
LEAST_PUBSUB_BYTES = 1000  # that a publish or a push counts for
PUBLISH_SECONDS = 0.005  # what comes within this is published together


class Case:
    """So many events a second, of so many bytes, for a month."""

    def __init__(self, prices, measured, rate, days, payload=PAYLOAD, highly_available=DATABASE["highly_available"]):
        self.prices, self.rate, self.days, self.payload, self.available = prices, rate, days, payload, highly_available
        larger = payload - PAYLOAD
        self.cpu = measured
        # As if nothing were compressed.
        self.bytes = measured["bytes-per-event"] + larger
        self.bigquery_bytes = BIGQUERY_BYTES + larger
        self.counts = {
            "ingest": self.instances("pipeline-cpu-ingest"),
            "process-push": self.instances("pipeline-cpu-process-push"),
            "admin": 1,
            "bq-flush": 1,
        }

    def instances(self, figure):
        return max(1, math.ceil(self.rate * self.cpu[figure] / 1000 / BUSY))

    def sql(self):
        wanted = self.rate * (self.cpu["pipeline-cpu-postgres"] + self.cpu["flush-cpu-postgres"]) / 1000 / BUSY
        self.vcpus = next((size for size in SIZES if size >= max(wanted, DATABASE["vcpus"])), None)
        self.parts = self.vcpus or math.ceil(wanted / SIZES[-1]) * SIZES[-1]
        self.memory = DATABASE["gb"] if self.parts == DATABASE["vcpus"] else self.parts * GB_A_VCPU
        self.disk = max(10, self.rate * 86_400 * self.days * self.bytes / 1e9)
        hourly = self.parts * self.prices["sql_vcpu_hour"] + self.memory * self.prices["sql_gb_hour"]
        twice = 2 if self.available else 1
        return {
            "instance": hourly * HOURS * twice,
            "disk": self.disk * (self.prices["sql_ssd_gb_month"] * twice + self.prices["sql_backup_gb_month"]),
        }

    def requests(self, name):
        of_events = {"ingest": self.rate, "process-push": self.rate}.get(name, 0)
        return of_events * SECONDS + SCHEDULED.get(name, 0)

    def busy(self, name):
        """Seconds in which at least one request is there, over all instances."""
        if name == "bq-flush":
            waits = LOAD_JOB_SECONDS if self.rate else SHORTEST_BILL
            return self.requests(name) * waits + self.rate * SECONDS * self.cpu["flush-cpu"] / 1000
        count = self.counts[name]
        return (1 - math.exp(-self.requests(name) / SECONDS / count * SHORTEST_BILL)) * count * SECONDS

    def cloud_run(self, billing):
        """`billing` says for each service how it is billed. What is free is free once for each way."""
        vcpu, gib, requests = {"request": 0, "instance": 0}, {"request": 0, "instance": 0}, 0
        for name, count in self.counts.items():
            way = billing[name]
            seconds = self.busy(name) if way == "request" else count * SECONDS
            vcpu[way] += seconds * SERVICES[name]["cpu"]
            gib[way] += seconds * SERVICES[name]["gib"]
            requests += self.requests(name) if way == "request" else 0
        cost = max(0, requests - FREE["run_requests"]) / 1e6 * self.prices["run_million_requests"]
        for way in vcpu:
            cost += max(0, vcpu[way] - FREE[f"run_{way}_vcpu_seconds"]) * self.prices[f"run_{way}_vcpu_second"]
            cost += max(0, gib[way] - FREE[f"run_{way}_gib_seconds"]) * self.prices[f"run_{way}_gib_second"]
        return cost

    def shipped(self):
        return {name: service["billing"] for name, service in SERVICES.items()}

    def by_instance(self):
        """Only for the services that every event calls."""
        return self.shipped() | {"ingest": "instance", "process-push": "instance"}

    def pubsub(self):
        together = max(1, self.rate * PUBLISH_SECONDS)
        publish = max(MESSAGE_BYTES, LEAST_PUBSUB_BYTES / together)
        gib = self.rate * SECONDS * (publish + LEAST_PUBSUB_BYTES) / 2**30
        return max(0, gib - FREE["pubsub_gib"]) / 1024 * self.prices["pubsub_tib"]

    def bigquery(self):
        gigabytes = self.rate * SECONDS * self.bigquery_bytes / 1e9
        return max(0, gigabytes - FREE["bigquery_gb"]) * self.prices["bigquery_gb_month"]

    def logs(self, own, cloud_run):
        """With these shares of both kinds of lines kept. An event makes a request to ingest, and one to process-push."""
        gib = self.rate * SECONDS * 2 * (own * OWN_LINE + cloud_run * CLOUD_RUN_LINE) / 2**30
        return max(0, gib - FREE["logging_gib"]) * self.prices["logging_gib"]

    def connections(self):
        """Twice, since a rollout runs the old and the new beside each other; 7 are the migrations', PostgreSQL's and people's."""
        return 2 * sum(count * SERVICES[name]["pool"] for name, count in self.counts.items()) + 7

    def name(self):
        larger = f", {self.payload / 1000:.0f} KB" if self.payload != PAYLOAD else ""
        return f"{self.rate:,}{larger}{', HA' if self.available else ''}"


def dollars(value):
    return f"${value:,.0f}"


def row(*cells):
    return f"| {' | '.join(cells)} |"


def heads(*names):
    yield row(*names)
    yield row(*["---"] * len(names))


def costs(cases):
    """As Terraform sets it, and with the switches that make it cheaper."""
    yield from heads("events/s", "Cloud SQL", "Pub/Sub", "BigQuery", "Run by request", "Run by instance", "all logs", "logs excluded", "**as shipped**", "**tuned**", "a million events, tuned")
    for case in cases:
        fixed = [sum(case.sql().values()), case.pubsub(), case.bigquery()]
        run = [case.cloud_run(case.shipped()), case.cloud_run(case.by_instance())]
        logs = [case.logs(1, 1), case.logs(OWN_LINES_KEPT, 0)]
        shipped, tuned = sum(fixed) + run[0] + logs[0], sum(fixed) + min(run) + logs[1]
        each = f"${tuned / (case.rate * SECONDS / 1e6):.2f}" if case.rate else "–"
        cells = [dollars(cell) for cell in [*fixed, *run, *logs]]
        yield row(case.name(), *cells, f"**{dollars(shipped)}**", f"**{dollars(tuned)}**", each)


def sizes(cases):
    yield from heads("events/s", "Cloud SQL", "disk, days kept", "ingest", "process-push", "cheaper by", "connections")
    for case in cases:
        case.sql()
        sql = f"{case.parts} vCPU, {case.memory:,.0f} GB" if case.vcpus else f"**none is large enough**: {case.parts} vCPU"
        disk = f"{case.disk:,.0f} GB, {case.days}"
        if case.disk > LARGEST_DISK_GB:
            disk = f"**too large**: {disk}"
        cheaper = "request" if case.cloud_run(case.shipped()) <= case.cloud_run(case.by_instance()) else "instance"
        yield row(case.name(), sql, disk, str(case.counts["ingest"]), str(case.counts["process-push"]), cheaper, str(case.connections()))


def at_rest(case):
    yield from heads("what", "a month")
    sql = case.sql()
    yield row(f"Cloud SQL, `{DATABASE['tier']}`: {case.parts} vCPU, {case.memory} GB", dollars(sql["instance"]))
    yield row(f"{case.disk:,.0f} GB of SSD and its backups", f"${sql['disk']:.2f}")
    calls = sum(SCHEDULED.values())
    yield row(f"Cloud Run, for {calls:,} calls of Cloud Scheduler", dollars(case.cloud_run(case.shipped())))
    yield row("**together**", f"**{dollars(sum(sql.values()) + case.cloud_run(case.shipped()))}**")
    another = Case(case.prices, MEASURED, 0, case.days, highly_available=True)
    yield row("`database = { highly_available = true }`", f"+ {dollars(sum(another.sql().values()) - sum(sql.values()))}")
    idle = SECONDS * (SERVICES["ingest"]["cpu"] * case.prices["run_request_gib_second"] + SERVICES["ingest"]["gib"] * case.prices["run_request_gib_second"])
    yield row("`min_instances = 1` of a service that is billed by request", f"+ {dollars(idle)}")


def kept(rate, asked):
    """Terraform's default, but where a disk would cost more than all the rest."""
    return asked or (RETENTION_DAYS if rate <= 100 else 30 if rate <= 1_000 else 7)


def crossing(prices, measured):
    """From how many events a second on it is cheaper by instance."""
    for rate in range(1, 1_000):
        case = Case(prices, measured, rate, 7)
        if case.cloud_run(case.by_instance()) < case.cloud_run(case.shipped()):
            return rate
    raise SystemExit("billing by instance is never cheaper")


def sentences(prices, measured):
    yield f"By instance is cheaper from {crossing(prices, measured)} events a second on."
    thousand = Case(prices, measured, 1_000, 30)
    million = thousand.requests("ingest") + thousand.requests("process-push")
    yield f"At 1,000 events a second the requests alone are {dollars(million / 1e6 * prices['run_million_requests'])} a month, by request."
    yield f"Cloud Logging takes ${prices['logging_gib']:.2f} for a GiB beyond the free {FREE['logging_gib']} GiB."
    cpu = measured["pipeline-cpu-postgres"] + measured["flush-cpu-postgres"]
    yield f"By its CPU the largest Cloud SQL instance ends at about {round(SIZES[-1] * BUSY * 1000 / cpu, -4):,.0f} events a second."


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bench", help="a bench.json, in place of the figures in this file")
    parser.add_argument("--price", action="append", default=[], metavar="NAME=DOLLARS")
    parser.add_argument("--retention", type=int, help="days that events stay in PostgreSQL")
    parser.add_argument("--at", default="0,10,100,1000,10000", help="events a second")
    return parser.parse_args()


def main():
    given = arguments()
    prices, measured = dict(PRICES), dict(MEASURED)
    for name, value in (one.split("=", 1) for one in given.price):
        if name not in prices:
            raise SystemExit(f"no price {name}: " + ", ".join(prices))
        prices[name] = float(value)
    if given.bench:
        with open(given.bench, encoding="utf-8") as file:
            found = {one["name"]: one["value"] for one in json.load(file)}
        missing = [name for name in measured if found.get(name) is None]
        if missing:
            raise SystemExit(f"{given.bench} lacks " + ", ".join(missing))
        measured = {name: found[name] for name in measured}
    rates = [int(rate) for rate in given.at.split(",")]
    cases = [Case(prices, measured, rate, kept(rate, given.retention)) for rate in rates]
    cases.append(Case(prices, measured, 1_000, kept(1_000, given.retention), LARGE, highly_available=True))
    rest = Case(prices, measured, 0, kept(0, given.retention))
    for part in [costs(cases), sizes(cases), at_rest(rest), sentences(prices, measured)]:
        print("\n".join(part), end="\n\n")


if __name__ == "__main__":
    main()
