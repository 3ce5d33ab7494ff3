"""The synchronous client."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any, Sequence

from unlasting import connection, genes, messages, questions, results, screen_table
from unlasting.errors import UnlastingError, from_rpc
from unlasting.flows import Action, Call, Flow, Session, Sleep, upload_of
from unlasting.progress import Progress
from unlasting.retry import RetryPolicy
from unlasting.screen import Screen

_HEALTH = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


class Predictor:
    """The calls that a server and a local bundle have in common. `_perform` carries out an action
    of a flow; any thread may call."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._streams: dict[int, Any] = {}  # the stream that each thread reads

    def _perform(self, action: Action) -> Any:
        raise NotImplementedError

    def _run(self, flow: Flow[Any], stopped: threading.Event | None = None) -> Any:
        """Carries a flow out. Once `stopped` is set, its calls are not tried again."""
        try:
            action = next(flow)
            while True:
                try:
                    if stopped is not None and isinstance(action, Sleep):
                        stopped.wait(action.seconds)
                        result = None
                    else:
                        result = self._perform(action)
                    if stopped is not None and stopped.is_set():
                        return None
                except UnlastingError as error:
                    if stopped is not None and stopped.is_set():
                        return None
                    action = flow.throw(error)
                else:
                    action = flow.send(result)
        except StopIteration as stop:
            return stop.value
        finally:
            flow.close()

    def predict(self, adata: Any = None, *, model: str = "", version: str = "",
                panel: int | None = None, seed: int = 0, timeout: float | None = None,
                progress: bool | None = False, **parameters: Any) -> Any:
        """Predicts control cells under perturbations.

        What is done to the cells, one or more of:

        - `genes`: knockouts, `"STAT1"`, or a list of which each entry is one perturbation: `"STAT1"`,
          `"STAT1+JAK2"` or `("STAT1", "JAK2")` for genes that are knocked out together.
        - `smiles`, `molecule` (a name that the model knows) or `embedding` (features, [Ds]), each
          with `dose`, text with its unit: `"0.2uM"`, or several.
        - `treatment` (a name), with `vector` ([Dt]) where the model takes one.
        - `hours` and `covariates` ({name: number}) of molecules and treatments.

        The control cells: `adata`, an AnnData (in memory, a view or backed; dense or sparse) of which
        the cells whose `condition_column` (default "condition"; "": all cells) says `control`
        (default "ctrl" and the field's other names) are taken, or `panel`, a number of the model's own
        (0: all). `cell_type` chooses cells where `cell_type_column` (default "cell_type") is there,
        else it is the type of all. `layer` ("raw": adata.raw) and `matrix` ("counts", "log1p", "auto":
        found from the values) say where and what the values are, `target_sum` what logarithms were
        normalised to, `library_size_column` each cell's counts over all genes. `missing_genes`:
        "error", "zero" or "panel-mean". `max_cells`: at most so many, drawn by `seed`.
        `new_cell_type`: a name for 30 cells or more of a type that the model was not trained on.

        Options: `solver` ("dpmpp2m", "ddim"), `solver_steps`, `mask` ("rank", "cell", "aggregate",
        "sample", "none"), `mask_threshold`, `eta`, `result_genes`, `value_kind` ("log1p",
        "normalised counts", "counts": whole ones, drawn at the control cells' depth or `depth`),
        `priority` ("interactive", "bulk"). `timeout`: seconds for everything, tries included.

        Returns an AnnData, [control cells x perturbations, genes], a perturbation after the other:

        - `X`: predicted expression, log1p of counts normalised to `uns["unlasting"]["target_sum"]`
          (`value_kind` says another scale), float32.
        - `layers["control"]`: each row's own control cell on the same scale (not with `panel`, whose
          cells stay on the server).
        - `obs`: `perturbation`, `condition`, `cell_type`, `control_cell`; for molecules `dose_val`,
          `dose_unit`, `SMILES`; the covariates.
        - `varm`, [genes, perturbations]: `mean`, `control_mean`, `standard_deviation`,
          `change_standard_error`, `change_half_width` where the model has it (log1p),
          `active_share` (0 to 1), `log2_fold_change`, `score`
          (Welch's t), `p`, `p_adjusted`. Columns are in the order of
          `uns["unlasting"]["perturbations"]["label"]`.
        - `uns["unlasting"]`: model, version, bundle hash, options, `notes`, `filled_in_genes`, and
          `perturbations`: columns on how far each lies from training, and the predicted error.

        Raises InvalidInputError, NotFoundError, AccessError, UnavailableError, BusyError,
        DeadlineError or IncompleteError, all of them UnlastingError.
        """
        question = self._run(questions.ask(
            self._session, adata, model=model, version=version, panel=panel, seed=seed,
            timeout=timeout, perturbed=None, parameters=parameters))
        with Progress("predict", 1, progress) as bar:
            def show(part: Any) -> None:
                if part.WhichOneof("part") == "progress" and part.progress.evaluations_total:
                    bar._total = part.progress.evaluations_total
                    bar.update(part.progress.evaluations_done)
            answer = self._run(self._session.predict(question.request, question.controls, timeout,
                                                     show))
        return results.to_anndata(question, answer)

    def screen(self, adata: Any, table: Any, *, out: Any, model: str = "", version: str = "",
               panel: int | None = None, seed: int = 0, timeout: float | None = None,
               batch: int = 16, streams: int = 2, resume: bool = True,
               progress: bool | None = None, **parameters: Any) -> Any:
        """Predicts every perturbation of a table on the same control cells.

        `table`: a path to TSV or CSV, a DataFrame, or a list; columns as `unlasting screen` takes
        them: `gene`, or `smiles` or `molecule` with `dose`, or `treatment`; `hours`, `covariate`,
        `name`. `batch`: rows of one request; `streams`: requests at once; other parameters as
        `predict`; `timeout` is that of one request.

        Writes `out` (an .h5ad as `predict` returns it), and beside it OUT.ranking.tsv and
        OUT.errors.tsv with the rows that could not be predicted. What is done is kept in OUT.parts:
        a screen that was interrupted goes on when it is called again (`resume=False` refuses).
        Returns the ranking as a DataFrame, the largest change first.
        """
        work = self._run(_prepare(self._session, adata, table, out, batch, resume, model=model,
                                  version=version, panel=panel, seed=seed, timeout=timeout,
                                  parameters=parameters))
        with Progress("screen", work.rows, progress, work.rows_done) as bar:
            self._screen(work, streams, timeout, bar)
        return work.finish()

    def _screen(self, work: Screen, streams: int, timeout: float | None, bar: Progress) -> None:
        batches = work.batches()
        threads: list[threading.Thread] = []
        stopped = threading.Event()

        def started() -> None:
            threads.append(threading.current_thread())
        with ThreadPoolExecutor(max(streams, 1), initializer=started) as pool:
            running: dict[Any, list[screen_table.Row]] = {}
            try:
                while True:
                    while len(running) < max(streams, 1):
                        rows = next(batches, None)
                        if rows is None:
                            break
                        running[pool.submit(self._run, ask_rows(self._session, work, rows, timeout),
                                            stopped)] = rows
                    if not running:
                        return
                    finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                    for each in finished:
                        del running[each]
                        each.result()
                        bar.update(work.rows_done)
            except BaseException:
                # Ctrl-C and errors end the calls under way, in the server too.
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                while any(thread.is_alive() for thread in threads):
                    for thread in threads:  # a call may be about to begin
                        stream = self._streams.get(thread.ident or 0)
                        if stream is not None:
                            stream.cancel()
                    time.sleep(0.05)
                raise

    def models(self) -> list[Any]:
        """The models in service, `unlasting.v1.ModelSummary` messages."""
        request = messages.ListModelsRequest()
        return list(self._run(self._session.unary(messages.LIST_MODELS, request, None)).models)

    def model(self, name: str = "", version: str = "") -> Any:
        """One model in full, an `unlasting.v1.Model` message; "": the only one."""
        return self._run(self._session.model(name, version, None))


