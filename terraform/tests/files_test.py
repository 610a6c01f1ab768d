"""What must hold in the files themselves."""

import pathlib
import re
import unittest

FOLDERS = pathlib.Path(__file__).parent.parent
MODULES = sorted((FOLDERS / "modules").rglob("*.tf"))


class Modules(unittest.TestCase):
    def test_a_module_has_no_provider_and_no_backend(self):
        """With either, no count, for_each or depends_on can be said of it."""
        self.assertGreater(len(MODULES), 10)
        for path in MODULES:
            self.assertNotRegex(path.read_text(), r"(?m)^\s*(provider|backend) \"", path)

    def test_a_variable_is_declared_in_one_place(self):
        files = sorted((FOLDERS / "modules" / "eventflow").glob("variables*.tf"))
        self.assertEqual([path.name for path in sorted(FOLDERS.glob("variables*.tf"))], [path.name for path in files])
        for path in files:
            self.assertTrue((FOLDERS / path.name).samefile(path), path.name)

    def test_a_module_limits_no_provider(self):
        """Else the next major version could not be tried by a change in one place."""
        versions = [(path, version) for path in MODULES for version in re.findall(r'source\s+= "hashicorp/\w+"\s+version\s+= "(.*)"', path.read_text())]
        self.assertTrue(versions)
        for path, version in versions:
            self.assertRegex(version, r"^>= [\d.]+$", path)


if __name__ == "__main__":
    unittest.main()
