#!/usr/bin/env python3
"""What a month costs, from list prices and from measured CPU. Prints the tables of cost.md.

    docs/cost.py                                  the figures below
    docs/cost.py --bench target/bench/bench.json  the CPU of a run of `make bench`
    docs/cost.py --price sql_vcpu_hour=0.05 --retention 30 --at 50,500
"""

import argparse
import json
import math

# US dollars, us-central1, without discounts and taxes, as published in the first half of 2026.
PRICES = {
    "run_request_vcpu_second": 0.000024,  # Cloud Run, billed by request
    "run_request_gib_second": 0.0000025,
    "run_million_requests": 0.40,
    "run_instance_vcpu_second": 0.000018,  # Cloud Run, billed by instance: no price for a request
    "run_instance_gib_second": 0.000002,
    "sql_vcpu_hour": 0.0413,  # Cloud SQL, Enterprise
    "sql_gb_hour": 0.007,
    "sql_ssd_gb_month": 0.17,
    "sql_backup_gb_month": 0.08,
    "pubsub_tib": 40.0,
    "bigquery_gb_month": 0.02,  # loading is free
    "logging_gib": 0.50,
}
FREE = {
    "run_vcpu_seconds": 180_000,
    "run_gib_seconds": 360_000,
    "run_requests": 2_000_000,
    "pubsub_gib": 10,
    "bigquery_gb": 10,
    "logging_gib": 50,
}

# CPU seconds for 1,000 events. `--bench` takes them from the rows of the same names.
MEASURED = {
    "pipeline-cpu-ingest": 0.085,
    "pipeline-cpu-process-push": 0.086,
    "pipeline-cpu-postgres": 0.136,
    "flush-cpu": 0.003,
    "flush-cpu-postgres": 0.005,
    "bytes-per-event": 790,
}

HOURS = 730
SECONDS = HOURS * 3600
BUSY = 0.6  # how much of a CPU is used before there is another
RUN_GIB = 0.5  # of an instance
SHORTEST_BILL = 0.1  # Cloud Run rounds a request up to this
CALLS_OF_THE_SCHEDULER = 53_000  # a month, with nothing to do
GB_A_VCPU = 3.75
SIZES = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]  # vCPUs of a Cloud SQL instance
LARGEST_DISK_GB = 64_000
BIGQUERY_BYTES = 600  # of an event with a payload of 400
MESSAGE_BYTES = 220  # an id, its type and its trace, as Pub/Sub counts them
LOG_BYTES = 700  # of a line of a service for a request
LEAST_PUBSUB_BYTES = 1000  # that a publish or a push counts for
PUBLISH_SECONDS = 0.005  # what comes within this is published together
CONNECTIONS = {"ingest": 4, "process-push": 12, "admin": 4, "bq-flush": 3}


def instances(rate, cpu):
    return max(1, math.ceil(rate * cpu / 1000 / BUSY))


def cloud_run(prices, rate, count):
    """Whichever of Cloud Run's two ways of billing is cheaper, for one service with one request an event."""
    # An instance with nothing to do is billed in neither of its CPU nor of its memory.
    busy = (1 - math.exp(-rate / count * SHORTEST_BILL)) * count * SECONDS
    requests = rate * SECONDS
    by_request = (
        max(0, busy - FREE["run_vcpu_seconds"] / 2) * prices["run_request_vcpu_second"]
        + max(0, busy * RUN_GIB - FREE["run_gib_seconds"] / 2) * prices["run_request_gib_second"]
        + max(0, requests - FREE["run_requests"] / 2) / 1e6 * prices["run_million_requests"]
    )
    all_the_time = count * SECONDS
    by_instance = all_the_time * (
        prices["run_instance_vcpu_second"] + RUN_GIB * prices["run_instance_gib_second"]
    )
    return min((by_request, "request"), (by_instance, "instance"))


def cloud_sql(prices, rate, cpu, bytes_per_event, days):
    wanted = rate * cpu / 1000 / BUSY
    vcpus = next((size for size in SIZES if size >= wanted), None)
    disk = max(10, rate * 86_400 * days * bytes_per_event / 1e9)
    parts = vcpus or math.ceil(wanted / SIZES[-1]) * SIZES[-1]
    hourly = parts * (prices["sql_vcpu_hour"] + GB_A_VCPU * prices["sql_gb_hour"])
    cost = hourly * HOURS + disk * (prices["sql_ssd_gb_month"] + prices["sql_backup_gb_month"])
    return cost, vcpus, parts, disk