def _prepare(session: Session, adata: Any, table: Any, out: Any, batch: int, resume: bool,
             **asked: Any) -> Flow[Screen]:
    # The perturbations come from the table alone.
    for name in questions.PERTURBATION_PARAMETERS:
        if name in asked["parameters"]:
            raise TypeError(f"screen() takes no '{name}': the table has it")
    described = yield from session.model(asked["model"], asked["version"], asked["timeout"])
    index = genes.GeneIndex([*described.genes, *described.perturbed_only_genes],
                            dict(described.gene_symbols))
    parsed = screen_table.parse(table, index)
    question = yield from questions.ask(session, adata, perturbed=[], **asked)
    return Screen(question, parsed, out, batch=batch, resume=resume)


def ask_rows(session: Session, work: Screen, rows: list[screen_table.Row],
             timeout: float | None) -> Flow[None]:
    """Predicts rows and keeps their answer; rows that the server refuses are set aside."""
    while rows:
        answer: list[bytes] = []

        def keep(part: Any) -> None:
            kind = part.WhichOneof("part")
            if kind == "header":
                answer.clear()  # a new try
            if kind != "progress":
                answer.append(part.SerializeToString())
        try:
            yield from session.predict(work.request(rows), work.question.controls, timeout, keep)
        except UnlastingError as error:
            rows = work.failed(rows, error)
            continue
        work.done(rows, answer)
        return


