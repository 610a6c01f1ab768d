"""check.sh tells a registry that is out of reach from a version that nobody has. A Terraform of our own says either."""

import os
import pathlib
import subprocess
import tempfile
import unittest

CHECK = pathlib.Path(__file__).parent.parent / "check.sh"
HEAD = "Error: Failed to query available provider packages\n\nCould not retrieve the list of available versions for provider\n"
UNREACHABLE = HEAD + "hashicorp/google: could not connect\nto registry.terraform.io: failed to request discovery document\n"
UNKNOWN = HEAD + "hashicorp/google: no available releases match the given constraints ~> 8.0\n"


class Init(unittest.TestCase):
    def checked(self, said, **env):
        with tempfile.TemporaryDirectory() as folder:
            terraform = pathlib.Path(folder) / "terraform"
            terraform.write_text("#!/bin/sh\ncase $* in *init*) grep -h -A3 required_providers versions.tf; cat said; exit 1 ;; esac\n".replace("said", f"{folder}/said"))
            terraform.chmod(0o755)
            (pathlib.Path(folder) / "said").write_text(said)
            env |= {"PATH": f"{folder}:/usr/bin:/bin", "TMPDIR": folder}
            return subprocess.run([CHECK], env=env, capture_output=True, text=True)

    def test_out_of_reach_is_an_excuse(self):
        run = self.checked(UNREACHABLE)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("did NOT run: ", run.stdout)
        self.assertIn("validate, test, plan and apply (the registry of providers is out of reach", run.stdout)

    def test_unless_the_provider_is_required(self):
        self.assertEqual(self.checked(UNREACHABLE, REQUIRE_PROVIDER="1").returncode, 1)

    def test_a_version_that_nobody_has_is_none(self):
        run = self.checked(UNKNOWN, PROVIDER="~> 8.0")
        self.assertEqual(run.returncode, 1)
        self.assertIn("no available releases match", run.stderr)
        self.assertNotIn("out of reach", run.stdout + run.stderr)

    def test_another_version_is_asked_for(self):
        self.assertIn('version = "~> 8.0"', self.checked(UNKNOWN, PROVIDER="~> 8.0").stderr)
        self.assertIn('version = "~> 7.45"', self.checked(UNKNOWN).stderr)


if __name__ == "__main__":
    unittest.main()