def pubsub(prices, rate):
    together = max(1, rate * PUBLISH_SECONDS)
    publish = max(MESSAGE_BYTES, LEAST_PUBSUB_BYTES / together)
    gib = rate * SECONDS * (publish + LEAST_PUBSUB_BYTES) / 2**30
    return max(0, gib - FREE["pubsub_gib"]) / 1024 * prices["pubsub_tib"]


def level(prices, measured, rate, days):
    cpu = measured["pipeline-cpu-postgres"] + measured["flush-cpu-postgres"]
    sql, vcpus, parts, disk = cloud_sql(prices, rate, cpu, measured["bytes-per-event"], days)
    counts = {
        "ingest": instances(rate, measured["pipeline-cpu-ingest"]),
        "process-push": instances(rate, measured["pipeline-cpu-process-push"]),
    }
    run = [cloud_run(prices, rate, count) for count in counts.values()]
    flushing = rate * SECONDS * measured["flush-cpu"] / 1000 * prices["run_request_vcpu_second"]
    gigabytes = rate * SECONDS * BIGQUERY_BYTES / 1e9
    logs = rate * SECONDS * 2 * LOG_BYTES / 2**30
    everybody = counts | {"admin": 1, "bq-flush": 1}
    return {
        "rate": rate,
        "days": days,
        "sql": sql,
        "run": sum(cost for cost, _ in run) + flushing,
        "billed": "/".join(how for _, how in run),
        "pubsub": pubsub(prices, rate),
        "bigquery": max(0, gigabytes - FREE["bigquery_gb"]) * prices["bigquery_gb_month"],
        "logs": max(0, logs - FREE["logging_gib"]) * prices["logging_gib"],
        "vcpus": vcpus,
        "parts": parts,
        "disk": disk,
        "counts": counts,
        # Twice, since a rollout runs the old and the new beside each other.
        "connections": 2 * sum(count * CONNECTIONS[name] for name, count in everybody.items()) + 7,
    }


def dollars(value):
    return f"${value:,.0f}"


def costs(levels):
    yield "| events/s | Cloud SQL | Cloud Run | Pub/Sub | BigQuery, a month's events | **together** | a million events | a log line for each request |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in levels:
        total = one["sql"] + one["run"] + one["pubsub"] + one["bigquery"]
        million = total / (one["rate"] * SECONDS / 1e6) if one["rate"] else None
        each = f"${million:.2f}" if million else "–"
        cells = [one["sql"], one["run"], one["pubsub"], one["bigquery"]]
        row = " | ".join(dollars(cell) for cell in cells)
        yield f"| {one['rate']:,} | {row} | **{dollars(total)}** | {each} | + {dollars(one['logs'])} |"


def sizes(levels):
    yield "| events/s | Cloud SQL | disk, days kept | ingest | process-push | Cloud Run billed by | connections |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in levels:
        cpus = one["vcpus"] or one["parts"]
        gb = f"{cpus * GB_A_VCPU:,.0f}"
        sql = f"{cpus} vCPU, {gb} GB" if one["vcpus"] else f"**none is large enough**: {cpus} vCPU"
        disk = f"{one['disk']:,.0f} GB, {one['days']}"
        if one["disk"] > LARGEST_DISK_GB:
            disk = f"**too large**: {disk}"
        counts = one["counts"]
        yield f"| {one['rate']:,} | {sql} | {disk} | {counts['ingest']} | {counts['process-push']} | {one['billed']} | {one['connections']} |"


def kept(rate, asked):
    """Ninety days are the default; a disk of many terabytes is rarely wanted."""
    return asked or (90 if rate <= 100 else 30 if rate <= 1_000 else 7)


def ends(measured):
    """At how many events a second the largest Cloud SQL instance is as busy as it should be."""
    cpu = measured["pipeline-cpu-postgres"] + measured["flush-cpu-postgres"]
    return SIZES[-1] * BUSY * 1000 / cpu


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
    levels = [level(prices, measured, rate, kept(rate, given.retention)) for rate in rates]
    print("\n".join(costs(levels)), end="\n\n")
    print("\n".join(sizes(levels)), end="\n\n")
    print(f"The largest Cloud SQL instance ends at about {ends(measured):,.0f} events a second.")


if __name__ == "__main__":
    main()