class Client(Predictor):
    """A connection to a server. Any thread; use as a context manager, or call close().

        with unlasting.Client("127.0.0.1:50051", token="...", tls="ca.pem") as client:
            predicted = client.predict(adata, genes=["STAT1"])

    `address`: HOST:PORT or unix:PATH. `token`: for `authorization: Bearer`. `tls`: True (the
    system's authorities), a PEM file of authorities, or TLS(...); False for plaintext. `retry`: how
    calls that may pass are tried again. `metadata`: further pairs that each call carries, e.g.
    `[("x-request-id", "...")]`. Nothing is connected before the first call.
    """

    def __init__(self, address: str = "127.0.0.1:50051", *, token: str = "",
                 tls: bool | str | connection.TLS = False, retry: RetryPolicy = RetryPolicy(),
                 metadata: Sequence[tuple[str, str]] = ()) -> None:
        import grpc

        super().__init__(Session(retry))
        self._address = connection.check_address(address)
        self._tls = connection.tls_of(tls)
        self._metadata = list(metadata) + ([("authorization", f"Bearer {token}")] if token else [])
        options = connection.options_of(self._tls)
        self._channel = (grpc.insecure_channel(address, options) if self._tls is None else
                         grpc.secure_channel(address, connection.credentials_of(self._tls),
                                             options))
        self._closed = threading.Event()

    def health(self, service: str = "") -> str:
        """"SERVING", "NOT_SERVING" or "SERVICE_UNKNOWN" of a service; "": the whole server."""
        request = messages.HealthCheckRequest(service=service)
        response = self._run(self._session.unary(messages.CHECK_HEALTH, request, 10.0))
        return _HEALTH.get(response.status, str(response.status))

    def close(self) -> None:
        """Ends the connection and the calls under way."""
        self._closed.set()
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Sleep):
            time.sleep(action.seconds)
            return None
        return self._call(action)

    def _call(self, call: Call) -> Any:
        import grpc

        method = call.method.bind(self._channel)
        request = upload_of(call) if call.requests is not None else call.request
        try:
            if not call.method.streams_responses:
                return method(request, timeout=call.timeout, metadata=self._metadata)
            responses = method(request, timeout=call.timeout, metadata=self._metadata)
            self._streams[threading.get_ident()] = responses
            try:
                for response in responses:
                    assert call.on_response is not None
                    call.on_response(response)
            finally:
                del self._streams[threading.get_ident()]
                responses.cancel()  # nothing where it is over; Ctrl-C and errors end the call
            return None
        except grpc.RpcError as error:
            raise rpc_error(self._address, self._tls is not None, error) from None


def rpc_error(address: str, tls: bool, error: Any) -> UnlastingError:
    """The UnlastingError of an RpcError or AioRpcError."""
    code, message = error.code().name, error.details() or ""
    if code == "UNAVAILABLE":
        message = connection.explain(address, message, tls)
    return from_rpc(code, message, error.trailing_metadata() or ())
