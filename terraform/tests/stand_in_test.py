"""The stand-in answers as Google does, where that was once in doubt."""

import unittest

import stand_in

API = "projects/eventflow-test/services/run.googleapis.com"


class StandIn(unittest.TestCase):
    def test_an_api_that_is_enabled_alone_is_enabled(self):
        status, _ = stand_in.respond("POST", "serviceusage", f"{API}:enable", {}, {})
        self.assertEqual(status, 200)
        _, api = stand_in.respond("GET", "serviceusage", API, {}, {})
        self.assertEqual(api["state"], "ENABLED")

    def test_what_is_not_there_changes_no_state(self):
        status, _ = stand_in.respond("POST", "cloudscheduler", "projects/eventflow-test/locations/europe-west1/jobs/none:pause", {}, {})
        self.assertEqual(status, 404)

    def test_nothing_is_made_twice(self):
        path, body = "projects/eventflow-dev/secrets", {"replication": {"automatic": {}}}
        self.assertEqual(stand_in.respond("POST", "secretmanager", path, {"secretId": ["a"]}, body)[0], 200)
        self.assertEqual(stand_in.respond("POST", "secretmanager", path, {"secretId": ["a"]}, body)[0], 409)

    def test_nor_what_is_made_under_its_own_path(self):
        topic = "projects/eventflow-dev/topics/events"
        self.assertEqual(stand_in.respond("PUT", "pubsub", topic, {}, {})[0], 200)
        self.assertEqual(stand_in.respond("PUT", "pubsub", topic, {}, {})[0], 409)

    def test_what_is_zero_or_empty_is_left_out_and_an_empty_message_is_not(self):
        given = {"tiles": [{"xPos": 0, "width": 4, "by": [], "of": None}], "title": "", "wide": False, "automatic": {}}
        self.assertEqual(stand_in.present(given), {"tiles": [{"width": 4}], "automatic": {}})


if __name__ == "__main__":
    unittest.main()
