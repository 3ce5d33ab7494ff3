"""The clients against a live server: what they get, and what fails."""

import asyncio
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import anndata
import numpy as np
import pandas

import live
import programs
import unlasting
from live import dense


class Served(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.bundle = programs.write_tiny_bundle(cls.folder)
        cls.server = programs.Server("--bundle", cls.bundle)
        cls.client = unlasting.Client(cls.server.address)
        cls.adata = live.controls()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def refused(self, kind, reason, *arguments, **parameters):
        with self.assertRaises(kind) as raised:
            self.client.predict(*arguments, **parameters)
        self.assertEqual(raised.exception.reason, reason)
        return raised.exception


class Predict(Served):

    def test_gets_the_same_profiles_as_the_command(self):
        control, out = self.folder / "control.h5ad", self.folder / "predicted.h5ad"
        self.adata.write_h5ad(control)
        done = programs.run("unlasting", "predict", "--server", self.server.address, "--control",
                            control, "--gene", "G1+G2", "--smiles", live.ASPIRIN, "--dose",
                            "0.2uM", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.client.predict(self.adata, genes=["G1+G2"], smiles=live.ASPIRIN,
                                    dose="200 nM")
        np.testing.assert_array_equal(dense(found.X), programs.read_x(out))
        told = anndata.read_h5ad(out)
        self.assertEqual(list(found.obs_names), list(told.obs_names))
        for column in told.obs.columns:
            self.assertEqual(list(found.obs[column].astype(str)),
                             list(told.obs[column].astype(str)), column)
        for name in told.varm:
            if name in found.varm:
                np.testing.assert_array_equal(found.varm[name], told.varm[name])
        ours, theirs = found.uns["unlasting"], told.uns["unlasting"]
        for key in ("model", "version", "bundle_hash", "solver", "mask", "seed", "target_sum"):
            self.assertEqual(str(ours[key]), str(theirs[key]), key)

    def test_results_say_what_changed(self):
        found = self.client.predict(self.adata, genes=["G1", "G2"])
        self.assertEqual(found.shape, (60, 24))
        # The control layer is the model's own view of the cells: its mean is the server's.
        control = dense(found.layers["control"])
        np.testing.assert_allclose(control[:30].mean(axis=0), found.varm["control_mean"][:, 0],
                                   atol=1e-5)
        np.testing.assert_array_equal(control[:30], control[30:])
        top = unlasting.top_genes(found, "G2", n=5)
        self.assertEqual(len(top), 5)
        strength = np.abs(top["score"].to_numpy())
        self.assertTrue((np.diff(strength) <= 0).all())
        self.assertTrue((top["p_adjusted"] >= top["p"]).all())
        with self.assertRaises(unlasting.InvalidInputError):
            unlasting.top_genes(found)
        with self.assertRaises(unlasting.NotFoundError):
            unlasting.top_genes(found, "G7")
        path = self.folder / "kept.h5ad"
        found.write_h5ad(path)
        again = anndata.read_h5ad(path)
        pandas.testing.assert_frame_equal(unlasting.top_genes(again, "G2"),
                                          unlasting.top_genes(found, "G2"))

    def test_counts_and_chosen_genes_come_back_as_asked(self):
        log = self.client.predict(self.adata, genes="G1", result_genes=["G5", "G3"])
        counts = self.client.predict(self.adata, genes="G1", result_genes=["G5", "G3"],
                                     value_kind="normalised counts")
        self.assertEqual(list(log.var_names), ["G5", "G3"])
        np.testing.assert_allclose(dense(counts.X), np.expm1(dense(log.X)), rtol=1e-5)
        np.testing.assert_allclose(dense(counts.layers["control"]),
                                   np.expm1(dense(log.layers["control"])), rtol=1e-5)

    def test_the_async_client_gets_the_same(self):
        async def ask():
            async with unlasting.AsyncClient(self.server.address) as client:
                self.assertEqual(await client.health(), "SERVING")
                self.assertEqual([each.name for each in await client.models()], ["tiny"])
                return await asyncio.gather(*(client.predict(self.adata, genes=gene)
                                              for gene in ("G1", "G2", "G3")))
        for gene, found in zip(("G1", "G2", "G3"), asyncio.run(ask())):
            np.testing.assert_array_equal(
                dense(found.X), dense(self.client.predict(self.adata, genes=gene).X))

    def test_cancelling_a_coroutine_ends_its_call(self):
        async def ask():
            async with unlasting.AsyncClient(self.server.address) as client:
                task = asyncio.ensure_future(client.predict(self.adata, genes=["G1"] * 200))
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                return await client.health()
        self.assertEqual(asyncio.run(ask()), "SERVING")

    def test_errors_name_every_bad_field_with_its_reason(self):
        error = self.refused(unlasting.NotFoundError, "UNKNOWN_GENE", self.adata,
                             genes=["NOSUCH", "G1", "NEITHER"])
        self.assertEqual(error.code, "NOT_FOUND")
        self.assertEqual(len(error.violations), 2)
        self.assertEqual(error.violations[0].reason, "UNKNOWN_GENE")
        self.assertTrue(error.request_id)
        self.refused(unlasting.InvalidInputError, "UNPARSABLE_SMILES", self.adata, smiles="C(",
                     dose="1uM")
        self.refused(unlasting.NotFoundError, "UNKNOWN_MODEL", self.adata, genes="G1", model="x")
        self.refused(unlasting.InvalidInputError, "INVALID_DOSE", self.adata, smiles="C",
                     dose="0.2")
        self.refused(unlasting.InvalidInputError, "INVALID_OPTION", self.adata, genes="G1",
                     mask="x")
        self.refused(unlasting.InvalidInputError, "NO_CELLS", genes="G1")
        self.adata.obs["cell_type"] = "B cell"
        self.addCleanup(self.adata.obs.__setitem__, "cell_type", "T0")
        self.refused(unlasting.NotFoundError, "UNKNOWN_CELL_TYPE", self.adata, genes="G1")

    def test_names_of_genes_are_mended_where_one_fits(self):
        found = self.client.predict(self.adata, genes="g1+u0")
        self.assertEqual(list(found.uns["unlasting"]["perturbations"]["label"]), ["G1+U0"])

    def test_cells_on_another_scale_are_refused(self):
        other = live.controls()
        # Of no one sum, so that the values do not tell their scale; 20 times the model's.
        depth = np.linspace(10000, 30000, 30)[:, None]
        other.X = np.log1p(other.X / other.X.sum(axis=1, keepdims=True) * depth)
        copy = self.folder / "with_sums"
        shutil.copytree(self.bundle, copy)
        manifest = json.loads((copy / "manifest.json").read_text())
        manifest["normalisation"]["control_sums"] = [1000.0, 1000.0]
        (copy / "manifest.json").write_text(json.dumps(manifest))
        with programs.Server("--bundle", copy) as server:
            for model in (unlasting.Client(server.address), unlasting.LocalModel(copy)):
                with model, self.assertRaises(unlasting.InvalidInputError) as raised:
                    model.predict(other, genes="G1")
                self.assertEqual(raised.exception.reason, "SCALE_MISMATCH")

    def test_a_call_ends_at_its_timeout(self):
        with self.assertRaises(unlasting.DeadlineError):
            self.client.predict(self.adata, genes=["G1"] * 3000, timeout=0.05)


class Screens(Served):

    def test_a_screen_is_complete_and_sets_bad_rows_aside(self):
        table = self.folder / "table.tsv"
        table.write_text("gene\tsmiles\tdose\tname\nG1\t\t\tfirst\nNOSUCH\t\t\tbad\n\t"
                         f"{live.ASPIRIN}\t0.1uM,1uM\tdrug\nG2+G3\t\t\tpair\n\t\t\tnone\n")
        out = self.folder / "screen.h5ad"
        ranking = self.client.screen(self.adata, table, out=out, batch=2)
        self.assertEqual(sorted(ranking["name"]), ["drug", "drug", "first", "pair"])
        self.assertTrue((np.diff(ranking["change"]) <= 0).all())
        found = anndata.read_h5ad(out)
        self.assertEqual(found.shape, (4 * 30, 24))
        own = self.client.predict(self.adata, genes="G2+G3")
        np.testing.assert_array_equal(dense(found[found.obs["name"] == "pair"].X), dense(own.X))
        bad = pandas.read_csv(self.folder / "screen.errors.tsv", sep="\t")
        self.assertEqual(list(bad["reason"]), ["UNKNOWN_GENE", "INVALID_ROW"])
        self.assertEqual(list(bad["line"]), [3, 6])
        self.assertFalse((self.folder / "screen.h5ad.parts").exists())

    def test_an_interrupted_screen_goes_on_where_it_was(self):
        out = self.folder / "interrupted.h5ad"
        genes = [f"G{k}" for k in range(12)]
        asked = []
        predict = self.client._session.predict

        def interrupted(request, *rest):
            asked.append([each.genes.genes[0] for each in request.perturbations])
            if len(asked) == 3:
                raise KeyboardInterrupt
            return predict(request, *rest)
        self.client._session.predict = interrupted
        self.addCleanup(self.client._session.__dict__.pop, "predict", None)
        with self.assertRaises(KeyboardInterrupt):
            self.client.screen(self.adata, genes, out=out, batch=3, streams=1)
        self.assertFalse(out.exists())
        first = {gene for rows in asked[:2] for gene in rows}
        asked.clear()
        asked.append([])
        asked.append([])
        asked.append([])
        ranking = self.client.screen(self.adata, genes, out=out, batch=3, streams=1)
        again = {gene for rows in asked for gene in rows}
        self.assertEqual(len(ranking), 12)
        self.assertFalse(first & again)
        self.client._session.__dict__.pop("predict")
        for gene in ("G0", "G11"):
            whole = anndata.read_h5ad(out)
            np.testing.assert_array_equal(
                dense(whole[whole.obs["perturbation"] == gene].X),
                dense(self.client.predict(self.adata, genes=gene).X))

    def test_ctrl_c_ends_the_calls_under_way(self):
        out = self.folder / "stopped.h5ad"
        script = ("import sys; import live, unlasting\n"
                  "unlasting.Client(sys.argv[1]).screen(live.controls(500), ['G1', 'G2'] * 2000,"
                  " out=sys.argv[2], batch=4000)")
        process = subprocess.Popen(
            [sys.executable, "-B", "-W", "ignore", "-c", script, self.server.address, str(out)],
            cwd=pathlib.Path(__file__).parent, stderr=subprocess.PIPE, text=True)
        parts = pathlib.Path(f"{out}.parts")
        programs.wait_until((parts / "screen.json").exists, "the screen begins")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        self.assertIn("KeyboardInterrupt", said)
        self.assertEqual(list(parts.glob("*.part")), [])
        self.assertFalse(out.exists())

    def test_parts_of_another_screen_are_not_mixed_in(self):
        out = self.folder / "other.h5ad"
        parts = self.folder / "other.h5ad.parts"
        parts.mkdir()
        (parts / "screen.json").write_text('{"fingerprint": "of another"}')
        with self.assertRaises(unlasting.InvalidInputError):
            self.client.screen(self.adata, ["G1"], out=out)

    def test_the_async_screen_gives_the_same(self):
        async def ask():
            async with unlasting.AsyncClient(self.server.address) as client:
                return await client.screen(self.adata, ["G1", "G2", "NOSUCH"],
                                           out=self.folder / "async.h5ad", batch=1)
        own = self.client.screen(self.adata, ["G1", "G2"], out=self.folder / "sync.h5ad")
        pandas.testing.assert_frame_equal(asyncio.run(ask()), own)


class Connections(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bundle = programs.write_tiny_bundle(self.folder)
        self.once = unlasting.RetryPolicy(give_up=0)

    def test_large_controls_are_registered_once_and_again_after_a_restart(self):
        adata = live.controls(cells=40)
        with programs.Server("--bundle", self.bundle) as server:
            client = unlasting.Client(server.address)
            expected = client.predict(adata, genes="G1")
            client._session._max_inline_bytes = 0
            uploads = []
            perform = client._perform

            def watched(action):
                if getattr(getattr(action, "method", None), "streams_requests", False):
                    uploads.append(action)
                return perform(action)
            client._perform = watched
            for _ in range(2):
                np.testing.assert_array_equal(dense(client.predict(adata, genes="G1").X),
                                              dense(expected.X))
            self.assertEqual(len(uploads), 1)
            address = server.address
        with programs.Server("--bundle", self.bundle, listen=address):
            np.testing.assert_array_equal(dense(client.predict(adata, genes="G1").X),
                                          dense(expected.X))
            self.assertEqual(len(uploads), 2)
            client.close()

    def test_a_server_that_comes_late_is_waited_for(self):
        with programs.Server("--bundle", self.bundle) as server:
            address = server.address
        client = unlasting.Client(address)
        self.addCleanup(client.close)
        found = []
        thread = threading.Thread(target=lambda: found.append(client.models()))
        thread.start()
        with programs.Server("--bundle", self.bundle, listen=address):
            thread.join(60)
            self.assertEqual(found[0][0].name, "tiny")

    def test_an_absent_server_is_said_in_plain_words(self):
        with programs.Server("--bundle", self.bundle) as server:
            address = server.address
        with self.assertRaises(unlasting.UnavailableError) as raised:
            unlasting.Client(address, retry=self.once).models()
        self.assertIn("nothing listens", str(raised.exception))
        for wrong in ("http://x:1", "localhost", "localhost:0", ":50051", "::1:50051"):
            with self.assertRaises(unlasting.InvalidInputError):
                unlasting.Client(wrong)

    def test_a_wrong_token_is_refused(self):
        tokens = self.folder / "tokens.txt"
        digest = hashlib.sha256(b"secret-of-alice").hexdigest()
        tokens.write_text(f"alice predict {digest}\n")
        with programs.Server("--bundle", self.bundle, "--auth-tokens", tokens) as server:
            with unlasting.Client(server.address, token="secret-of-alice") as client:
                self.assertEqual(client.models()[0].name, "tiny")
            for token in ("", "wrong"):
                with self.assertRaises(unlasting.AccessError):
                    unlasting.Client(server.address, token=token).models()

    def test_tls_and_plaintext_crossed_say_so(self):
        key, certificate = self.folder / "s.key", self.folder / "s.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        with programs.Server("--bundle", self.bundle, "--tls-cert", certificate, "--tls-key",
                             key) as server:
            with unlasting.Client(server.address, tls=str(certificate)) as client:
                self.assertEqual(client.models()[0].name, "tiny")
            with self.assertRaises(unlasting.UnavailableError) as raised:
                unlasting.Client(server.address, retry=self.once).models()
            self.assertIn("TLS", str(raised.exception))
        with programs.Server("--bundle", self.bundle) as server:
            with self.assertRaises(unlasting.UnavailableError) as raised:
                unlasting.Client(server.address, tls=str(certificate), retry=self.once).models()
            self.assertIn("TLS", str(raised.exception))
        with self.assertRaises(unlasting.InvalidInputError):
            unlasting.Client("localhost:1", tls=str(self.folder / "nowhere.pem"))


if __name__ == "__main__":
    unittest.main()
