"""What needs no server: doses, genes, scales, retries, rankings and damaged responses."""

import unittest

import live  # noqa: F401
import numpy as np
from scipy import sparse, stats

from unlasting import (collect, doses, errors, flows, genes, labels, messages, perturbations,
                       ranking, retry, scale, screen_table)


class Doses(unittest.TestCase):

    def test_units_become_micromolar(self):
        for text, expected in (("0.2uM", 0.2), ("200 nM", 0.2), (" 1e-4 mM", 0.1), ("2\u00b5M", 2),
                               ("3\u03bcM", 3), ("5pM", 5e-6), ("1M", 1e6)):
            self.assertAlmostEqual(doses.parse_dose(text) / expected, 1, msg=text)

    def test_what_is_no_dose_is_refused_with_its_reason(self):
        for text in ("0.2", "uM", "", "-1uM", "0uM", "1 mg", "nanuM", "1uMx", 0.2, None):
            with self.assertRaises(errors.InvalidInputError, msg=repr(text)) as raised:
                doses.parse_dose(text)
            self.assertEqual(raised.exception.reason, "INVALID_DOSE")


class Genes(unittest.TestCase):

    def setUp(self):
        self.index = genes.GeneIndex(["ENSG00000115415", "ENSG00000096968", "abc", "ABC"],
                                     {"ENSG00000115415": "STAT1", "ENSG00000096968": "JAK2"})

    def test_names_symbols_versions_and_case_find_one_gene(self):
        for name in ("ENSG00000115415", "STAT1", "stat1", "ENSG00000115415.21", "ensg00000115415"):
            self.assertEqual(self.index.find(name), "ENSG00000115415", name)
        self.assertEqual(self.index.find("abc"), "abc")

    def test_what_fits_several_genes_or_none_is_not_found(self):
        for name in ("Abc", "STAT2", "", "ENSG00000115416.1"):
            self.assertIsNone(self.index.find(name), name)

    def test_columns_that_fit_one_gene_loosely_are_not_chosen_between(self):
        columns, known, renamed = genes.match_columns(self.index, ["stat1", "Stat1", "JAK2"], None)
        self.assertEqual((columns, known, renamed), ([2], ["JAK2"], []))
        columns, known, renamed = genes.match_columns(self.index, ["x", "stat1"], None)
        self.assertEqual((columns, known), ([1], ["ENSG00000115415"]))
        self.assertEqual(len(renamed), 1)


class Labels(unittest.TestCase):

    def test_names_of_controls_are_known_and_genes_are_not(self):
        for label in ("ctrl", "Non-targeting_0012", "DMSO", "NT-3", "NegCtrl0_NegCtrl1", "untreated"):
            self.assertTrue(labels.control_kind(label), label)
        for label in ("STAT1", "CTR9", "NT5E", "DMSO2x", "", "controlled"):
            self.assertFalse(labels.control_kind(label), label)

    def test_controls_of_two_kinds_are_left_to_the_user(self):
        with self.assertRaises(errors.InvalidInputError):
            labels.control_labels(["DMSO", "untreated", "A"], "ctrl")
        found, _ = labels.control_labels(["DMSO", "untreated", "A"], "DMSO,untreated")
        self.assertEqual(found, {"DMSO", "untreated"})


class Scale(unittest.TestCase):

    def sample(self, values):
        found = scale.Sample(len(values))
        found.add(sparse.csr_matrix(np.asarray(values, np.float32)))
        return found

    def setUp(self):
        random = np.random.default_rng(1)
        self.counts = random.poisson(3.0, (60, 40)).astype(float) + 1
        self.normal = self.counts / self.counts.sum(axis=1, keepdims=True) * 1000

    def test_counts_and_logarithms_are_told_apart(self):
        self.assertEqual(scale.decide_kind(self.sample(self.counts), "auto", False), "counts")
        self.assertEqual(scale.decide_kind(self.sample(np.log1p(self.normal)), "auto", False),
                         "log1p")

    def test_base_and_sum_are_found_again(self):
        for base in (np.e, 2, 10):
            found = scale.decide_scale(self.sample(np.log1p(self.normal) / np.log(base)), {}, "X")
            self.assertAlmostEqual(found.base, base)
            self.assertAlmostEqual(found.target_sum / 1000, 1, places=3)

    def test_what_is_on_no_scale_is_refused(self):
        for values, declared in ((self.normal, "auto"), (np.log1p(np.log1p(self.normal)), "auto"),
                                 (np.log1p(self.normal), "counts"), (self.counts, "log1p"),
                                 (self.normal * 1.5 + np.arange(40), "auto"), (self.counts, "x")):
            with self.assertRaises(errors.InvalidInputError):
                scale.decide_kind(self.sample(values), declared, False)

    def test_values_that_are_no_expression_are_refused(self):
        for bad in (np.nan, np.inf, -1.0):
            with self.assertRaises(errors.InvalidInputError) as raised:
                self.sample([[1, bad, 0]])
            self.assertEqual(raised.exception.reason, "INVALID_VALUE")


