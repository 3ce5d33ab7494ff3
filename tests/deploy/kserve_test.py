"""Checks the example for KServe: that its objects fit together, keep what must not be lost, and that the
runtime's arguments start a server that is ready by the Open Inference Protocol.

Usage: kserve_test.py, with UNLASTING_BIN and UNLASTING_PROTO set as for tests/client.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))
KSERVE = ROOT / "deploy/kserve"

import base_test  # noqa: E402
import programs  # noqa: E402


def files():
    return {found["kind"]: found for path in sorted(KSERVE.glob("*-*.yaml"))
            for found in base_test.load_all(path.read_text())}


class Example(unittest.TestCase):

    def make_objects(self):
        return files()

    def setUp(self):
        objects = self.make_objects()
        self.assertEqual(sorted(objects), ["InferenceService", "ServingRuntime"])
        self.runtime, self.service = objects["ServingRuntime"], objects["InferenceService"]
        self.container, = self.runtime["spec"]["containers"]
        self.flags = dict(flag.lstrip("-").split("=", 1) for flag in self.container["args"])

    def test_the_service_asks_for_what_the_runtime_offers(self):
        self.assertEqual(self.runtime["apiVersion"], "serving.kserve.io/v1alpha1")
        self.assertEqual(self.service["apiVersion"], "serving.kserve.io/v1beta1")
        model = self.service["spec"]["predictor"]["model"]
        self.assertEqual(model["runtime"], self.runtime["metadata"]["name"])
        self.assertIn(model["protocolVersion"], self.runtime["spec"]["protocolVersions"])
        offered = {(each["name"], each["version"])
                   for each in self.runtime["spec"]["supportedModelFormats"]}
        self.assertIn((model["modelFormat"]["name"], model["modelFormat"]["version"]), offered)
        self.assertTrue(model["storageUri"].startswith("pvc://unlasting-bundles/"))

    def test_the_schema_version_is_the_one_that_bundles_have(self):
        with tempfile.TemporaryDirectory() as folder:
            manifest = base_test.load_all(
                (programs.write_tiny_bundle(folder) / "manifest.json").read_text())[0]
        self.assertEqual(self.runtime["spec"]["supportedModelFormats"][0]["version"],
                         str(manifest["schema_version"]))

    def test_ports_of_flags_container_and_probes_agree(self):
        port, = self.container["ports"]
        self.assertEqual(self.container["name"], "kserve-container")
        self.assertEqual(port["name"], "h2c")
        self.assertEqual(self.flags["listen"], f"0.0.0.0:{port['containerPort']}")
        for probe, service in (("readinessProbe", "readiness"), ("livenessProbe", "liveness")):
            self.assertEqual(self.container[probe]["grpc"],
                             {"port": port["containerPort"], "service": service})
        self.assertTrue(self.flags["admin-listen"].endswith(
            ":" + self.runtime["spec"]["annotations"]["prometheus.kserve.io/port"]))

    def test_the_container_may_do_no_more_than_it_needs(self):
        context = self.container["securityContext"]
        self.assertIs(context["readOnlyRootFilesystem"], True)
        self.assertIs(context["allowPrivilegeEscalation"], False)
        self.assertIs(context["runAsNonRoot"], True)
        self.assertGreater(context["runAsUser"], 0)
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(list(self.container["resources"]["limits"]), ["memory"])
        self.assertEqual({mount["name"] for mount in self.container["volumeMounts"]},
                         {volume["name"] for volume in self.runtime["spec"]["volumes"]})

    def test_the_arguments_start_a_server_that_is_ready(self):
        import grpc
        with tempfile.TemporaryDirectory() as folder:
            bundle = programs.write_tiny_bundle(folder)
            # KServe fills in the name, and mounts the bundle.
            self.assertEqual(self.flags["bundle"], "{{.Name}}=/mnt/models")
            # programs.Server says where to listen, on what device, and how to log.
            others = [f"--{name}={value}" for name, value in self.flags.items()
                      if name not in ("listen", "admin-listen", "bundle", "device", "log-format")]
            self.assertEqual((self.flags["device"], self.flags["log-format"]), ("cpu", "json"))
            self.assertTrue(others)
            with programs.Server(f"--bundle=thp1={bundle}", *others) as server, \
                    grpc.insecure_channel(server.address) as channel:
                def ask(method, request):
                    return channel.unary_unary(f"/{method}", request_serializer=bytes,
                                               response_deserializer=bytes)(request, timeout=60)
                true = b"\x08\x01"
                self.assertEqual(ask("inference.GRPCInferenceService/ServerReady", b""), true)
                self.assertEqual(ask("inference.GRPCInferenceService/ModelReady", b"\x0a\x04thp1"),
                                 true)
                for name in (b"readiness", b"liveness"):
                    self.assertEqual(ask("grpc.health.v1.Health/Check",
                                         b"\x0a" + bytes([len(name)]) + name), true)


class Rendered(Example):

    @classmethod
    def setUpClass(cls):
        cls.text = subprocess.run(["kubectl", "kustomize", str(KSERVE)], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout

    def make_objects(self):
        return {found["kind"]: found for found in base_test.load_all(self.text)}

    def test_the_image_is_the_one_of_this_version(self):
        self.assertEqual(self.container["image"], f"unlasting:{base_test.version()}")

    def test_every_file_is_a_resource(self):
        found, = base_test.load_all((KSERVE / "kustomization.yaml").read_text())
        self.assertEqual(sorted(found["resources"]),
                         sorted(path.name for path in KSERVE.glob("*-*.yaml")))
        self.assertEqual(found["images"], [{"name": "unlasting", "newTag": base_test.version()}])


def load_tests(loader, standard_tests, pattern):
    cases = [Example] + ([Rendered] if shutil.which("kubectl") else [])
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)


if __name__ == "__main__":
    unittest.main()
