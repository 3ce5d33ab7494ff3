"""Checks the Kubernetes objects of the gateway: that they fit together, with the base and with the
program's flags, and keep what must not be lost."""

import re
import shutil
import subprocess
import unittest

import base_test

GATEWAY = base_test.ROOT / "deploy/kustomize/gateway"


def load(path):
    found, = base_test.load_all(path.read_text())
    return found


class Files(unittest.TestCase):

    def make_objects(self):
        return [load(GATEWAY / name) for name in load(GATEWAY / "kustomization.yaml")["resources"]]

    def setUp(self):
        self.objects = {found["kind"]: found for found in self.make_objects()}
        self.pod = self.objects["Deployment"]["spec"]["template"]["spec"]
        self.container, = self.pod["containers"]
        self.flags = dict(flag.lstrip("-").split("=", 1) for flag in self.container["args"])

    def test_there_is_one_deployment_and_one_service(self):
        found = sorted((each["kind"], each["metadata"]["name"]) for each in self.make_objects())
        self.assertEqual(found, [("Deployment", "unlasting-gateway"), ("Service", "unlasting-gateway")])

    def test_the_pod_may_do_no_more_than_it_needs(self):
        self.assertIs(self.pod["automountServiceAccountToken"], False)
        self.assertIs(self.pod["securityContext"]["runAsNonRoot"], True)
        self.assertGreater(self.pod["securityContext"]["runAsUser"], 0)
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        context = self.container["securityContext"]
        self.assertIs(context["readOnlyRootFilesystem"], True)
        self.assertIs(context["allowPrivilegeEscalation"], False)
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
        for mount in self.container["volumeMounts"]:
            self.assertIs(mount["readOnly"], True)
        self.assertEqual({mount["name"] for mount in self.container["volumeMounts"]},
                         {volume["name"] for volume in self.pod["volumes"]})

    def test_it_asks_the_service_of_the_base_by_tls(self):
        service = load(base_test.BASE / "service.yaml")
        port, = [port for port in service["spec"]["ports"] if port["name"] == "grpc"]
        self.assertEqual(self.flags["server"], f"{service['metadata']['name']}:{port['port']}")
        self.assertEqual(port["appProtocol"], "https")
        mount, = self.container["volumeMounts"]
        self.assertTrue(self.flags["tls-ca"].startswith(mount["mountPath"] + "/"))

    def test_ports_of_flags_container_service_and_probes_agree(self):
        port, = self.container["ports"]
        self.assertEqual(self.flags["listen"], f"0.0.0.0:{port['containerPort']}")
        found, = self.objects["Service"]["spec"]["ports"]
        self.assertEqual((found["targetPort"], found["port"]), (port["name"], port["containerPort"]))
        for probe in ("readinessProbe", "livenessProbe"):
            self.assertEqual(self.container[probe]["httpGet"]["port"], port["name"])
        # A server that is down is no reason to restart the gateway.
        handler = (base_test.ROOT / "gateway/handler.go").read_text()
        for probe, path in (("readinessProbe", "/healthz"), ("livenessProbe", "/openapi.json")):
            self.assertEqual(self.container[probe]["httpGet"]["path"], path)
            self.assertIn(f'"GET {path}"', handler)

    def test_memory_is_limited_and_the_processor_is_not(self):
        self.assertEqual(list(self.container["resources"]["limits"]), ["memory"])
        self.assertEqual(sorted(self.container["resources"]["requests"]), ["cpu", "memory"])

    def test_a_pod_that_stops_has_time_to_finish(self):
        stop = self.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain = int(self.flags["drain-timeout"].removesuffix("s"))
        self.assertLess(stop + drain, self.pod["terminationGracePeriodSeconds"])

    def test_every_flag_is_one_of_the_program(self):
        declared = re.findall(r'Var\(&f\.[\w.]+, "([\w-]+)"',
                              (base_test.ROOT / "gateway/main.go").read_text())
        self.assertGreater(len(declared), 10)
        self.assertLessEqual(set(self.flags), set(declared))

    def test_every_file_is_a_resource_and_the_image_is_the_one_of_this_version(self):
        found = load(GATEWAY / "kustomization.yaml")
        self.assertEqual(sorted(found["resources"]),
                         sorted(path.name for path in GATEWAY.glob("*.yaml")
                                if path.name != "kustomization.yaml"))
        self.assertEqual(found["images"],
                         [{"name": "unlasting-gateway", "newTag": base_test.version()}])


class Rendered(Files):

    @classmethod
    def setUpClass(cls):
        cls.text = subprocess.run(["kubectl", "kustomize", str(GATEWAY)], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout

    def make_objects(self):
        return base_test.load_all(self.text)

    def test_image_and_labels_are_filled_in(self):
        self.assertEqual(self.container["image"], f"unlasting-gateway:{base_test.version()}")
        label = {"app.kubernetes.io/name": "unlasting-gateway"}
        self.assertEqual(self.objects["Deployment"]["spec"]["selector"]["matchLabels"], label)
        self.assertEqual(self.objects["Service"]["spec"]["selector"], label)


def load_tests(loader, standard_tests, pattern):
    cases = [Files] + ([Rendered] if shutil.which("kubectl") else [])
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)


if __name__ == "__main__":
    unittest.main()
