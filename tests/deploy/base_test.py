"""Checks the Kubernetes base of deploy/: that its objects fit together and keep what must not be lost.

The checks read the YAML files themselves. Where kubectl is installed, they also read what
`kubectl kustomize` renders from them.
"""

import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy/kustomize/base"


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, of which YAML parsers silently keep the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = {key for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: repeated keys {repeated}")
        return super().construct_mapping(node, deep)


def load_all(text):
    return [document for document in yaml.load_all(text, StrictLoader) if document is not None]


def load(name):
    document, = load_all((BASE / name).read_text())
    return document


def version():
    return re.search(r"^project\(unlasting VERSION ([0-9.]+)",
                     (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


class Objects(unittest.TestCase):
    """The checks of a list of objects, which a subclass makes."""

    def setUp(self):
        self.objects = {found["kind"]: found for found in self.make_objects()}
        self.pod = self.objects["Deployment"]["spec"]["template"]["spec"]
        self.server, self.front = self.pod["containers"]

    def test_there_is_one_deployment_and_one_service(self):
        found = [(each["kind"], each["metadata"]["name"]) for each in self.make_objects()
                 if each["kind"] != "ConfigMap"]
        self.assertEqual(sorted(found), [("Deployment", "unlasting"), ("Service", "unlasting")])

    def test_the_pod_may_do_no_more_than_it_needs(self):
        self.assertIs(self.pod["automountServiceAccountToken"], False)
        self.assertIs(self.pod["securityContext"]["runAsNonRoot"], True)
        self.assertGreater(self.pod["securityContext"]["runAsUser"], 0)
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for container in (self.server, self.front):
            context = container["securityContext"]
            self.assertIs(context["readOnlyRootFilesystem"], True)
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})

    def test_mounts_name_volumes_and_bundles_are_read_only(self):
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        mounts = {mount["name"]: mount for mount in self.server["volumeMounts"]}
        fronts = {mount["name"]: mount for mount in self.front["volumeMounts"]}
        self.assertEqual(set(mounts) | set(fronts), set(volumes))
        self.assertFalse(set(mounts) & set(fronts))
        self.assertTrue(volumes["front"]["configMap"]["name"].startswith("unlasting-front"))
        self.assertEqual(volumes["tls"]["secret"]["secretName"], "unlasting-tls")
        for name, path in (("front", "/etc/unlasting/front"), ("tls", "/etc/unlasting/tls")):
            self.assertEqual(fronts[name]["mountPath"], path)
            self.assertIs(fronts[name]["readOnly"], True)
        self.assertEqual(volumes["bundles"]["persistentVolumeClaim"],
                         {"claimName": "unlasting-bundles", "readOnly": True})
        self.assertIs(mounts["bundles"]["readOnly"], True)
        bundle, = [flag for flag in self.server["args"] if flag.startswith("--bundle=")]
        self.assertTrue(bundle.split("=")[-1].startswith(mounts["bundles"]["mountPath"] + "/"))

    def test_ports_of_flags_container_service_and_probes_agree(self):
        ports = {port["name"]: port["containerPort"]
                 for container in (self.server, self.front) for port in container["ports"]}
        self.assertEqual(ports, {"grpc": 8443, "admin": 9464})
        flags = dict(flag.lstrip("-").split("=", 1) for flag in self.server["args"])
        self.assertEqual(flags["admin-listen"], f"0.0.0.0:{ports['admin']}")
        # Plaintext stays within the pod, where the front finds it.
        self.assertTrue(flags["listen"].startswith("127.0.0.1:"))
        self.assertEqual(flags["profile"], "production")
        front = (ROOT / "deploy/front/nginx.conf").read_text()
        self.assertIn(f"server {flags['listen']};", front)
        self.assertIn(f"listen {ports['grpc']} ssl http2;", front)
        self.assertIn("/etc/unlasting/front/nginx.conf", self.front["command"])
        targets = {port["name"]: port["targetPort"]
                   for port in self.objects["Service"]["spec"]["ports"]}
        self.assertEqual(targets, {"grpc": "grpc", "admin": "admin"})
        for name, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"),
                           ("livenessProbe", "/healthz")):
            self.assertEqual(self.server[name]["httpGet"], {"path": path, "port": "admin"})
        annotations = self.objects["Deployment"]["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(annotations["prometheus.io/scrape"], "true")
        self.assertEqual(annotations["prometheus.io/port"], str(ports["admin"]))

    def test_a_pod_that_stops_has_time_to_finish(self):
        self.assertEqual(self.pod["terminationGracePeriodSeconds"], 60)
        self.assertEqual(self.server["lifecycle"]["preStop"]["exec"]["command"], ["/bin/sleep", "5"])

    def test_memory_is_limited_and_the_processor_is_not(self):
        for container in (self.server, self.front):
            self.assertEqual(list(container["resources"]["limits"]), ["memory"])
            self.assertEqual(sorted(container["resources"]["requests"]), ["cpu", "memory"])


class Files(Objects):
    def make_objects(self):
        return [load(name) for name in load("kustomization.yaml")["resources"]
                if name.endswith(".yaml")]

    def test_every_file_is_a_resource(self):
        self.assertEqual(sorted(load("kustomization.yaml")["resources"]),
                         sorted(["../../front"] + [path.name for path in BASE.glob("*.yaml")
                                                   if path.name != "kustomization.yaml"]))

    def test_the_image_is_the_one_of_this_version(self):
        self.assertEqual(load("kustomization.yaml")["images"],
                         [{"name": container["image"], "newTag": version()}
                          for container in (self.server, self.front)])

    def test_one_label_selects_the_pods(self):
        labels, = load("kustomization.yaml")["labels"]
        self.assertEqual(labels["pairs"], {"app.kubernetes.io/name": "unlasting"})
        self.assertIs(labels["includeSelectors"], True)

    def test_a_repeated_key_is_refused(self):
        with self.assertRaisesRegex(yaml.YAMLError, "repeated keys"):
            load_all("a: 1\nb: 2\na: 3\n")


class Rendered(Objects):
    @classmethod
    def setUpClass(cls):
        cls.text = subprocess.run(["kubectl", "kustomize", str(BASE)], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout

    def make_objects(self):
        return load_all(self.text)

    def test_image_and_labels_are_filled_in(self):
        self.assertEqual(self.server["image"], f"unlasting:{version()}")
        label = {"app.kubernetes.io/name": "unlasting"}
        deployment, service = self.objects["Deployment"], self.objects["Service"]
        self.assertEqual(deployment["spec"]["selector"]["matchLabels"], label)
        self.assertEqual(deployment["spec"]["template"]["metadata"]["labels"], label)
        self.assertEqual(service["spec"]["selector"], label)


def load_tests(loader, standard_tests, pattern):
    cases = [Files] + ([Rendered] if shutil.which("kubectl") else [])
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)


if __name__ == "__main__":
    unittest.main()
