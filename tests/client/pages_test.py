"""Pages of predictions and screens as users get them: --report of predict and screen."""

import json
import pathlib
import re
import shutil
import tempfile
import unittest

import h5py

import programs


class PagesTest(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bundle = programs.write_tiny_bundle(self.folder)
        self.control = self.folder / "control.h5ad"
        programs.write_controls(self.control, cells=40)
        self.out, self.page = self.folder / "out.h5ad", self.folder / "page.html"

    def run_command(self, server, *arguments, code=0):
        done = programs.run("unlasting", arguments[0], "--server", server.address, "--progress",
                            "none", "--out", self.out, *arguments[1:])
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def first_line(self):
        """The light and the text of what stands before all else."""
        found = re.search(r'<body>\n<p class="light (\w+)">(.*?)</p>', self.page.read_text())
        self.assertIsNotNone(found)
        return found.group(1), re.sub(r"<.*?>", "", found.group(2))

    def test_predict_writes_a_page_beside_the_file(self):
        asked = ["predict", "--control", self.control, "--gene", "G1", "--gene", "U0+G3", "--gene",
                 "U0"]
        with programs.Server("--bundle", self.bundle) as server:
            done = self.run_command(server, *asked, "--report", self.page)
            self.assertIn(f"wrote {self.page}", done.stdout)
            page = self.page.read_text()
            again = self.run_command(server, *asked, "--report", self.page, "--json")
            self.assertEqual(page, self.page.read_text(), "the same answer, the same bytes")
            said = json.loads(again.stdout)
            plain = json.loads(self.run_command(server, *asked, "--json").stdout)
        self.assertEqual(said["report"], str(self.page))
        self.assertEqual(len(plain["perturbations"]), 3)
        for perturbation, other in zip(said["perturbations"], plain["perturbations"]):
            self.assertEqual(perturbation["ranked_genes"], other["ranked_genes"])
        with h5py.File(self.out) as file:
            self.assertIn(file["uns/unlasting/bundle_hash"][()].decode(), page)
        for heading in ("G1", "U0+G3", "U0", "What was asked", "Model, split and training"):
            self.assertIn(f"<h2>{heading}</h2>", page)
        self.assertIn("40 of T0, control.h5ad", page)
        self.assertIn("</i>control", page, "the control cells are drawn")
        self.assertNotIn("cannot be repeated", page)

    def test_the_first_line_says_that_a_question_is_far_from_the_training(self):
        with programs.Server("--bundle", self.bundle) as server:
            self.run_command(server, "predict", "--control", self.control, "--gene", "U0",
                             "--report", self.page)
        light, text = self.first_line()
        self.assertIn(light, ("care", "bad"))
        self.assertIn("Training never perturbed U0", text)

    def test_the_first_line_says_that_the_cells_are_on_another_scale(self):
        path = self.bundle / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["normalisation"]["control_sums"] = [1000.0, 1000.0]
        path.write_text(json.dumps(manifest))
        programs.write_controls(self.control, cells=40, library=4000)
        with programs.Server("--bundle", self.bundle) as server:
            self.run_command(server, "predict", "--control", self.control, "--gene", "G1",
                             "--library-size-column", "library", "--report", self.page)
        light, text = self.first_line()
        self.assertEqual(light, "bad")
        self.assertTrue(text.startswith("✗ Wrong scale. Control cells sum to"), text)

    def test_a_panel_has_a_page_without_its_cells(self):
        with programs.Server("--bundle", self.bundle) as server:
            self.run_command(server, "predict", "--panel", 9, "--cell-type", "T1", "--gene", "G2",
                             "--report", self.page)
        self.assertIn("the control cells are the model&#39;s own", self.page.read_text())

    def test_counts_have_a_page_too(self):
        with programs.Server("--bundle", self.bundle) as server:
            self.run_command(server, "predict", "--control", self.control, "--gene", "G1",
                             "--value-kind", "counts", "--report", self.page)
        page = self.page.read_text()
        self.assertIn("Plots of cells show log1p of the counts", page)
        self.assertIn("</i>control", page)

    def test_one_cell_and_one_gene_have_a_page(self):
        with programs.Server("--bundle", self.bundle) as server:
            self.run_command(server, "predict", "--control", self.control, "--gene", "G1",
                             "--max-cells", 1, "--genes", "G5", "--report", self.page)
        self.assertIn("There is no test", self.page.read_text())

    def test_a_page_in_the_place_of_the_predictions_is_refused_before_anything_is_asked(self):
        for command in (["predict", "--gene", "G1"], ["screen", "--perturbations", self.control]):
            done = programs.run("unlasting", *command, "--server", "127.0.0.1:1", "--control",
                                self.control, "--out", self.out, "--report",
                                f"{self.folder}/./out.h5ad")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--report: found", done.stderr)

    def test_a_page_that_cannot_be_written_is_an_error_that_names_it(self):
        with programs.Server("--bundle", self.bundle) as server:
            done = self.run_command(server, "predict", "--control", self.control, "--gene", "G1",
                                    "--report", self.folder / "absent" / "page.html", code=2)
        self.assertIn("absent", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_screen_writes_a_page_of_its_rows_whether_it_is_resumed_or_not(self):
        table = self.folder / "table.tsv"
        table.write_text("gene\tname\nG1\t<b>first</b>\nNOSUCH\tmine\nU0\t\nG3+U1\t\n")
        asked = ["screen", "--control", self.control, "--perturbations", table, "--batch", 1]
        with programs.Server("--bundle", self.bundle) as server:
            # The parts that it keeps, as a row is bad, were made without a page.
            self.run_command(server, *asked)
            self.run_command(server, *asked, "--resume", "--report", self.page)
            resumed = self.page.read_text()
            shutil.rmtree(f"{self.out}.parts")
            done = self.run_command(server, *asked, "--report", self.page, "--json")
        self.assertEqual(json.loads(done.stdout)["report"], str(self.page))
        page = self.page.read_text()
        for text in (resumed, page):
            self.assertIn("<h1>Screen of table.tsv</h1>", text)
            self.assertIn("&lt;b&gt;first&lt;/b&gt;", text)
            self.assertNotIn("<b>first", text)
            self.assertIn("<td>UNKNOWN_GENE</td>", text)
            self.assertIn("1 of 4 rows of the table could not be predicted", text)
        self.assertEqual(page.count("<article id=\"p"), 3, "a volcano plot for each row")


if __name__ == "__main__":
    unittest.main()
