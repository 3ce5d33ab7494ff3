"""The asynchronous client."""

from __future__ import annotations

import asyncio
from typing import Any, Sequence

from unlasting import connection, messages, questions, results
from unlasting.client import _HEALTH, _prepare, ask_rows, rpc_error
from unlasting.errors import UnlastingError
from unlasting.flows import Action, Call, Flow, Session, Sleep, upload_of
from unlasting.progress import Progress
from unlasting.retry import RetryPolicy


class AsyncClient:
    """The twin of Client for asyncio; each method is a coroutine with Client's parameters.

        async with unlasting.AsyncClient("127.0.0.1:50051") as client:
            predicted = await client.predict(adata, genes=["STAT1"])

    One event loop. Cancelling a coroutine cancels its call in the server.
    """

    def __init__(self, address: str = "127.0.0.1:50051", *, token: str = "",
                 tls: bool | str | connection.TLS = False, retry: RetryPolicy = RetryPolicy(),
                 metadata: Sequence[tuple[str, str]] = ()) -> None:
        self._session = Session(retry)
        self._address = connection.check_address(address)
        self._tls = connection.tls_of(tls)
        self._metadata = list(metadata) + ([("authorization", f"Bearer {token}")] if token else [])
        self._made: Any = None

    @property
    def _channel(self) -> Any:
        # Made within the event loop that uses it.
        if self._made is None:
            from grpc import aio

            options = connection.options_of(self._tls)
            self._made = (aio.insecure_channel(self._address, options) if self._tls is None else
                          aio.secure_channel(self._address, connection.credentials_of(self._tls),
                                             options))
        return self._made

    async def predict(self, adata: Any = None, *, model: str = "", version: str = "",
                      panel: int | None = None, seed: int = 0, timeout: float | None = None,
                      **parameters: Any) -> Any:
        """As Client.predict."""
        question = await self._run(questions.ask(
            self._session, adata, model=model, version=version, panel=panel, seed=seed,
            timeout=timeout, perturbed=None, parameters=parameters))
        answer = await self._run(self._session.predict(question.request, question.controls,
                                                       timeout))
        return results.to_anndata(question, answer)

    async def screen(self, adata: Any, table: Any, *, out: Any, model: str = "", version: str = "",
                     panel: int | None = None, seed: int = 0, timeout: float | None = None,
                     batch: int = 16, streams: int = 2, resume: bool = True,
                     progress: bool | None = None, **parameters: Any) -> Any:
        """As Client.screen."""
        work = await self._run(_prepare(self._session, adata, table, out, batch, resume,
                                        model=model, version=version, panel=panel, seed=seed,
                                        timeout=timeout, parameters=parameters))
        batches = work.batches()
        with Progress("screen", work.rows, progress, work.rows_done) as bar:
            async def one_stream() -> None:
                for rows in batches:
                    await self._run(ask_rows(self._session, work, rows, timeout))
                    bar.update(work.rows_done)
            await _all_or_none([one_stream() for _ in range(max(streams, 1))])
        return work.finish()

    async def models(self) -> list[Any]:
        """As Client.models."""
        request = messages.ListModelsRequest()
        found = await self._run(self._session.unary(messages.LIST_MODELS, request, None))
        return list(found.models)

    async def model(self, name: str = "", version: str = "") -> Any:
        """As Client.model."""
        return await self._run(self._session.model(name, version, None))

    async def health(self, service: str = "") -> str:
        """As Client.health."""
        request = messages.HealthCheckRequest(service=service)
        found = await self._run(self._session.unary(messages.CHECK_HEALTH, request, 10.0))
        return _HEALTH.get(found.status, str(found.status))

    async def close(self) -> None:
        """Ends the connection."""
        if self._made is not None:
            await self._made.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *unused: Any) -> None:
        await self.close()

    async def _run(self, flow: Flow[Any]) -> Any:
        try:
            action = next(flow)
            while True:
                try:
                    result = await self._perform(action)
                except UnlastingError as error:
                    action = flow.throw(error)
                else:
                    action = flow.send(result)
        except StopIteration as stop:
            return stop.value
        finally:
            flow.close()

    async def _perform(self, action: Action) -> Any:
        if isinstance(action, Sleep):
            await asyncio.sleep(action.seconds)
            return None
        return await self._call(action)

    async def _call(self, call: Call) -> Any:
        import grpc

        method = call.method.bind(self._channel)
        request = upload_of(call) if call.requests is not None else call.request
        made = method(request, timeout=call.timeout, metadata=self._metadata)
        try:
            if not call.method.streams_responses:
                return await made
            async for response in made:
                assert call.on_response is not None
                call.on_response(response)
            return None
        except grpc.RpcError as error:
            raise rpc_error(self._address, self._tls is not None, error) from None
        finally:
            made.cancel()


async def _all_or_none(coroutines: list[Any]) -> None:
    """Awaits all; the first failure cancels the others."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