class Retries(unittest.TestCase):

    def error(self, code, **more):
        return errors.error_of(code, "x", **more)

    def test_what_the_server_says_of_the_request_is_not_tried_again(self):
        for error in (self.error("INVALID_ARGUMENT"), self.error("NOT_FOUND"),
                      self.error("RESOURCE_EXHAUSTED"), self.error("INTERNAL", reason="A"),
                      self.error("DEADLINE_EXCEEDED")):
            self.assertFalse(retry.may_pass(error), error.code)
        for error in (self.error("UNAVAILABLE"), self.error("INTERNAL"),
                      self.error("RESOURCE_EXHAUSTED", retry_after=0.5)):
            self.assertTrue(retry.may_pass(error), error.code)

    def test_the_wait_grows_and_is_never_shorter_than_the_server_asks(self):
        policy = retry.RetryPolicy()
        waits = [retry.wait_before_retry(policy, k, 0, 1.0) for k in range(1, 12)]
        self.assertEqual(waits, sorted(waits))
        self.assertEqual(waits[-1], policy.longest)
        self.assertEqual(retry.wait_before_retry(policy, 1, 7.5, 0.0), 7.5)

    def drive(self, flow, outcomes, clock):
        """Actions of a flow whose calls end as `outcomes` say; sleeping moves the clock."""
        slept = []
        try:
            action = next(flow)
            while True:
                if isinstance(action, flows.Sleep):
                    clock[0] += action.seconds
                    slept.append(action.seconds)
                    action = flow.send(None)
                else:
                    outcome = outcomes.pop(0)
                    action = (flow.throw(outcome) if isinstance(outcome, Exception)
                              else flow.send(outcome))
        except StopIteration as stop:
            return stop.value, slept

    def session(self, clock, **policy):
        return flows.Session(retry.RetryPolicy(**policy), clock=lambda: clock[0],
                             draw=lambda: 1.0)

    def test_a_busy_server_is_asked_again_after_the_time_it_names(self):
        clock = [0.0]
        flow = self.session(clock).unary(messages.LIST_MODELS, None, None)
        busy = self.error("RESOURCE_EXHAUSTED", retry_after=3.0)
        self.assertEqual(self.drive(flow, [busy, busy, "well"], clock), ("well", [3.0, 3.0]))

    def test_a_wait_beyond_the_deadline_ends_the_call_at_once(self):
        clock = [0.0]
        flow = self.session(clock).unary(messages.LIST_MODELS, None, 2.0)
        with self.assertRaises(errors.DeadlineError) as raised:
            self.drive(flow, [self.error("RESOURCE_EXHAUSTED", retry_after=3.0, reason="BUSY")],
                       clock)
        self.assertEqual((clock[0], raised.exception.reason), (0.0, "BUSY"))

    def test_an_absent_server_is_given_up(self):
        clock = [0.0]
        flow = self.session(clock, give_up=5).unary(messages.LIST_MODELS, None, None)
        with self.assertRaises(errors.UnavailableError):
            self.drive(flow, [self.error("UNAVAILABLE")] * 50, clock)
        self.assertLess(clock[0], 20)


class Rankings(unittest.TestCase):

    def test_p_values_are_welchs(self):
        random = np.random.default_rng(2)
        control, predicted = random.normal(0, 1, (40, 5)), random.normal(0.5, 2, (40, 5))
        score, p = stats.ttest_ind(predicted, control, equal_var=False)
        found = ranking.welch(score, predicted.mean(0) - control.mean(0),
                              predicted.std(0, ddof=1), 40)
        np.testing.assert_allclose(found, p, rtol=1e-6)

    def test_adjusted_values_are_benjamini_and_hochbergs(self):
        np.testing.assert_allclose(ranking.adjusted(np.array([0.01, np.nan, 0.04, 0.03, 0.5])),
                                   [0.04, np.nan, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5])
        self.assertTrue(np.isnan(ranking.adjusted(np.array([np.nan]))).all())


class Perturbations(unittest.TestCase):

    def test_entries_are_perturbations_and_plus_knocks_out_together(self):
        built = perturbations.build(genes=["A", "B+C", ("D", "E"), "F+ctrl", "G+G"])
        self.assertEqual([list(each.genes.genes) for each in built],
                         [["A"], ["B", "C"], ["D", "E"], ["F"], ["G"]])

    def test_doses_multiply_molecules(self):
        built = perturbations.build(smiles=["C", "CC"], dose=["0.1uM,1uM", "2uM"], hours=[6, 24])
        self.assertEqual(len(built), 12)
        self.assertEqual(dict(built[0].molecule.covariates), {"hours": 6.0})

    def test_what_does_not_belong_is_named(self):
        for arguments, field in (({}, "perturbation"), ({"genes": [""]}, "genes"),
                                 ({"genes": "A+"}, "genes"), ({"smiles": "C"}, "dose"),
                                 ({"genes": "A", "dose": "1uM"}, "dose"),
                                 ({"genes": "A", "hours": 6}, "hours"),
                                 ({"genes": [3]}, "genes"), ({"genes": "ctrl+ctrl"}, "genes"),
                                 ({"embedding": [np.nan], "dose": "1uM"}, "embedding"),
                                 ({"treatment": ["a", "b"], "vector": [1.0]}, "vector")):
            with self.assertRaises(errors.InvalidInputError, msg=str(arguments)) as raised:
                perturbations.build(**arguments)
            self.assertEqual(raised.exception.violations[0].field, field)


