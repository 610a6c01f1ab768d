"""What must hold where all is on that is off by default (options.tfvars), and in both plans."""

import json
import pathlib
import re
import unittest

from plan import Plan

BOTH = ["example", "options"]
FUNCTIONS = pathlib.Path(__file__).parent.parent.parent / "functions"


class Network(unittest.TestCase):
    def test_each_service_is_in_the_network_and_has_no_socket(self):
        services = list(Plan.given("options").services())
        self.assertEqual(len(services), 4)
        for name, _, container, values in services:
            self.assertEqual(values["template"][0]["vpc_access"][0]["egress"], "PRIVATE_RANGES_ONLY", name)
            self.assertEqual((values["template"][0]["volumes"], container["volume_mounts"]), ([], []), name)

    def test_each_service_has_its_socket_where_there_is_no_network(self):
        for name, _, container, values in Plan.given().services():
            self.assertEqual(values["template"][0]["vpc_access"], [], name)
            self.assertEqual(container["volume_mounts"][0]["mount_path"], "/cloudsql", name)

    def test_ingest_is_reached_through_the_load_balancer_alone_and_counts_it(self):
        services = {name: (values["ingress"], env["FORWARDED_HOPS"]) for name, env, _, values in Plan.given("options").services()}
        self.assertEqual(services["ingest"], ("INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "2"))
        self.assertEqual(services["admin"], ("INGRESS_TRAFFIC_ALL", "1"))


class Instances(unittest.TestCase):
    def test_a_revision_that_is_tried_out_has_a_maximum_too(self):
        """That of the service does not count it, and Cloud Run's own is 100."""
        for name, _, _, values in Plan.given().services():
            self.assertEqual(values["template"][0]["scaling"][0]["max_instance_count"], values["scaling"][0]["max_instance_count"], name)


class Monitoring(unittest.TestCase):
    def test_no_incident_stays_open_for_a_week(self):
        for name in BOTH:
            policies = Plan.given(name).of("google_monitoring_alert_policy")
            self.assertGreater(len(policies), 15)
            for policy in policies:
                self.assertEqual(policy["values"]["alert_strategy"][0]["auto_close"], "1800s", policy["address"])

    def test_the_dashboard_has_nothing_that_google_leaves_out(self):
        dashboard = Plan.given().of("google_monitoring_dashboard")[0]["values"]["dashboard_json"]

        def members(value):
            for key, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
                yield key, member
                yield from members(member)

        found = list(members(json.loads(dashboard)))
        self.assertGreater(len(found), 100)
        self.assertEqual([(key, member) for key, member in found if member in (0, "", [], None)], [])

    def test_the_lines_that_are_counted_are_written(self):
        """The message and the fields that the filters name are those of the services."""
        sources = {"process-push": "relay.rs", "bq-flush": "flush.rs"}
        filters = [metric["values"]["filter"] for metric in Plan.given().of("google_logging_metric")]
        own = [filter_ for filter_ in filters if "jsonPayload" in filter_]
        self.assertEqual((len(filters), len(own)), (5, 3))
        for filter_ in own:
            service = re.search(r'service_name = "eventflow-([\w-]+)"', filter_)[1]
            message = re.search(r'jsonPayload\.message = "([^"]+)"', filter_)[1]
            field = re.search(r"jsonPayload\.(\w+) >", filter_)[1]
            source = (FUNCTIONS / service / "src" / sources[service]).read_text()
            lines = [line for line in re.findall(r"tracing::info!\((.*?)\);", source, re.S) if f'"{message}"' in line]
            self.assertEqual(len(lines), 1, message)
            self.assertRegex(lines[0], rf"\b{field}\b", message)


if __name__ == "__main__":
    unittest.main()
