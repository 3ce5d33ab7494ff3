"""The programs as users and operators meet them: exit codes, one-line errors, files, signals."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import h5py

import programs


def client(server, *arguments):
    return programs.run("unlasting", arguments[0], "--server", server.address, *arguments[1:])


class CliTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.bundle = programs.write_tiny_bundle(cls.folder)
        cls.server = programs.Server("--bundle", cls.bundle)
        cls.control = cls.folder / "control.h5ad"
        programs.write_controls(cls.control)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def predict(self, *arguments):
        return client(self.server, "predict", "--progress", "none", *arguments)

    def assert_fails(self, done, code, *parts):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for part in parts:
            self.assertIn(str(part), done.stderr)
        self.assertEqual(done.stdout, "")

    def test_every_program_has_help_with_examples_and_a_version(self):
        for program in ("unlasting", "unlasting-server"):
            done = programs.run(program, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Examples:", done.stdout)
            done = programs.run(program, "--version")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, rf"^{program} \d+\.\d+\.\d+( \([\w.+-]+\))?\n$")
        self.assertIn("Examples:", programs.run("unlasting", "predict", "--help").stdout)

    def test_bad_usage_is_exit_2_and_one_line(self):
        self.assert_fails(programs.run("unlasting"), 2, "subcommand")
        self.assert_fails(programs.run("unlasting", "models", "--nonsense"), 2, "--nonsense")
        self.assert_fails(programs.run("unlasting-server"), 2, "--bundle")
        out = self.folder / "x.h5ad"
        self.assert_fails(self.predict("--control", self.control, "--out", out), 2, "--gene")
        self.assert_fails(self.predict("--gene", "G1", "--out", out), 2, "--control")

    def test_predict_writes_what_it_says(self):
        out = self.folder / "two.h5ad"
        done = self.predict("--control", self.control, "--gene", "G1", "--gene", "U0+G3",
                            "--molecule", "aspirin", "--dose", "0.1uM", "--json", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["predicted_cells"], 36)
        self.assertEqual(said["perturbations"][0]["condition"], "G1+ctrl")
        self.assertTrue(said["perturbations"][0]["seen_in_training"])
        self.assertTrue(said["perturbations"][1]["notes"])
        with h5py.File(out) as file:
            self.assertEqual(set(file["obs"].attrs["column-order"]),
                             {"perturbation", "condition", "cell_type", "control_cell", "dose_val",
                              "dose_unit", "SMILES"})
            self.assertEqual(file["uns/unlasting/model"][()].decode(), "tiny")
            self.assertEqual(file["uns/unlasting/target_sum"][()], 1000)
            self.assertEqual(len(file["uns/unlasting/bundle_hash"][()]), 64)
            distances = file["uns/unlasting/perturbations"]
            self.assertEqual([bool(seen) for seen in distances["seen_in_training"]],
                             [True, False, True])
            self.assertEqual(distances["network_hops"][0], 0)
            self.assertGreater(distances["network_hops"][1], 0)
            self.assertEqual(distances["molecule_similarity"][2], 1)
            self.assertEqual(distances["dose_range"].asstr()[2], "within")
            for name in ("standard_deviation", "change_standard_error"):
                self.assertEqual(file["varm"][name].shape, (24, 3))
        never = said["perturbations"][1]["training_distance"]["genes"][1]
        self.assertEqual((never["gene"], never["training"]), ("U0", "never"))
        drug = said["perturbations"][2]["training_distance"]
        self.assertEqual(drug["nearest_molecule"], "aspirin")
        self.assertEqual(drug["highest_dose_um"], 1)
        self.assertEqual(programs.read_x(out).shape, (36, 24))
        self.assertEqual(programs.read_x(out).dtype, "float32")

    def test_the_same_seed_gives_the_same_file(self):
        files = []
        for name in ("a.h5ad", "b.h5ad"):
            files.append(self.folder / name)
            done = self.predict("--panel", 9, "--cell-type", "T1", "--gene", "G2", "--mask", "sample",
                                "--seed", 5, "--out", files[-1])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((programs.read_x(files[0]) == programs.read_x(files[1])).all())

    def test_eta_draws_by_seed_and_is_of_ddim_alone(self):
        drawn = []
        for seed in (1, 1, 2):
            out = self.folder / f"eta{len(drawn)}.h5ad"
            done = self.predict("--panel", 9, "--cell-type", "T1", "--gene", "G2", "--solver", "ddim",
                                "--solver-steps", 6, "--eta", 0.5, "--seed", seed, "--mask", "none",
                                "--genes", "G1,G2", "--max-cells", 0, "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            drawn.append(programs.read_x(out))
            with h5py.File(out) as file:
                self.assertEqual(file["uns/unlasting/eta"][()], 0.5)
        self.assertTrue((drawn[0] == drawn[1]).all())
        self.assertFalse((drawn[0] == drawn[2]).all())
        self.assert_fails(self.predict("--panel", 9, "--cell-type", "T1", "--gene", "G2", "--eta", 0.5,
                                       "--out", self.folder / "never.h5ad"), 2, "options.eta")

    def test_counts_are_whole_numbers_drawn_by_seed(self):
        drawn = []
        for seed, batch in ((1, "G1"), (1, "G2,G1"), (2, "G1")):
            out = self.folder / f"counts{len(drawn)}.h5ad"
            genes = [flag for gene in batch.split(",") for flag in ("--gene", gene)]
            done = self.predict("--control", self.control, *genes, "--value-kind", "counts", "--seed",
                                seed, "--json", "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            self.assertEqual(said["value_kind"], "counts")
            self.assertGreater(said["counts"]["mean_total"], 0)
            x = programs.read_x(out)
            self.assertTrue((x == x.round()).all())
            self.assertGreaterEqual(x.min(), 0)
            drawn.append(x[-12:])
            with h5py.File(out) as file:
                self.assertEqual(file["X"].attrs["encoding-type"], "csr_matrix")
                self.assertEqual(file["uns/unlasting/value_kind"][()].decode(), "counts")
                self.assertEqual(file["uns/unlasting/count_depth"][()], 0)
                self.assertEqual(file["varm/drawn_active_share"].shape, (24, len(genes) // 2))
        self.assertTrue((drawn[0] == drawn[1]).all(), "whatever else is asked")
        self.assertFalse((drawn[0] == drawn[2]).all())
        out = self.folder / "deep.h5ad"
        done = self.predict("--panel", 9, "--cell-type", "T1", "--gene", "G2", "--value-kind",
                            "counts", "--depth", 20000, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("of the active values of the profiles were drawn as 0", done.stdout)
        # Values are normalised to 1,000 counts a cell.
        panel = programs.read_x(out).sum(axis=1)
        self.assertGreater(panel.mean(), 5 * drawn[0].sum(axis=1).mean())

    def test_counts_may_have_their_control_cells_beside_them(self):
        out = self.folder / "with_controls.h5ad"
        asked = ("--control", self.control, "--gene", "G1", "--genes", "G5,S2", "--out", out)
        done = self.predict(*asked, "--value-kind", "counts", "--with-controls")
        self.assertEqual(done.returncode, 0, done.stderr)
        measured = programs.read_x(self.control)
        with h5py.File(out) as file:
            categories = file["obs/condition/categories"].asstr()[()]
            conditions = categories[file["obs/condition/codes"][()]]
            self.assertEqual(list(conditions), ["G1+ctrl"] * 12 + ["ctrl"] * 12)
        self.assertTrue((programs.read_x(out)[12:] == measured[:, [5, 2]]).all())
        self.assert_fails(self.predict(*asked, "--with-controls"), 2, "--with-controls",
                          "--value-kind counts")
        self.assert_fails(self.predict("--panel", 9, "--cell-type", "T1", "--gene", "G1", "--out", out,
                                       "--with-controls"), 2, "--with-controls", "--panel")

    def test_counts_without_a_depth_that_makes_sense_are_refused(self):
        out = self.folder / "never.h5ad"
        asked = ("--control", self.control, "--gene", "G1", "--out", out)
        for depth in ("0", "-5", "nan", "1e12", "many"):
            self.assert_fails(self.predict(*asked, "--value-kind", "counts", "--depth", depth), 2,
                              "--depth")
        self.assert_fails(self.predict(*asked, "--depth", "500"), 2, "--depth", "--value-kind counts")
        self.assert_fails(self.predict(*asked, "--value-kind", "raw"), 2, "--value-kind", "counts")
        self.assertFalse(out.exists())

    def test_cells_of_a_new_type_are_predicted_under_their_own_name(self):
        donor = self.folder / "donor.h5ad"
        programs.write_controls(donor, cells=40, seed=9, cell_type="donor 7")
        out = self.folder / "donor_out.h5ad"
        asked = ("--control", donor, "--gene", "G1", "--out", out)
        self.assert_fails(self.predict(*asked), 2, "donor 7", "--new-cell-type")
        done = self.predict(*asked, "--new-cell-type", "donor 7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("note: 'donor 7' is a cell type that training never saw", done.stderr)
        with h5py.File(out) as file:
            self.assertEqual(list(file["obs/cell_type/categories"].asstr()), ["donor 7"])
        self.assertEqual(programs.read_x(out).shape, (40, 24))
        self.assert_fails(self.predict(*asked, "--new-cell-type", "T1"), 2, "T1", "trained on")
        self.assert_fails(self.predict(*asked, "--new-cell-type", "x", "--max-cells", 20), 2,
                          "20 cells", "30 or more")
        self.assert_fails(self.predict("--panel", 9, "--gene", "G1", "--out", out,
                                       "--new-cell-type", "x"), 2, "--new-cell-type", "--panel")

    def test_anndata_opens_the_result(self):
        import anndata  # scripts/install-deps.sh installs it: without it this test fails
        out = self.folder / "opened.h5ad"
        self.assertEqual(self.predict("--control", self.control, "--gene", "G1", "--genes",
                                      "G5,S2", "--out", out).returncode, 0)
        data = anndata.read_h5ad(out)
        self.assertEqual(data.shape, (12, 2))
        self.assertEqual(list(data.var_names), ["G5", "G2"])
        self.assertEqual(data.uns["unlasting"]["solver"], "dpmpp2m")

    def test_bad_input_is_exit_2_and_leaves_no_file(self):
        out = self.folder / "never.h5ad"
        torn = self.folder / "torn.h5ad"
        torn.write_bytes(self.control.read_bytes()[:3000])
        fractions = self.folder / "fractions.h5ad"
        programs.write_controls(fractions, scale=0.3)
        gene = ("--gene", "G1", "--out", out)
        cases = [
            (("--control", self.folder / "absent.h5ad", *gene), ("absent.h5ad",)),
            (("--control", torn, *gene), ("torn.h5ad",)),
            (("--control", self.control, "--condition-column", "arm", *gene), ("arm", self.control)),
            (("--control", self.control, "--control-value", "DMSO", *gene), ("DMSO",)),
            (("--control", self.control, "--cell-type", "T9", *gene), ("T9",)),
            (("--control", fractions, "--matrix", "counts", *gene), ("fractions",)),
            (("--control", self.control, "--matrix", "log1p", *gene), ("log1p",)),
            (("--control", self.control, "--gene", "NOSUCH", "--out", out), ("NOSUCH",)),
            (("--control", self.control, "--smiles", "C1CC", "--dose", "1uM", "--out", out),
             ("C1CC",)),
            (("--control", self.control, "--smiles", "CCO", "--dose", "1", "--out", out),
             ("--dose",)),
            (("--control", self.control, "--smiles", "CCO", "--dose", "-1uM", "--out", out),
             ("--dose",)),
            (("--control", self.control, "--model", "other", *gene), ("other", "tiny")),
            (("--control", self.control, "--solver-steps", "501", *gene), ("501",)),
            (("--control", self.control, "--solver", "euler", *gene), ("euler",)),
        ]
        for arguments, parts in cases:
            with self.subTest(arguments=arguments):
                self.assert_fails(self.predict(*arguments), 2, *parts)
        self.assert_fails(self.predict("--control", self.control, "--gene", "G1", "--out",
                                       self.folder / "no" / "such" / "x.h5ad"), 2, "such")
        self.assertFalse(out.exists())
        leftovers = [path.name for path in self.folder.iterdir() if path.name.startswith(".")]
        self.assertEqual(leftovers, [])

    def test_no_server_is_exit_1(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = programs.run("unlasting", "models", "--server", address, "--connect-timeout",
                                "0.2")
        self.assert_fails(done, 1, address)

    def test_models_model_and_health(self):
        self.assertIn("tiny", client(self.server, "models").stdout)
        models = json.loads(client(self.server, "models", "--json").stdout)
        self.assertEqual(models["models"][0]["gene_count"], 24)
        self.assertIn("24", client(self.server, "model", "tiny").stdout)
        model = json.loads(client(self.server, "model", "--json").stdout)
        self.assertEqual(model["default_solver"], "SOLVER_DPMPP_2M")
        self.assert_fails(client(self.server, "model", "other"), 2, "other")
        self.assertEqual(client(self.server, "health").stdout, "SERVING\n")
        health = json.loads(client(self.server, "health", "--json").stdout)
        self.assertEqual(health["status"], "SERVING")

    def test_a_bad_bundle_is_exit_2_and_named(self):
        done = programs.run("unlasting-server", "--bundle", self.folder / "nothing",
                            "--admin-listen", "", "--log-level", "off")
        self.assert_fails(done, 2, self.folder / "nothing")
        damaged = self.folder / "damaged"
        shutil.copytree(self.bundle, damaged)
        with open(damaged / "target.pt", "r+b") as file:
            file.seek(100)
            file.write(b"\0\1\2\3")
        done = programs.run("unlasting-server", "--bundle", damaged, "--admin-listen", "",
                            "--log-level", "off")
        self.assert_fails(done, 2, "target.pt")

    def test_an_address_in_use_is_exit_1_and_one_line(self):
        done = programs.run("unlasting-server", "--bundle", self.bundle, "--listen",
                            self.server.address, "--admin-listen", "", "--log-level", "off")
        self.assert_fails(done, 1, self.server.address)

    def test_signals_end_the_server_with_exit_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = programs.Server("--bundle", self.bundle)
            self.assertEqual(server.stop(number), 0)
            self.assertEqual(server.events[-1]["event"], "stopped")

    def test_tls_and_mutual_tls(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def pem(name):
            return self.folder / f"{name}.pem"

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=test ca",
                "-keyout", pem("ca-key"), "-out", pem("ca"))
        extension = self.folder / "names.cnf"
        extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        for name in ("server", "client"):
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
                    pem(f"{name}-key"), "-out", pem(f"{name}-request"))
            openssl("x509", "-req", "-in", pem(f"{name}-request"), "-CA", pem("ca"), "-CAkey",
                    pem("ca-key"), "-CAcreateserial", "-days", 2, "-extfile", extension, "-out",
                    pem(name))
        with programs.Server("--bundle", self.bundle, "--tls-cert", pem("server"), "--tls-key",
                             pem("server-key"), "--tls-client-ca", pem("ca")) as server:
            done = client(server, "models", "--tls-ca", pem("ca"), "--tls-cert", pem("client"),
                          "--tls-key", pem("client-key"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("tiny", done.stdout)
            for flags in ((), ("--tls-ca", pem("ca"))):
                done = client(server, "models", "--connect-timeout", "0.5", *flags)
                self.assert_fails(done, 1, server.address)


if __name__ == "__main__":
    unittest.main()