class Responses(unittest.TestCase):

    def header(self, **more):
        part = messages.PredictResponse()
        part.header.genes.extend(["A", "B"])
        part.header.controls.cell_types.append("T")
        part.header.controls.cell_type_indices.extend([0, 0])
        part.header.controls.cell_ids.extend(["x", "y"])
        part.header.perturbations.add(label="A")
        return part

    def chunk(self, rows, data=None):
        part = messages.PredictResponse()
        part.profiles.perturbation_indices.extend([0] * len(rows))
        part.profiles.control_indices.extend(rows)
        part.profiles.matrix.rows, part.profiles.matrix.columns = len(rows), 2
        part.profiles.matrix.raw.element_type = 1
        values = np.arange(2 * len(rows), dtype="<f4") if data is None else data
        part.profiles.matrix.raw.data = values.tobytes()
        return part

    def finished(self):
        part = messages.PredictResponse()
        part.finished.rows = 2
        return part

    def collect(self, *parts):
        collector = collect.Collector()
        for part in parts:
            collector.add(part)
        collector.check()
        return collector

    def test_rows_come_in_any_order_with_parts_that_are_not_known(self):
        whole = self.collect(self.header(), self.chunk([1]), messages.PredictResponse(),
                             self.chunk([0], np.array([5, 6], "<f4")), self.finished())
        np.testing.assert_array_equal(live.dense(whole.profiles[0]), [[5, 6], [0, 1]])

    def test_a_response_that_is_cut_or_does_not_fit_is_no_result(self):
        short = np.zeros(1, "<f4")
        for parts in ((self.header(), self.chunk([0, 1])),  # no end
                      (self.header(), self.chunk([0]), self.finished()),  # a row is absent
                      (self.header(), self.chunk([0]), self.chunk([0]), self.finished()),
                      (self.header(), self.chunk([0, 1], short), self.finished()),
                      (self.chunk([0]), self.finished())):
            with self.assertRaises(errors.IncompleteError):
                self.collect(*parts)

    def test_every_encoding_is_read(self):
        values = np.array([[0, 1.5], [2, 0]], np.float32)
        matrix = messages.Matrix(rows=2, columns=2)
        matrix.packed.values.extend(values.ravel().tolist())
        np.testing.assert_array_equal(collect.decode(matrix), values)
        matrix.sparse.row_offsets.extend([0, 1, 2])
        matrix.sparse.column_indices.extend([1, 0])
        matrix.sparse.values.extend([1.5, 2])
        np.testing.assert_array_equal(collect.decode(matrix), values)
        for number, data in ((2, values.astype("<f2")),
                             (3, (values.view("<u4") >> 16).astype("<u2"))):
            matrix.raw.element_type = number
            matrix.raw.data = data.tobytes()
            np.testing.assert_array_equal(collect.decode(matrix), values)

    def test_values_of_a_newer_server_are_numbers(self):
        self.assertEqual(messages.MASKS.word(99), "99")
        part = self.header()
        part.header.ParseFromString(part.header.SerializeToString() + b"\xfa\x7f\x01x")
        self.assertEqual(self.collect(part, self.chunk([0, 1]), self.finished()).cells, 2)

    def test_details_of_a_newer_server_do_not_hide_the_error(self):
        error = errors.from_rpc("NOT_FOUND", "no", [("grpc-status-details-bin", b"\xff\xff"),
                                                    ("grpc-retry-pushback-ms", "250")])
        self.assertEqual((error.code, error.retry_after), ("NOT_FOUND", 0.25))


class Tables(unittest.TestCase):

    def test_rows_that_cannot_be_read_are_set_aside(self):
        parsed = screen_table.parse([{"gene": "A", "name": "first"}, {"gene": "A"}, {"gene": ""},
                                     {"smiles": "C"}, {"smiles": "C", "dose": "1uM,2uM"}])
        self.assertEqual([row.line for row in parsed.rows], [1, 2, 5, 5])
        self.assertEqual([row.line for row in parsed.bad], [3, 4])
        self.assertEqual(len({row.key for row in parsed.rows}), 4)

    def test_a_table_without_a_known_column_is_refused(self):
        for table in ([], [{"x": "A"}], {"gene": "A"}):
            with self.assertRaises(errors.InvalidInputError):
                screen_table.parse(table)


if __name__ == "__main__":
    unittest.main()
